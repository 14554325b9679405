#include <algorithm>
#include <array>
#include <cmath>

#include "dsperse/ops/movement/parts.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;
using model::ValueInfo;

namespace {

constexpr std::int64_t kMaxBlock = 1 << 20;

Result<std::vector<std::int64_t>> parts_of(const InferCall& call, std::int64_t extent) {
  const auto n = static_cast<std::int64_t>(call.node.outputs.size());
  if (call.opset < 13) {
    DSPERSE_TRY(auto sizes, call.node.ints_or("split", {}));
    if (call.node.attributes.contains("split")) return sizes;
  } else if (has_input(call, 1)) {
    return constant_ints(call, 1);
  }
  if (n < 1) return fail(ErrorKind::bad_input, "no outputs");
  if (call.node.attributes.contains("num_outputs")) {
    DSPERSE_TRY(const std::int64_t stated, call.node.int_or("num_outputs", n));
    if (stated != n) return fail(ErrorKind::bad_input, std::to_string(n) + " outputs are named", "attribute 'num_outputs'");
    const std::int64_t each = (extent + n - 1) / n;
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(n), each);
    sizes.back() = extent - each * (n - 1);
    if (sizes.back() < 0) return fail(ErrorKind::bad_input, "too few elements for so many parts", "attribute 'num_outputs'");
    return sizes;
  }
  if (extent % n != 0)
    return fail(ErrorKind::bad_input, std::to_string(extent) + " elements do not divide into " + std::to_string(n) + " parts");
  return std::vector<std::int64_t>(static_cast<std::size_t>(n), extent / n);
}

/// One integer that is constant.
Result<std::int64_t> constant_int(const InferCall& call, std::size_t i, std::int64_t fallback) {
  if (!has_input(call, i)) return fallback;
  DSPERSE_TRY(const auto values, constant_ints(call, i));
  if (values.size() != 1) return fail(ErrorKind::bad_input, "is not one integer", input_text(call.node, i));
  return values[0];
}

Result<std::int64_t> block_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 4, 4));
  DSPERSE_TRY(const std::int64_t b, call.node.int_or("blocksize", 0));
  if (b < 1 || b > kMaxBlock) return fail(ErrorKind::bad_input, "is missing or out of range", "attribute 'blocksize'");
  return b;
}

}  // namespace

Inferred infer_split(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, call.opset < 13 ? 1 : 2));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.size(), "attribute 'axis'"));
  DSPERSE_TRY(const auto sizes, parts_of(call, x[at]));
  if (sizes.size() != call.node.outputs.size())
    return fail(ErrorKind::bad_input,
                std::to_string(sizes.size()) + " parts for " + std::to_string(call.node.outputs.size()) + " outputs", "split");
  std::int64_t total = 0;
  std::vector<ValueInfo> out;
  for (const std::int64_t n : sizes) {
    if (n < 0 || n > x[at] - total)
      return fail(ErrorKind::bad_input, "the parts do not add up to " + std::to_string(x[at]), "split");
    total += n;
    out.push_back({call.inputs[0]->dtype, x, nullptr});
    out.back().shape[at] = n;
  }
  if (total != x[at]) return fail(ErrorKind::bad_input, "the parts do not add up to " + std::to_string(x[at]), "split");
  return out;
}

Inferred infer_expand(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_TRY(const Shape to, constant_ints(call, 1));
  if (to.size() > model::kMaxRank) return fail(ErrorKind::bad_input, "more axes than any tensor has", input_text(call.node, 1));
  if (std::ranges::any_of(to, [](auto d) { return d < 0; }))
    return fail(ErrorKind::bad_input, "a dimension is negative", input_text(call.node, 1));
  DSPERSE_TRY(Shape out, broadcast(call.inputs[0]->shape, to));
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_tile(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_TRY(const auto repeats, constant_ints(call, 1));
  Shape out = call.inputs[0]->shape;
  if (repeats.size() != out.size())
    return fail(ErrorKind::bad_input, std::to_string(repeats.size()) + " repeats, expected " + std::to_string(out.size()),
                input_text(call.node, 1));
  for (std::size_t k = 0; k < out.size(); ++k) {
    if (repeats[k] < 0 || repeats[k] > model::kMaxElements)
      return fail(ErrorKind::bad_input, "repeat " + std::to_string(repeats[k]) + " is out of range", input_text(call.node, 1));
    out[k] *= repeats[k];
    DSPERSE_CHECK_OK(model::element_count(out));
  }
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Inferred infer_center_crop_pad(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_TRY(const auto sizes, constant_ints(call, 1));
  Shape out = call.inputs[0]->shape;
  std::vector<std::int64_t> all;
  for (std::size_t k = 0; k < out.size(); ++k) all.push_back(static_cast<std::int64_t>(k));
  DSPERSE_TRY(const auto axes, call.node.ints_or("axes", all));
  if (axes.size() != sizes.size())
    return fail(ErrorKind::bad_input, "one size for each axis is expected", input_text(call.node, 1));
  std::vector<bool> seen(out.size(), false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    DSPERSE_TRY(const std::size_t k, normal_axis(axes[i], out.size(), "attribute 'axes'"));
    if (seen[k]) return fail(ErrorKind::bad_input, "axis " + std::to_string(k) + " is given twice", "attribute 'axes'");
    if (sizes[i] < 0) return fail(ErrorKind::bad_input, "a size is negative", input_text(call.node, 1));
    seen[k] = true;
    out[k] = sizes[i];
  }
  return one_output(call.inputs[0]->dtype, std::move(out));
}

Result<Triangle> triangle_of(const InferCall& call) {
  Triangle t;
  DSPERSE_TRY(const std::int64_t upper, call.node.int_or("upper", 1));
  t.upper = upper != 0;
  DSPERSE_TRY(t.k, constant_int(call, 1, 0));
  return t;
}

Inferred infer_trilu(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 2));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 2, model::kMaxRank));
  DSPERSE_CHECK_OK(triangle_of(call));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Inferred infer_reverse_sequence(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 2, model::kMaxRank));
  DSPERSE_TRY(const std::int64_t batch, call.node.int_or("batch_axis", 1));
  DSPERSE_TRY(const std::int64_t time, call.node.int_or("time_axis", 0));
  if (batch + time != 1 || batch < 0 || time < 0)
    return fail(ErrorKind::bad_input, "batch and time are not axes 0 and 1", "attribute 'batch_axis'");
  const ValueInfo& lengths = *call.inputs[1];
  if (lengths.dtype != DType::i64 || lengths.shape != Shape{call.inputs[0]->shape[static_cast<std::size_t>(batch)]})
    return fail(ErrorKind::bad_input, "one integer for each sequence is expected", input_text(call.node, 1));
  return one_output(call.inputs[0]->dtype, call.inputs[0]->shape);
}

