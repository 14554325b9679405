// Einsum: sums of products over named axes.
//
// Schemas in schema.cc, values in float.cc, expansion into products of two operands in expand.cc, integer form of these in
// lower.cc. Tested by ops/einsum_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// An equation whose ellipses are written out: one letter (a number) for every axis of every operand and of the output.
struct Equation {
  std::vector<std::vector<std::uint32_t>> operands;
  std::vector<std::uint32_t> out;
  std::vector<std::int64_t> extent;  ///< by letter; an axis of size 1 repeats where the letter's extent is larger
};

/// Most products of one sum that are evaluated.
inline constexpr std::int64_t kMaxSummands = std::int64_t{1} << 26;

/// Errors: malformed equations, shapes that do not fit it.
[[nodiscard]] Result<Equation> equation_of(const model::InferCall& call);
Inferred infer_einsum(const model::InferCall& call);
Evaluated evaluate_einsum(const model::EvaluateCall& call);
/// Diagonals become strided slices, one operand a ReduceSum and Transpose, three and more operands products of two. Two operands
/// without repeated letters stay.
Expanded expand_einsum(const model::InferCall& call);

}  // namespace dsperse::ops
