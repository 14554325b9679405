// Resize and Upsample: every axis is a matrix (output positions x input positions); nearest has one 1 a row.
//
// Schemas in schema.cc, coordinates and taps in taps.cc, values in float.cc, integer form in lower.cc (nearest) and expand.cc
// (products with constant matrices). Source: the ONNX operators' text. Tested by ops/resize_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Input positions (clamped to the axis) and their weights, which add up to 1, of one output position. Empty: outside of the
/// crop.
using Taps = std::vector<std::pair<std::int64_t, double>>;

struct Resizing {
  model::Shape out;
  std::vector<std::vector<Taps>> axes;  ///< by axis and output position; empty where the axis stays as it is
  bool nearest = true;
  float extrapolation = 0;  ///< outside of the crop
  /// Some output lies outside of the crop.
  [[nodiscard]] bool has_outside() const;
};

/// All modes; scales, sizes and the crop must be constants. 10 and below, and Upsample: asymmetric coordinates, rounded down.
[[nodiscard]] Result<Resizing> resolve_resize(const model::InferCall& call);

Inferred infer_resize(const model::InferCall& call);
/// Integers too in mode nearest.
Evaluated evaluate_resize(const model::EvaluateCall& call);

/// How one axis is read. `width`: scale times the input's length, before it was rounded down to the output's.
struct ResizeRule {
  std::string mode = "nearest", coordinates = "half_pixel", nearest = "round_prefer_floor";
  double cubic_a = -0.75;
  bool exclude_outside = false, antialias = false;
};
std::vector<Taps> taps_of(const ResizeRule& rule, std::int64_t in, std::int64_t out, double scale, double roi_begin,
                          double roi_end);

}  // namespace dsperse::ops
