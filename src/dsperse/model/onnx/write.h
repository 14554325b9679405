// Graphs as ONNX files: for generated benchmark and test models. Not a round trip of everything that load_onnx reads.
//
// Tested by model/onnx/write_test.cc (written, loaded, equal).
#pragma once

#include <string>

#include "dsperse/base/bytes.h"
#include "dsperse/model/graph.h"

namespace dsperse::model {

/// ONNX bytes (IR version 8, opset graph.opset, default domain); constants become initializers. Inputs and outputs need shapes.
/// An error (resource) beyond protobuf's 2 GiB.
[[nodiscard]] Result<Bytes> encode_onnx(const Graph& graph);
/// The same into a file (written beside, then renamed).
[[nodiscard]] Status write_onnx(const Graph& graph, const std::string& path);

}  // namespace dsperse::model
