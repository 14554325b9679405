#include "dsperse/ops/common/schema.h"

#include <algorithm>

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::InferCall;
using model::Shape;
using model::Tensor;
using model::ValueInfo;

std::string input_text(const model::Node& node, std::size_t i) {
  std::string out = "input " + std::to_string(i);
  if (i < node.inputs.size() && !node.inputs[i].empty()) out += " '" + node.inputs[i] + "'";
  return out;
}

Status expect_inputs(const InferCall& call, std::size_t min, std::size_t max) {
  if (call.inputs.size() > max)
    return fail(ErrorKind::bad_input,
                std::to_string(call.inputs.size()) + " inputs, at most " + std::to_string(max) + " are defined");
  for (std::size_t i = 0; i < min; ++i)
    if (!has_input(call, i)) return fail(ErrorKind::bad_input, "input is missing", input_text(call.node, i));
  return {};
}

Status expect_float(const InferCall& call, std::size_t i) {
  if (call.inputs[i]->dtype == DType::f32) return {};
  return fail(ErrorKind::unsupported, model::dtype_text(call.inputs[i]->dtype) + " tensor where only float works",
              input_text(call.node, i));
}

Status expect_rank(const InferCall& call, std::size_t i, std::size_t min, std::size_t max) {
  const Shape& shape = call.inputs[i]->shape;
  if (shape.size() >= min && shape.size() <= max) return {};
  return fail(ErrorKind::bad_input,
              "shape " + model::shape_text(shape) + " has rank " + std::to_string(shape.size()) + ", expected " +
                  std::to_string(min) + (max > min ? " to " + std::to_string(max) : ""),
              input_text(call.node, i));
}

Inferred one_output(DType dtype, Shape shape) {
  DSPERSE_TRY([[maybe_unused]] const std::int64_t count, model::element_count(shape));
  return std::vector<ValueInfo>{{dtype, std::move(shape), nullptr}};
}

KnownInputs::KnownInputs(const EvaluateCall& call)
    : node_(call.node), opset_(call.opset), infos_(call.inputs.size()), views_(call.inputs.size(), nullptr) {
  for (std::size_t i = 0; i < infos_.size(); ++i) {
    if (call.inputs[i] == nullptr) continue;
    infos_[i] = {call.inputs[i]->dtype, call.inputs[i]->shape, call.inputs[i]};
    views_[i] = &infos_[i];
  }
}

Inferred infer_outputs(const EvaluateCall& call, Inferred (*infer)(const InferCall&)) {
  const KnownInputs known(call);
  return infer(known.call());
}

Tensor zeros(const ValueInfo& info) {
  std::int64_t count = 1;
  for (const std::int64_t d : info.shape) count *= d;
  Tensor t{info.dtype, info.shape, {}, {}};
  if (info.dtype == DType::f32)
    t.f.resize(static_cast<std::size_t>(count));
  else
    t.i.resize(static_cast<std::size_t>(count));
  return t;
}

Result<std::size_t> normal_axis(std::int64_t axis, std::size_t extent, const std::string& where) {
  const auto n = static_cast<std::int64_t>(extent);
  if (axis < -n || axis >= n)
    return fail(ErrorKind::bad_input,
                "axis " + std::to_string(axis) + " is outside of [" + std::to_string(-n) + ", " + std::to_string(n - 1) + "]",
                where);
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

Result<std::vector<std::int64_t>> constant_ints(const InferCall& call, std::size_t i) {
  const ValueInfo& info = *call.inputs[i];
  if (info.dtype != DType::i64)
    return fail(ErrorKind::bad_input, "integers expected, not " + model::dtype_text(info.dtype), input_text(call.node, i));
  if (info.shape.size() > 1)
    return fail(ErrorKind::bad_input, "a list expected, not shape " + model::shape_text(info.shape), input_text(call.node, i));
  if (info.constant == nullptr)
    return fail(ErrorKind::unsupported, "value depends on the model's input", input_text(call.node, i),
                "only constant shapes and axes work; export with fixed shapes");
  return info.constant->i;
}

Result<Axes> axes_of(const InferCall& call, std::int64_t since, std::size_t i) {
  Axes axes;
  if (call.opset < since) {
    axes.given = call.node.attributes.contains("axes");
    DSPERSE_TRY(axes.values, call.node.ints_or("axes", {}));
  } else if (has_input(call, i)) {
    axes.given = true;
    DSPERSE_TRY(axes.values, constant_ints(call, i));
  }
  if (axes.values.size() > model::kMaxRank) return fail(ErrorKind::bad_input, "more axes than any tensor has", "axes");
  return axes;
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return fail(ErrorKind::bad_input, "shapes " + model::shape_text(a) + " and " + model::shape_text(b) + " do not broadcast");
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> out(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) out[i - 1] = out[i] * shape[i];
  return out;
}

std::vector<std::int64_t> broadcast_strides(const Shape& shape, const Shape& out) {
  const std::vector<std::int64_t> own = strides_of(shape);
  std::vector<std::int64_t> strides(out.size(), 0);
  const std::size_t skip = out.size() - shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != 1) strides[skip + i] = own[i];
  return strides;
}

}  // namespace dsperse::ops
