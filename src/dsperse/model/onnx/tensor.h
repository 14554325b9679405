// Decodes one TensorProto: every stored form of the types that become float, integer or boolean tensors.
//
// float, double, float16, bfloat16 -> f32 (rounded to nearest); int8..int64, uint8..uint64 -> i64; bool. Sizes are compared with
// the shape, and the memory budget is charged, before anything is allocated. Tested by model/onnx/tensor_test.cc.
#pragma once

#include <string>

#include "dsperse/model/graph.h"
#include "onnx.pb.h"

namespace dsperse::model::onnx_file {

/// What decoding may use.
struct TensorContext {
  std::uint64_t bytes_left = 0;  ///< of decoded values, charged by every tensor
  bool allow_external = false;
  std::string folder;  ///< where external data may lie; empty: nowhere
};

/// The dtype that a TensorProto.DataType becomes; unsupported for strings, complex and unknown numbers.
[[nodiscard]] Result<DType> dtype_of(std::int32_t data_type);
/// Values that an integer type can hold.
struct Range {
  std::int64_t low, high;
};
[[nodiscard]] Range range_of(std::int32_t data_type);
/// Errors: bad_input (sizes, values, external path, NaN or infinity), unsupported, resource (budget).
[[nodiscard]] Result<Tensor> decode_tensor(const onnx::TensorProto& proto, TensorContext& context);

}  // namespace dsperse::model::onnx_file
