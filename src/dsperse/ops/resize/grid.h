// GridSample and AffineGrid in terms of matrix products.
//
// Source: the ONNX operators' text. Tested by ops/sampling_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Most places of a grid times pixels of an image: elements of the constant matrix.
inline constexpr std::int64_t kMostSampled = std::int64_t{1} << 22;

/// Every mode, padding and number of axes; the grid must be a constant.
Expanded expand_grid_sample(const model::InferCall& call);
/// theta may be computed, the size must be a constant.
Expanded expand_affine_grid(const model::InferCall& call);

}  // namespace dsperse::ops
