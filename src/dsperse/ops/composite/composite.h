// Normalizations and losses written out in operators that have an integer form of their own: reductions, LayerNormalization,
// RMSNormalization, tables.
//
// Tested by ops/composite_test.cc against plain loops.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Most elements of a tensor whose normalization or loss is written out: constants are made as large.
inline constexpr std::int64_t kMaxConstant = std::int64_t{1} << 26;

/// LayerNormalization of each group's elements, then scale and bias (per group in opset 18, per channel from 21 on).
Expanded expand_group_normalization(const model::InferCall& call);
/// LayerNormalization of each channel's elements, then scale and bias.
Expanded expand_instance_normalization(const model::InferCall& call);
/// LayerNormalization over any axes.
Expanded expand_mean_variance_normalization(const model::InferCall& call);
/// p = 2: RMSNormalization; p = 1: quotient by the sum of magnitudes.
Expanded expand_lp_normalization(const model::InferCall& call);
/// Squares, summed over neighbouring channels by a 1x1 Conv, to a power.
Expanded expand_lrn(const model::InferCall& call);
/// x - max - log(sum(e^(x - max))).
Expanded expand_log_softmax(const model::InferCall& call);
/// OneHot of ArgMax.
Expanded expand_hardmax(const model::InferCall& call);
/// Constant labels and weights; the log probabilities too.
Expanded expand_negative_log_likelihood_loss(const model::InferCall& call);
Expanded expand_softmax_cross_entropy_loss(const model::InferCall& call);

}  // namespace dsperse::ops
