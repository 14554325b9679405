#include <algorithm>
#include <map>
#include <set>

#include "dsperse/ops/movement/pick.h"
#include "dsperse/ops/movement/select.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Shape;
using model::Tensor;

namespace {

/// Data index of every element of GatherElements' and ScatterElements' indices.
Result<std::vector<std::int64_t>> element_targets(const EvaluateCall& call) {
  const Tensor &x = *call.inputs[0], &indices = *call.inputs[1];
  DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.shape.size(), "attribute 'axis'"));
  auto strides = strides_of(x.shape);
  const std::int64_t step = strides[at];
  strides[at] = 0;
  std::vector<std::int64_t> to(indices.i.size());
  bool inside = true;
  walk(indices.shape, strides, 0, [&](std::int64_t o, std::int64_t i) {
    const auto v = indices.i[static_cast<std::size_t>(o)];
    inside = inside && v >= -x.shape[at] && v < x.shape[at];
    to[static_cast<std::size_t>(o)] = i + (v < 0 ? v + x.shape[at] : v) * step;
  });
  if (!inside)
    return fail(ErrorKind::bad_input, "an index is outside of " + std::to_string(x.shape[at]), input_text(call.node, 1));
  return to;
}

/// First data element of every index tuple of GatherND and ScatterND, and how many follow.
struct Tuples {
  std::vector<std::int64_t> first;
  std::int64_t length = 1;
};
Result<Tuples> tuples_of(const EvaluateCall& call, std::size_t batch) {
  const Tensor &x = *call.inputs[0], &indices = *call.inputs[1];
  const auto strides = strides_of(x.shape);
  const auto n = static_cast<std::size_t>(indices.shape.back());
  Tuples out;
  for (std::size_t k = batch + n; k < x.shape.size(); ++k) out.length *= x.shape[k];
  std::int64_t count = 1, each = 1;  // tuples, and tuples of one batch
  for (std::size_t k = 0; k + 1 < indices.shape.size(); ++k) (k < batch ? count : each) *= indices.shape[k];
  std::int64_t block = out.length;
  for (std::size_t k = batch; k < batch + n; ++k) block *= x.shape[k];
  for (std::int64_t t = 0; t < count * each; ++t) {
    std::int64_t at = t / each * block;
    for (std::size_t k = 0; k < n; ++k) {
      DSPERSE_TRY(const std::int64_t i,
                  normal_index(call.node, 1, indices.i[static_cast<std::size_t>(t) * n + k], x.shape[batch + k]));
      at += i * strides[batch + k];
    }
    out.first.push_back(at);
  }
  return out;
}

/// y[i] joined with the update u.
template <class T>
void reduce_into(T& y, T u, const std::string& reduction) {
  if (reduction == "add")
    y = y + u;
  else if (reduction == "mul")
    y = y * u;
  else if (reduction == "max")
    y = std::max(y, u);
  else if (reduction == "min")
    y = std::min(y, u);
  else
    y = u;
}

void update(Tensor& y, std::int64_t i, const Tensor& updates, std::int64_t j, const std::string& reduction) {
  const auto to = static_cast<std::size_t>(i), from = static_cast<std::size_t>(j);
  if (y.dtype == DType::f32)
    reduce_into(y.f[to], updates.f[from], reduction);
  else
    reduce_into(y.i[to], updates.i[from], reduction);
}

}  // namespace

Evaluated evaluate_gather_elements(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_gather_elements));
  DSPERSE_TRY(const auto from, element_targets(call));
  return std::vector<Tensor>{pick(*call.inputs[0], infos[0].shape, from)};
}

Evaluated evaluate_gather_nd(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_gather_nd));
  DSPERSE_TRY(const std::int64_t batch, call.node.int_or("batch_dims", 0));
  DSPERSE_TRY(const Tuples from, tuples_of(call, static_cast<std::size_t>(batch)));
  std::vector<std::int64_t> index;
  for (const std::int64_t first : from.first)
    for (std::int64_t k = 0; k < from.length; ++k) index.push_back(first + k);
  return std::vector<Tensor>{pick(*call.inputs[0], infos[0].shape, index)};
}

Evaluated evaluate_scatter_elements(const EvaluateCall& call) {
  DSPERSE_CHECK_OK(infer_outputs(call, infer_scatter_elements));
  DSPERSE_TRY(const std::string reduction, call.node.string_or("reduction", "none"));
  DSPERSE_TRY(const auto to, element_targets(call));
  std::vector<Tensor> out{*call.inputs[0]};
  for (std::size_t j = 0; j < to.size(); ++j) update(out[0], to[j], *call.inputs[2], static_cast<std::int64_t>(j), reduction);
  return out;
}

