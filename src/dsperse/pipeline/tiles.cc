#include "dsperse/pipeline/tiles.h"

#include <utility>

namespace dsperse::pipeline {

void become_tiled(quantize::QuantizedModel& model, const slice::Tiled& tiled) {
  model.weights = slice::tile_weights(tiled, std::move(model.weights));
  model.program = tiled.program;
  model.origins.clear();
}

}  // namespace dsperse::pipeline
