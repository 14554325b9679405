#include <algorithm>

#include "dsperse/ops/movement/movement.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::InferCall;
using model::Shape;
using model::Tensor;

namespace {

Evaluated reshaped(const EvaluateCall& call, Inferred (*infer)(const InferCall&)) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer));
  std::vector<Tensor> out{*call.inputs[0]};
  out[0].shape = infos[0].shape;
  return out;
}

/// y[o] = x[i] for the pairs that walk() makes.
void gather_strided(const Tensor& x, Tensor& y, const std::vector<std::int64_t>& strides, std::int64_t offset) {
  if (y.dtype == DType::f32)
    walk(y.shape, strides, offset,
         [&](std::int64_t o, std::int64_t i) { y.f[static_cast<std::size_t>(o)] = x.f[static_cast<std::size_t>(i)]; });
  else
    walk(y.shape, strides, offset,
         [&](std::int64_t o, std::int64_t i) { y.i[static_cast<std::size_t>(o)] = x.i[static_cast<std::size_t>(i)]; });
}

/// Copies `count` elements.
void copy(const Tensor& x, std::int64_t from, Tensor& y, std::int64_t to, std::int64_t count) {
  if (y.dtype == DType::f32)
    std::copy_n(x.f.begin() + from, count, y.f.begin() + to);
  else
    std::copy_n(x.i.begin() + from, count, y.i.begin() + to);
}

std::int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  std::int64_t p = 1;
  for (; begin != end; ++begin) p *= *begin;
  return p;
}

/// Where position i of a padded axis reads, or -1 for the fill.
std::int64_t source(std::int64_t i, std::int64_t extent, const std::string& mode) {
  if (i >= 0 && i < extent) return i;
  if (mode == "edge") return i < 0 ? 0 : extent - 1;
  if (mode == "reflect") return i < 0 ? -i : 2 * (extent - 1) - i;
  if (mode == "wrap") return ((i % extent) + extent) % extent;
  return -1;
}

}  // namespace

Evaluated evaluate_flatten(const EvaluateCall& call) { return reshaped(call, infer_flatten); }
Evaluated evaluate_reshape(const EvaluateCall& call) { return reshaped(call, infer_reshape); }
Evaluated evaluate_squeeze(const EvaluateCall& call) { return reshaped(call, infer_squeeze); }
Evaluated evaluate_unsqueeze(const EvaluateCall& call) { return reshaped(call, infer_unsqueeze); }

Evaluated evaluate_transpose(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_transpose));
  const Tensor& x = *call.inputs[0];
  DSPERSE_TRY(const std::vector<std::size_t> perm, permutation(call.node, x.shape.size()));
  const std::vector<std::int64_t> own = strides_of(x.shape);
  std::vector<std::int64_t> strides;
  for (const std::size_t axis : perm) strides.push_back(own[axis]);
  std::vector<Tensor> out{zeros(infos[0])};
  gather_strided(x, out[0], strides, 0);
  return out;
}

Evaluated evaluate_concat(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_concat));
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, infos[0].shape.size(), "attribute 'axis'"));
  std::vector<Tensor> out{zeros(infos[0])};
  const auto from = [at](const Shape& shape) { return product(shape.begin() + static_cast<std::ptrdiff_t>(at), shape.end()); };
  const std::int64_t rows = product(infos[0].shape.begin(), infos[0].shape.begin() + static_cast<std::ptrdiff_t>(at)),
                     row = from(infos[0].shape);
  std::int64_t column = 0;
  for (const Tensor* x : call.inputs) {
    const std::int64_t length = from(x->shape);
    for (std::int64_t r = 0; r < rows; ++r) copy(*x, r * length, out[0], r * row + column, length);
    column += length;
  }
  return out;
}

