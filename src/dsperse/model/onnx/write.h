// Graphs as ONNX files: for generated benchmark and test models, and for networks that an engine runs. Not a round trip of
// everything that load_onnx reads.
//
// Tested by model/onnx/write_test.cc (written, loaded, equal).
#pragma once

#include <string>

#include "dsperse/base/bytes.h"
#include "dsperse/model/graph.h"

namespace dsperse::model {

enum class OutputTypes : std::uint8_t {
  stated,  ///< outputs need shapes
  open,    ///< the file names outputs alone: whoever reads it infers the rest
};
/// ONNX bytes (IR version 8, opset graph.opset, default domain; operators "domain::name" of version 1 of theirs); constants
/// become initializers. Inputs need shapes. An error (resource) beyond protobuf's 2 GiB.
[[nodiscard]] Result<Bytes> encode_onnx(const Graph& graph, OutputTypes types = OutputTypes::stated);
/// The same into a file (written beside, then renamed).
[[nodiscard]] Status write_onnx(const Graph& graph, const std::string& path);

}  // namespace dsperse::model
