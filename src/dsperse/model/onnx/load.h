// ONNX files into Graphs: the only place that sees protobuf. Every length is bounded before allocation.
//
// Refused with a clear error: links and special files, external data unless allowed (and then only inside the model's folder),
// cycles, duplicate or dangling names, tensors whose bytes don't fit their shape, NaN or Inf weights, sparse or string tensors,
// foreign domains, opsets outside kFirstOpset..kLastOpset, unknown operators, dynamic dimensions that no input_shapes entry
// fixes. Functions of the model are written out; bodies of If, Loop, Scan become Subgraphs. Tested by model/onnx/load_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "dsperse/base/bytes.h"
#include "dsperse/model/operator.h"

namespace dsperse::model {

/// Opsets of the default domain whose operators were checked against their definitions.
inline constexpr std::int64_t kFirstOpset = 7, kLastOpset = 28;

struct LoadOptions {
  bool allow_external_data = false;
  std::uint64_t max_file_bytes = std::uint64_t{2} << 30;
  std::uint64_t max_tensor_bytes = std::uint64_t{2} << 30;  ///< all initializers together, decoded
  std::size_t max_nodes = 1U << 16;
  /// Operators that are not known stay as nodes without attributes (named "domain::operator"), so that `inspect` can list them,
  /// and the graph's `values` hold the shapes that the file states.
  bool keep_unknown_operators = false;
  /// Complete shapes of graph inputs that override the file's (all dimensions >= 1).
  std::map<std::string, Shape> input_shapes;
};

/// Reads and checks a file; nodes come back in topological order with unique names, shapes not yet inferred. A batch dimension
/// that is symbolic and the only unknown one of an input becomes 1.
[[nodiscard]] Result<Graph> load_onnx(const std::string& path, const LoadOptions& options, const OperatorSet& operators);
/// The same from memory; `folder` is where external data may lie (empty: none).
[[nodiscard]] Result<Graph> parse_onnx(ByteView bytes, const std::string& folder, const LoadOptions& options,
                                       const OperatorSet& operators);

}  // namespace dsperse::model
