#include "dsperse/pipeline/edges.h"

namespace dsperse::pipeline {

quantize::TensorSpec edge_spec(const proof::ModelKey& key, const proof::Edge& edge) {
  const proof::Chunk& first = key.chunks[edge.chunks.front()];
  quantize::TensorSpec spec{edge.name, first.shape, first.exponent, first.lo, first.hi};
  for (std::size_t i = 1; i < edge.chunks.size() && !spec.shape.empty(); ++i) {
    const quantize::Shape& more = key.chunks[edge.chunks[i]].shape;
    if (!more.empty()) spec.shape[0] += more[0];
  }
  return spec;
}

quantize::IntTensor edge_values(const proof::Edge& edge, const std::vector<quantize::IntTensor>& chunks) {
  quantize::IntTensor out;
  for (const std::uint32_t c : edge.chunks) out.insert(out.end(), chunks[c].begin(), chunks[c].end());
  return out;
}

}  // namespace dsperse::pipeline
