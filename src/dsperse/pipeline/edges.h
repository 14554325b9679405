// Tensors at a model's ends, as the key sees them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/proof/key.h"

namespace dsperse::pipeline {

/// Integer tensors of edges by name, in the order of the integer tensor (not of ONNX); several chunks one after the other.
using EdgeTensors = std::map<std::string, quantize::IntTensor>;
/// Roots of committed edges by name, chunk after chunk.
using EdgeRoots = std::map<std::string, std::vector<Digest>>;

/// An edge as one tensor: its chunks joined along the leading axis.
quantize::TensorSpec edge_spec(const proof::ModelKey& key, const proof::Edge& edge);
/// Its values out of the values of all chunks.
quantize::IntTensor edge_values(const proof::Edge& edge, const std::vector<quantize::IntTensor>& chunks);

}  // namespace dsperse::pipeline
