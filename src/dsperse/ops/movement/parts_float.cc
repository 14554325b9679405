#include <algorithm>

#include "dsperse/ops/movement/parts.h"
#include "dsperse/ops/movement/pick.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Shape;
using model::Tensor;

namespace {

/// Positions of every axis times its stride: what index_along takes for a copy.
std::vector<std::vector<std::int64_t>> copied(const Shape& shape) {
  std::vector<std::vector<std::int64_t>> along;
  const auto strides = strides_of(shape);
  for (std::size_t k = 0; k < shape.size(); ++k) {
    along.emplace_back();
    for (std::int64_t i = 0; i < shape[k]; ++i) along[k].push_back(i * strides[k]);
  }
  return along;
}

/// The same elements with their axes in another order and shape.
Tensor regrouped(const Tensor& x, Shape shape, const Shape& axes, const std::vector<std::size_t>& order) {
  const auto own = strides_of(axes);
  Shape turned;
  std::vector<std::int64_t> strides;
  for (const std::size_t k : order) turned.push_back(axes[k]), strides.push_back(own[k]);
  Tensor y = zeros({x.dtype, std::move(shape), nullptr});
  walk(turned, strides, 0, [&](std::int64_t o, std::int64_t i) { set(y, o, x, i); });
  return y;
}

}  // namespace

Evaluated evaluate_split(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_split));
  const Tensor& x = *call.inputs[0];
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.shape.size(), "attribute 'axis'"));
  const auto strides = strides_of(x.shape);
  std::vector<Tensor> out;
  std::int64_t begin = 0;
  for (const auto& info : infos) {
    Tensor y = zeros(info);
    walk(y.shape, strides, begin * strides[at], [&](std::int64_t o, std::int64_t i) { set(y, o, x, i); });
    begin += info.shape[at];
    out.push_back(std::move(y));
  }
  return out;
}

Evaluated evaluate_expand(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_expand));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  walk(out[0].shape, broadcast_strides(x.shape, out[0].shape), 0, [&](std::int64_t o, std::int64_t i) { set(out[0], o, x, i); });
  return out;
}

Evaluated evaluate_tile(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_tile));
  const Tensor& x = *call.inputs[0];
  auto along = copied(x.shape);
  for (std::size_t k = 0; k < along.size(); ++k) {
    const auto once = along[k];
    along[k].clear();
    for (std::int64_t n = 0; n < call.inputs[1]->i[k] && !once.empty(); ++n)
      along[k].insert(along[k].end(), once.begin(), once.end());
  }
  return std::vector<Tensor>{pick(x, infos[0].shape, index_along(along))};
}

Evaluated evaluate_center_crop_pad(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_center_crop_pad));
  const Tensor& x = *call.inputs[0];
  auto along = copied(x.shape);
  for (std::size_t k = 0; k < along.size(); ++k) {
    const std::int64_t from = x.shape[k], to = infos[0].shape[k];
    const auto all = along[k];
    if (to <= from) {
      along[k].assign(all.begin() + (from - to) / 2, all.begin() + (from - to) / 2 + to);
    } else {
      along[k].assign(static_cast<std::size_t>(to), -1);
      std::copy(all.begin(), all.end(), along[k].begin() + (to - from) / 2);
    }
  }
  return std::vector<Tensor>{pick(x, infos[0].shape, index_along(along))};
}

Evaluated evaluate_trilu(const EvaluateCall& call) {
  const KnownInputs known(call);
  DSPERSE_TRY(const auto infos, infer_trilu(known.call()));
  DSPERSE_TRY(const Triangle t, triangle_of(known.call()));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  const std::int64_t columns = x.shape.back(), rows = x.shape[x.shape.size() - 2];
  const auto n = static_cast<std::int64_t>(x.f.size() + x.i.size());
  for (std::int64_t i = 0; i < n; ++i)
    if (t.keeps(i / columns % rows, i % columns)) set(out[0], i, x, i);
  return out;
}

