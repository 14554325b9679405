// A quantized model whose program was tiled: what later steps run, compile and prove.
//
// Tested by pipeline/tiles_test.cc.
#pragma once

#include "dsperse/quantize/quantize.h"
#include "dsperse/slice/tile.h"

namespace dsperse::pipeline {

/// Program and weights become the tiled ones; inputs, outputs and their mappings stay. Fidelity stays that of the whole tensors,
/// under their names. `origins` goes: fidelity is measured before.
void become_tiled(quantize::QuantizedModel& model, const slice::Tiled& tiled);

}  // namespace dsperse::pipeline
