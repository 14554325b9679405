// The operators' constraints; called by constrain.cc.
#pragma once

#include "dsperse/ops/common/builder.h"

namespace dsperse::ops {

[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Conv& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Gemm& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Sum& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::AveragePool& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::MaxPool& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Rearrange& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Contract& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Reduce& op);

}  // namespace dsperse::ops
