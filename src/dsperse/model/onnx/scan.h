// Walks the bytes of an ONNX file before protobuf does and bounds what it will allocate.
//
// A few bytes on the wire can become a message of hundreds in memory. This scanner allocates nothing: it checks that lengths
// nest, bounds the depth, and counts nodes, fields and packed numbers. It does not judge the content. Source: the protobuf
// encoding and onnx.proto's field numbers. Tested by model/onnx/load_test.cc.
#pragma once

#include <cstdint>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::model::onnx_file {

struct ScanLimits {
  std::uint64_t nodes;
  std::uint64_t values;                           ///< numbers in typed data and attributes
  std::uint64_t fields = std::uint64_t{1} << 22;  ///< of all messages together
  int depth = 12;                                 ///< nested messages
};

/// Errors: bad_input (not protobuf), resource (over a limit).
[[nodiscard]] Status scan_model(ByteView bytes, const ScanLimits& limits);

}  // namespace dsperse::model::onnx_file