Evaluated evaluate_pad(const EvaluateCall& call) {
  const KnownInputs known(call);
  DSPERSE_TRY(const auto outs, infer_pad(known.call()));
  DSPERSE_TRY(const Pads pads, resolve_pads(known.call()));
  DSPERSE_TRY(const float value, pad_value(known.call()));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(outs[0])};
  Tensor& y = out[0];
  if (y.dtype == DType::f32)
    std::ranges::fill(y.f, value);
  else if (has_input(call, 2))
    std::ranges::fill(y.i, call.inputs[2]->i[0]);
  if (y.shape.empty()) return std::vector<Tensor>{x};
  // Row by row along the last axis; `from` is the source row of every output row.
  std::vector<std::int64_t> from{0};
  for (std::size_t axis = 0; axis + 1 < y.shape.size(); ++axis) {
    std::vector<std::int64_t> next;
    for (const std::int64_t row : from)
      for (std::int64_t i = 0; i < y.shape[axis]; ++i) {
        const std::int64_t s = source(i - pads.begin[axis], x.shape[axis], pads.mode);
        next.push_back(row < 0 || s < 0 ? -1 : row * x.shape[axis] + s);
      }
    from = std::move(next);
  }
  const std::int64_t width = x.shape.back();
  std::int64_t o = 0;
  for (const std::int64_t row : from)
    for (std::int64_t i = 0; i < y.shape.back(); ++i, ++o) {
      const std::int64_t s = source(i - pads.begin.back(), width, pads.mode);
      if (row >= 0 && s >= 0) copy(x, row * width + s, y, o, 1);
    }
  return out;
}

Evaluated evaluate_constant(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_constant));
  const model::Attribute& value = call.node.attributes.begin()->second;
  if (const auto* t = std::get_if<Tensor>(&value)) return std::vector<Tensor>{*t};
  Tensor out{infos[0].dtype, infos[0].shape, {}, {}};
  if (const auto* f = std::get_if<float>(&value)) out.f = {*f};
  if (const auto* n = std::get_if<std::int64_t>(&value)) out.i = {*n};
  if (const auto* fs = std::get_if<std::vector<float>>(&value)) out.f = *fs;
  if (const auto* ns = std::get_if<std::vector<std::int64_t>>(&value)) out.i = *ns;
  return std::vector<Tensor>{std::move(out)};
}

Evaluated evaluate_shape_of(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_shape_of));
  const Shape& shape = call.inputs[0]->shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  DSPERSE_TRY(const std::int64_t start, call.node.int_or("start", 0));
  const std::int64_t first = std::clamp<std::int64_t>(start < 0 ? start + rank : start, 0, rank);
  const auto begin = shape.begin() + first;
  return std::vector<Tensor>{model::int_tensor(infos[0].shape, {begin, begin + infos[0].shape[0]})};
}

Evaluated evaluate_gather(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_gather));
  const Tensor &x = *call.inputs[0], &indices = *call.inputs[1];
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.shape.size(), "attribute 'axis'"));
  const auto split = x.shape.begin() + static_cast<std::ptrdiff_t>(at);
  const std::int64_t outer = product(x.shape.begin(), split), inner = product(split + 1, x.shape.end()), extent = *split;
  std::vector<Tensor> out{zeros(infos[0])};
  std::int64_t to = 0;
  for (std::int64_t r = 0; r < outer; ++r)
    for (std::int64_t index : indices.i) {
      if (index < -extent || index >= extent)
        return fail(ErrorKind::bad_input, "index " + std::to_string(index) + " is outside of " + std::to_string(extent),
                    input_text(call.node, 1));
      if (index < 0) index += extent;
      copy(x, (r * extent + index) * inner, out[0], to, inner);
      to += inner;
    }
  return out;
}

Evaluated evaluate_slice(const EvaluateCall& call) {
  const KnownInputs known(call);
  DSPERSE_TRY(const auto outs, infer_slice(known.call()));
  DSPERSE_TRY(const std::vector<SliceAxis> axes, resolve_slice(known.call()));
  const Tensor& x = *call.inputs[0];
  std::vector<std::int64_t> strides = strides_of(x.shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    offset += axes[i].start * strides[i];
    strides[i] *= axes[i].count > 1 ? axes[i].step : 0;  // a single position may carry a huge step
  }
  std::vector<Tensor> out{zeros(outs[0])};
  gather_strided(x, out[0], strides, offset);
  return out;
}

Evaluated evaluate_constant_of_shape(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_constant_of_shape));
  std::vector<Tensor> out{zeros(infos[0])};
  if (const auto it = call.node.attributes.find("value"); it != call.node.attributes.end()) {
    const Tensor& value = std::get<Tensor>(it->second);
    if (!value.f.empty()) std::ranges::fill(out[0].f, value.f[0]);
    if (!value.i.empty()) std::ranges::fill(out[0].i, value.i[0]);
  }
  return out;
}

}  // namespace dsperse::ops