Evaluated evaluate_scatter_nd(const EvaluateCall& call) {
  DSPERSE_CHECK_OK(infer_outputs(call, infer_scatter_nd));
  DSPERSE_TRY(const std::string reduction, call.node.string_or("reduction", "none"));
  DSPERSE_TRY(const Tuples to, tuples_of(call, 0));
  std::vector<Tensor> out{*call.inputs[0]};
  std::int64_t j = 0;
  for (const std::int64_t first : to.first)
    for (std::int64_t k = 0; k < to.length; ++k) update(out[0], first + k, *call.inputs[2], j++, reduction);
  return out;
}

Evaluated evaluate_compress(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_compress));
  const Tensor &x = *call.inputs[0], &condition = *call.inputs[1];
  AxisSplit s{1, static_cast<std::int64_t>(x.f.size() + x.i.size()), 1};
  if (call.node.attributes.contains("axis")) {
    DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
    DSPERSE_TRY(const std::size_t at, normal_axis(axis, x.shape.size(), "attribute 'axis'"));
    s = split_at(x.shape, at);
  }
  std::vector<std::int64_t> index;
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::size_t c = 0; c < condition.i.size(); ++c)
      for (std::int64_t k = 0; k < s.inner && condition.i[c] != 0; ++k)
        index.push_back((o * s.extent + static_cast<std::int64_t>(c)) * s.inner + k);
  return std::vector<Tensor>{pick(x, infos[0].shape, index)};
}

Evaluated evaluate_non_zero(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_non_zero));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  const auto n = static_cast<std::size_t>(infos[0].shape[1]);
  const auto strides = strides_of(x.shape);
  std::size_t found = 0;
  for (std::size_t i = 0; i < x.f.size() + x.i.size(); ++i) {
    if (x.dtype == DType::f32 ? x.f[i] == 0 : x.i[i] == 0) continue;
    for (std::size_t k = 0; k < x.shape.size(); ++k)
      out[0].i[k * n + found] = static_cast<std::int64_t>(i) / strides[k] % x.shape[k];
    ++found;
  }
  return out;
}

// Without an axis the elements themselves are compared, otherwise the slices along it.
Evaluated evaluate_unique(const EvaluateCall& call) {
  const Tensor& x = *call.inputs[0];
  AxisSplit s{1, static_cast<std::int64_t>(x.f.size() + x.i.size()), 1};
  Shape shape{s.extent};
  std::size_t at = 0;
  if (call.node.attributes.contains("axis")) {
    DSPERSE_TRY(const std::int64_t axis, call.node.int_or("axis", 0));
    DSPERSE_TRY(at, normal_axis(axis, x.shape.size(), "attribute 'axis'"));
    s = split_at(x.shape, at);
    shape = x.shape;
  }
  DSPERSE_TRY(const std::int64_t sorted, call.node.int_or("sorted", 1));
  const auto slice = [&](std::int64_t i) {
    std::vector<double> v;
    for (std::int64_t o = 0; o < s.outer; ++o)
      for (std::int64_t k = 0; k < s.inner; ++k) {
        const auto e = static_cast<std::size_t>((o * s.extent + i) * s.inner + k);
        v.push_back(x.dtype == DType::f32 ? static_cast<double>(x.f[e]) : static_cast<double>(x.i[e]));
      }
    return v;
  };
  struct Group {
    std::int64_t first = 0, count = 0;
  };
  std::map<std::vector<double>, Group> groups;
  std::vector<std::vector<double>> slices;
  for (std::int64_t i = 0; i < s.extent; ++i) {
    slices.push_back(slice(i));
    auto& g = groups.try_emplace(slices.back(), Group{i, 0}).first->second;
    ++g.count;
  }
  std::vector<Group> order;
  for (const auto& [key, g] : groups) order.push_back(g);
  if (sorted == 0) std::sort(order.begin(), order.end(), [](const Group& a, const Group& b) { return a.first < b.first; });
  const auto n = static_cast<std::int64_t>(order.size());
  std::vector<std::int64_t> first, counts, inverse, place(static_cast<std::size_t>(s.extent), 0), index;
  for (std::size_t i = 0; i < order.size(); ++i) {
    first.push_back(order[i].first), counts.push_back(order[i].count);
    place[static_cast<std::size_t>(order[i].first)] = static_cast<std::int64_t>(i);
  }
  for (const auto& v : slices) inverse.push_back(place[static_cast<std::size_t>(groups.at(v).first)]);
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (const auto i : first)
      for (std::int64_t k = 0; k < s.inner; ++k) index.push_back((o * s.extent + i) * s.inner + k);
  shape[at] = n;
  return std::vector<Tensor>{pick(x, shape, index), model::int_tensor({n}, first), model::int_tensor({s.extent}, inverse),
                             model::int_tensor({n}, counts)};
}

}  // namespace dsperse::ops
