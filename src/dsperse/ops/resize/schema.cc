#include <algorithm>
#include <array>
#include <cmath>

#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;

namespace {

Status one_of(const std::string& value, std::initializer_list<const char*> known, const std::string& attribute) {
  if (std::ranges::find(known, value) != known.end()) return {};
  return fail(ErrorKind::unsupported, "'" + value + "'", "attribute '" + attribute + "'");
}

/// Floats of constant input i; none if it is absent or empty.
Result<std::vector<float>> constant_floats(const InferCall& call, std::size_t i) {
  if (!has_input(call, i)) return std::vector<float>{};
  const model::ValueInfo& info = *call.inputs[i];
  if (info.constant == nullptr)
    return fail(ErrorKind::unsupported, "value depends on the model's input", input_text(call.node, i),
                "only constant scales and sizes work; export with fixed shapes");
  if (info.dtype != DType::f32) return fail(ErrorKind::bad_input, "floats expected", input_text(call.node, i));
  return info.constant->f;
}

struct Stated {
  ResizeRule rule;
  std::vector<std::size_t> axes;
  std::vector<double> scales;       ///< by stated axis
  std::vector<std::int64_t> sizes;  ///< by stated axis
  std::vector<float> roi;           ///< begins, then ends, by stated axis
  float extrapolation = 0;
};

Result<Stated> stated_by(const InferCall& call) {
  const bool upsample = call.node.op == "Upsample", old = upsample || call.opset < 11;
  const Shape& x = call.inputs[0]->shape;
  Stated s;
  DSPERSE_TRY(s.rule.mode, call.node.string_or("mode", "nearest"));
  if (s.rule.mode == "bilinear") s.rule.mode = "linear";
  DSPERSE_CHECK_OK(one_of(s.rule.mode, {"nearest", "linear", "cubic"}, "mode"));
  for (std::size_t k = 0; k < x.size(); ++k) s.axes.push_back(k);
  std::vector<float> scales;
  if (old) {
    s.rule.coordinates = "asymmetric", s.rule.nearest = "floor";
    if (upsample && call.opset < 9) {
      const auto it = call.node.attributes.find("scales");
      const auto* list = it == call.node.attributes.end() ? nullptr : std::get_if<std::vector<float>>(&it->second);
      if (list == nullptr) return fail(ErrorKind::bad_input, "floats expected", "attribute 'scales'");
      scales = *list;
    } else {
      DSPERSE_TRY(scales, constant_floats(call, 1));
    }
  } else {
    ResizeRule& r = s.rule;
    DSPERSE_TRY(r.coordinates, call.node.string_or("coordinate_transformation_mode", "half_pixel"));
    DSPERSE_CHECK_OK(one_of(r.coordinates,
                            {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                             "tf_half_pixel_for_nn", "tf_crop_and_resize"},
                            "coordinate_transformation_mode"));
    DSPERSE_TRY(r.nearest, call.node.string_or("nearest_mode", "round_prefer_floor"));
    DSPERSE_CHECK_OK(one_of(r.nearest, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, "nearest_mode"));
    DSPERSE_TRY(const float a, call.node.float_or("cubic_coeff_a", -0.75F));
    r.cubic_a = static_cast<double>(a);
    DSPERSE_TRY(const std::int64_t exclude, call.node.int_or("exclude_outside", 0));
    DSPERSE_TRY(const std::int64_t antialias, call.node.int_or("antialias", 0));
    r.exclude_outside = exclude != 0, r.antialias = antialias != 0;
    DSPERSE_TRY(s.extrapolation, call.node.float_or("extrapolation_value", 0));
    DSPERSE_TRY(s.roi, constant_floats(call, 1));
    DSPERSE_TRY(scales, constant_floats(call, 2));
    if (has_input(call, 3)) {
      DSPERSE_TRY(s.sizes, constant_ints(call, 3));
    }
    if (call.node.attributes.contains("axes")) {
      DSPERSE_TRY(const auto axes, call.node.ints_or("axes", {}));
      s.axes.clear();
      for (const std::int64_t axis : axes) {
        DSPERSE_TRY(const std::size_t k, normal_axis(axis, x.size(), "attribute 'axes'"));
        if (std::ranges::find(s.axes, k) != s.axes.end())
          return fail(ErrorKind::bad_input, "axis " + std::to_string(k) + " is given twice", "attribute 'axes'");
        s.axes.push_back(k);
      }
    }
  }
  s.scales.assign(scales.begin(), scales.end());
  if (s.scales.empty() == s.sizes.empty()) {
    if (!s.axes.empty()) return fail(ErrorKind::bad_input, "either scales or sizes are expected");
  } else if (s.scales.size() + s.sizes.size() != s.axes.size()) {
    return fail(ErrorKind::bad_input, "one scale or size for each of " + std::to_string(s.axes.size()) + " axes is expected");
  }
  if (s.rule.coordinates == "tf_crop_and_resize" && s.roi.size() != 2 * s.axes.size())
    return fail(ErrorKind::bad_input, "a begin and an end for each axis are expected", input_text(call.node, 1));
  return s;
}

/// Sizes to scales; with a policy one scale for all.
Status scales_from_sizes(const InferCall& call, Stated& s) {
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::string policy, call.node.string_or("keep_aspect_ratio_policy", "stretch"));
  DSPERSE_CHECK_OK(one_of(policy, {"stretch", "not_larger", "not_smaller"}, "keep_aspect_ratio_policy"));
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    if (s.sizes[i] < 1 || s.sizes[i] > model::kMaxElements)
      return fail(ErrorKind::bad_input, "size " + std::to_string(s.sizes[i]) + " is out of range", input_text(call.node, 3));
    s.scales.push_back(static_cast<double>(s.sizes[i]) / static_cast<double>(x[s.axes[i]]));
  }
  if (policy == "stretch" || s.scales.empty()) return {};
  const double scale = policy == "not_larger" ? *std::ranges::min_element(s.scales) : *std::ranges::max_element(s.scales);
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    s.scales[i] = scale;
    s.sizes[i] = static_cast<std::int64_t>(std::floor(scale * static_cast<double>(x[s.axes[i]]) + 0.5));
  }
  return {};
}

}  // namespace

