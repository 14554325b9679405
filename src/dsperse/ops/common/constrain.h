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
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Extreme& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Softmax& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Normalize& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::Divide& op);
[[nodiscard]] Status constrain_op(Builder& b, std::uint32_t index, const quantize::OneHot& op);
/// First pass: limbs that the ranges of an op's parts want; of ops over rows alone.
void announce_rows(Builder& b, const quantize::Op& op);

}  // namespace dsperse::ops