Evaluated evaluate_reverse_sequence(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_reverse_sequence));
  const Tensor& x = *call.inputs[0];
  DSPERSE_TRY(const std::int64_t time, call.node.int_or("time_axis", 0));
  std::vector<Tensor> out{zeros(infos[0])};
  const std::int64_t rows = x.shape[0], columns = x.shape[1], inner = split_at(x.shape, 1).inner;
  const std::int64_t steps = time == 0 ? rows : columns;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t t = time == 0 ? r : c, n = call.inputs[1]->i[static_cast<std::size_t>(time == 0 ? c : r)];
      if (n < 0 || n > steps) return fail(ErrorKind::bad_input, "length " + std::to_string(n), input_text(call.node, 1));
      const std::int64_t s = t < n ? n - 1 - t : t, from = time == 0 ? s * columns + c : r * columns + s;
      for (std::int64_t k = 0; k < inner; ++k) set(out[0], (r * columns + c) * inner + k, x, from * inner + k);
    }
  return out;
}

Evaluated evaluate_depth_to_space(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_depth_to_space));
  DSPERSE_TRY(const std::string mode, call.node.string_or("mode", "DCR"));
  const Shape &x = call.inputs[0]->shape, &y = infos[0].shape;
  if (x[2] == 0 || x[3] == 0) return std::vector<Tensor>{zeros(infos[0])};
  const std::int64_t b = y[2] / x[2];
  if (mode == "DCR")
    return std::vector<Tensor>{regrouped(*call.inputs[0], y, {x[0], b, b, y[1], x[2], x[3]}, {0, 3, 4, 1, 5, 2})};
  return std::vector<Tensor>{regrouped(*call.inputs[0], y, {x[0], y[1], b, b, x[2], x[3]}, {0, 1, 4, 2, 5, 3})};
}

Evaluated evaluate_space_to_depth(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_space_to_depth));
  DSPERSE_TRY(const std::int64_t b, call.node.int_or("blocksize", 1));
  const Shape &x = call.inputs[0]->shape, &y = infos[0].shape;
  return std::vector<Tensor>{regrouped(*call.inputs[0], y, {x[0], x[1], y[2], b, y[3], b}, {0, 3, 5, 1, 2, 4})};
}

Evaluated evaluate_eye_like(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_eye_like));
  DSPERSE_TRY(const std::int64_t k, call.node.int_or("k", 0));
  std::vector<Tensor> out{zeros(infos[0])};
  Tensor& y = out[0];
  for (std::int64_t r = 0; r < y.shape[0]; ++r)
    for (std::int64_t c = 0; c < y.shape[1]; ++c) {
      if (c - r != k) continue;
      const auto i = static_cast<std::size_t>(r * y.shape[1] + c);
      if (y.dtype == DType::f32)
        y.f[i] = 1;
      else
        y.i[i] = 1;
    }
  return out;
}

Evaluated evaluate_range(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_range));
  std::vector<Tensor> out{zeros(infos[0])};
  for (std::size_t i = 0; i < out[0].f.size(); ++i)
    out[0].f[i] = static_cast<float>(static_cast<double>(call.inputs[0]->f[0]) +
                                     static_cast<double>(i) * static_cast<double>(call.inputs[2]->f[0]));
  for (std::size_t i = 0; i < out[0].i.size(); ++i)
    out[0].i[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(call.inputs[0]->i[0]) +
                                            i * static_cast<std::uint64_t>(call.inputs[2]->i[0]));  // the limit bounds it
  return out;
}

Evaluated evaluate_size(const EvaluateCall& call) {
  DSPERSE_CHECK_OK(infer_outputs(call, infer_size));
  std::int64_t n = 1;
  for (const std::int64_t d : call.inputs[0]->shape) n *= d;
  return std::vector<Tensor>{model::int_tensor({}, {n})};
}

}  // namespace dsperse::ops