Result<Resizing> resolve_resize(const InferCall& call) {
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(Stated s, stated_by(call));
  for (const std::size_t k : s.axes)
    if (x[k] < 1) return fail(ErrorKind::bad_input, "an axis without elements is resized", input_text(call.node, 0));
  const bool by_size = !s.sizes.empty();
  if (by_size) DSPERSE_CHECK_OK(scales_from_sizes(call, s));
  Resizing r{x, std::vector<std::vector<Taps>>(x.size()), s.rule.mode == "nearest", s.extrapolation};
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    const double scale = s.scales[i], width = scale * static_cast<double>(x[s.axes[i]]);
    if (!(scale > 0) || !(width < static_cast<double>(model::kMaxElements)))
      return fail(ErrorKind::bad_input, "scale " + std::to_string(scale) + " is out of range");
    r.out[s.axes[i]] = by_size ? s.sizes[i] : static_cast<std::int64_t>(std::floor(width));
    if (r.out[s.axes[i]] < 1) return fail(ErrorKind::bad_input, "nothing is left of axis " + std::to_string(s.axes[i]));
  }
  DSPERSE_CHECK_OK(model::element_count(r.out));
  for (std::size_t i = 0; i < s.axes.size(); ++i) {
    const std::size_t k = s.axes[i];
    const bool crop = s.rule.coordinates == "tf_crop_and_resize";
    const double begin = crop ? static_cast<double>(s.roi[i]) : 0, end = crop ? static_cast<double>(s.roi[s.axes.size() + i]) : 1;
    if (r.out[k] == x[k] && s.scales[i] == 1 && begin == 0 && end == 1) continue;
    r.axes[k] = taps_of(s.rule, x[k], r.out[k], s.scales[i], begin, end);
  }
  return r;
}

Inferred infer_resize(const InferCall& call) {
  const bool upsample = call.node.op == "Upsample";
  const std::size_t most = upsample ? (call.opset < 9 ? 1 : 2) : call.opset < 11 ? 2 : 4;
  DSPERSE_CHECK_OK(expect_inputs(call, upsample && call.opset < 9 ? 1 : call.opset < 11 ? 2 : 1, most));
  DSPERSE_TRY(Resizing r, resolve_resize(call));
  if (!r.nearest) DSPERSE_CHECK_OK(expect_float(call, 0));
  return one_output(call.inputs[0]->dtype, std::move(r.out));
}

}  // namespace dsperse::ops