Inferred infer_depth_to_space(const InferCall& call) {
  DSPERSE_TRY(const std::int64_t b, block_of(call));
  DSPERSE_TRY(const std::string mode, call.node.string_or("mode", "DCR"));
  if (mode != "DCR" && mode != "CRD") return fail(ErrorKind::bad_input, "mode '" + mode + "'", "attribute 'mode'");
  const Shape& x = call.inputs[0]->shape;
  if (x[1] % (b * b) != 0)
    return fail(ErrorKind::bad_input, std::to_string(x[1]) + " channels do not divide into blocks", "attribute 'blocksize'");
  return one_output(call.inputs[0]->dtype, {x[0], x[1] / (b * b), x[2] * b, x[3] * b});
}

Inferred infer_space_to_depth(const InferCall& call) {
  DSPERSE_TRY(const std::int64_t b, block_of(call));
  DSPERSE_TRY(const std::string mode, call.node.string_or("mode", "DCR"));  // opset 28
  if (mode != "DCR") return fail(ErrorKind::unsupported, "mode '" + mode + "'", "attribute 'mode'");
  const Shape& x = call.inputs[0]->shape;
  if (x[2] % b != 0 || x[3] % b != 0)
    return fail(ErrorKind::bad_input, "shape " + model::shape_text(x) + " does not divide into blocks", "attribute 'blocksize'");
  DSPERSE_TRY([[maybe_unused]] const std::int64_t count, model::element_count(x));
  return one_output(call.inputs[0]->dtype, {x[0], x[1] * b * b, x[2] / b, x[3] / b});
}

Inferred infer_eye_like(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 2, 2));
  DSPERSE_CHECK_OK(call.node.int_or("k", 0));
  DSPERSE_TRY(const std::int64_t to, call.node.int_or("dtype", 0));
  DType dtype = call.inputs[0]->dtype;
  if (to == 1 || to == 10 || to == 11 || to == 16)  // numbers of TensorProto.DataType
    dtype = DType::f32;
  else if (to == 9)
    dtype = DType::boolean;
  else if (to != 0)
    dtype = DType::i64;
  return one_output(dtype, call.inputs[0]->shape);
}

Inferred infer_range(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 3));
  std::array<const Tensor*, 3> v{};
  for (std::size_t i = 0; i < 3; ++i) {
    v[i] = call.inputs[i]->constant;
    if (v[i] == nullptr)
      return fail(ErrorKind::unsupported, "value depends on the model's input", input_text(call.node, i),
                  "only constant ranges work; export with fixed shapes");
    if (v[i]->f.size() + v[i]->i.size() != 1 || v[i]->dtype != v[0]->dtype)
      return fail(ErrorKind::bad_input, "is not one number of the start's type", input_text(call.node, i));
  }
  double count = 0;
  if (v[0]->dtype == DType::f32) {
    count = std::ceil((static_cast<double>(v[1]->f[0]) - static_cast<double>(v[0]->f[0])) / static_cast<double>(v[2]->f[0]));
  } else {
    count = std::ceil((static_cast<double>(v[1]->i[0]) - static_cast<double>(v[0]->i[0])) / static_cast<double>(v[2]->i[0]));
  }
  if (!(count < static_cast<double>(model::kMaxElements)))
    return fail(ErrorKind::bad_input, "the range is too long, or its step is 0", input_text(call.node, 2));
  return one_output(v[0]->dtype, {std::max<std::int64_t>(0, static_cast<std::int64_t>(std::max(count, 0.0)))});
}

Inferred infer_size(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  return one_output(DType::i64, {});
}

}  // namespace dsperse::ops
