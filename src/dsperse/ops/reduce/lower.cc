// Sums, means, extremes, positions, running sums, one-hot.
#include "dsperse/ops/common/lower.h"

#include <algorithm>
#include <numeric>

#include "dsperse/ops/lower.h"
#include "dsperse/ops/reduce/expand.h"
#include "dsperse/ops/reduce/reduce.h"

namespace dsperse::ops {

using model::Node;
using quantize::Lowering;

Status lower_reduce(Lowering& l, const Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const Reduction r, reduction_of(inputs.call()));
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  if (r.axes.empty()) {
    l.alias(node, x, x.view);
    return {};
  }
  const bool max = node.op == "ReduceMax", min = node.op == "ReduceMin";
  if (max || min) {
    if (r.axes.size() == 1) return l.extreme(node, x, r.axes[0], min, false, false);
    return fail(ErrorKind::internal, "several axes of an extreme were not joined");
  }
  if (node.op == "ReduceSum" || node.op == "ReduceMean") return l.reduce(node, x, r.axes, node.op == "ReduceMean");
  return fail(ErrorKind::unsupported, "a product of more than " + std::to_string(kMostFactors) + " elements", {},
              "sum logarithms instead");
}

Status lower_arg(Lowering& l, const Node& node) {
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  DSPERSE_TRY(const std::int64_t given, node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.view.shape.size(), "attribute 'axis'"));
  DSPERSE_TRY(const std::int64_t last, node.int_or("select_last_index", 0));
  return l.extreme(node, x, axis, node.op == "ArgMin", true, last != 0);
}

Status lower_top_k(Lowering&, const Node&) {
  return fail(ErrorKind::unsupported, "TopK that compares more than " + std::to_string(kMostPairs) + " pairs", {},
              "k = 1 and shorter rows work; rank the scores outside of the model");
}

Status lower_cum_sum(Lowering& l, const Node& node) {
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  const model::Shape& shape = x.view.shape;
  const model::Tensor* given = l.constant(node, 1);
  if (given == nullptr || given->i.size() != 1) return fail(ErrorKind::unsupported, "the axis is not constant");
  DSPERSE_TRY(const std::size_t axis, normal_axis(given->i[0], shape.size(), "input 1"));
  DSPERSE_TRY(const std::int64_t exclusive, node.int_or("exclusive", 0));
  DSPERSE_TRY(const std::int64_t reverse, node.int_or("reverse", 0));
  const std::int64_t n = shape[axis];
  constexpr std::int64_t kMost = 4096;
  if (n > kMost) return fail(ErrorKind::unsupported, "a running sum over more than 4096 elements");
  // A product with a triangle of ones: row k of it counts towards column j.
  model::Tensor triangle = model::float_tensor({n, n}, std::vector<float>(static_cast<std::size_t>(n * n)));
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t ahead = reverse != 0 ? k - j : j - k;
      triangle.f[static_cast<std::size_t>(k * n + j)] = ahead > 0 || (ahead == 0 && exclusive == 0) ? 1.0F : 0.0F;
    }
  std::vector<std::uint32_t> out(shape.size());
  std::iota(out.begin(), out.end(), 0U);
  quantize::Operand a{x, nullptr, out}, b{std::nullopt, &triangle, {}};
  a.letters[axis] = static_cast<std::uint32_t>(shape.size());
  b.letters = {a.letters[axis], static_cast<std::uint32_t>(axis)};
  return l.contract(node, std::move(a), std::move(b), out);
}

Status lower_one_hot(Lowering& l, const Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const OneHotForm form, one_hot_of(inputs.call()));
  DSPERSE_TRY(const bool plain, is_plain_one_hot(inputs.call()));
  if (!plain) return fail(ErrorKind::internal, "one-hot was not brought to its plain form");
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  return l.one_hot(node, x, form.depth);
}

}  // namespace dsperse::ops
