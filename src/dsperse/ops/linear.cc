// Conv, Gemm: one bilinear product each; Sum, AveragePool: linear terms. All end in a requantization.
#include <algorithm>

#include "dsperse/ops/operators.h"
#include "dsperse/ops/requantize.h"
#include "dsperse/quantize/table.h"
#include "dsperse/quantize/window.h"

namespace dsperse::ops {
namespace {

using quantize::Program;

void add_bias(Builder& b, const std::optional<quantize::WeightId>& bias, const Shape& site, Terms& acc) {
  if (!bias) return;
  const auto last = static_cast<std::uint32_t>(site.size() - 1);
  acc.push_back(tensor_term(b.weight(*bias), {{site.back()}, {axis(last)}}));
}

/// View of an operand that numpy broadcasting reads at the letters of `site`.
View broadcast_view(const Shape& shape, const Shape& site) {
  View v{shape, {}};
  if (shape.empty()) return {{1}, {AxisMap{}}};
  for (std::size_t k = 0; k < shape.size(); ++k)
    v.maps.push_back(shape[k] == 1 ? AxisMap{} : axis(static_cast<std::uint32_t>(site.size() - shape.size() + k)));
  return v;
}

/// Taps that count along one axis, per output index.
std::vector<std::int64_t> counts_along(const quantize::AveragePool& op, std::size_t k, std::int64_t in, std::int64_t out) {
  std::vector<std::int64_t> counts;
  for (std::int64_t o = 0; o < out; ++o) counts.push_back(quantize::counted_taps(op, k, o, in).count());
  return counts;
}

/// Letters where counts equal n, as a scale; none if all do.
void restrict_to(Term& term, std::uint32_t letter, const std::vector<std::int64_t>& counts, std::int64_t n) {
  std::vector<Fp> indicator;
  bool all = true;
  for (const std::int64_t c : counts) {
    indicator.emplace_back(c == n ? 1U : 0U);
    all = all && c == n;
  }
  if (!all) term.scales.push_back({letter, std::move(indicator)});
}

std::vector<std::int64_t> distinct(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> out;
  for (const std::int64_t c : counts)
    if (std::find(out.begin(), out.end(), c) == out.end()) out.push_back(c);
  return out;
}

}  // namespace

// Letters: n, oy, ox, g, o, ky, kx, ci. Channel and group are in both factors; the claim's channel vector joins w.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Conv& op) {
  const Program& p = b.program();
  const Shape &x = p.tensors[op.x].shape, &y = p.tensors[op.y].shape, &w = p.weights[op.w].shape;
  const quantize::Window& win = op.window;
  const std::int64_t per_group = w[0] / op.groups;
  const AxisMap channel{0, {{3, per_group}, {4, 1}}};
  Product product;
  product.id = p.ops[index].name + " product";
  product.letters = {y[0], y[1], y[2], op.groups, per_group, w[1], w[2], w[3]};
  product.shape = y;
  product.out = {axis(0), axis(1), axis(2), channel};
  product.a = {b.value(op.x),
               {x,
                {axis(0), AxisMap{-win.pad_begin[0], {{1, win.stride[0]}, {5, win.dilation[0]}}},
                 AxisMap{-win.pad_begin[1], {{2, win.stride[1]}, {6, win.dilation[1]}}}, AxisMap{0, {{3, w[3]}, {7, 1}}}}}};
  product.b = {b.weight(op.w), {w, {channel, axis(5), axis(6), axis(7)}}};
  Terms acc{product_term(b.add_product(std::move(product)))};
  add_bias(b, op.bias, y, acc);
  return requantize(b, index, y, std::move(acc), op.requant);
}

// Letters: m, k, o.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Gemm& op) {
  const Program& p = b.program();
  const Shape& w = p.weights[op.w].shape;
  const std::int64_t rows = quantize::elements(p.tensors[op.x].shape) / w[1];
  const Shape site{rows, w[0]};
  Product product;
  product.id = p.ops[index].name + " product";
  product.letters = {rows, w[1], w[0]};
  product.shape = site;
  product.out = {axis(0), axis(2)};
  product.a = {b.value(op.x), {{rows, w[1]}, {axis(0), axis(1)}}};
  product.b = {b.weight(op.w), {w, {axis(2), axis(1)}}};
  Terms acc{product_term(b.add_product(std::move(product)))};
  add_bias(b, op.bias, site, acc);
  return requantize(b, index, site, std::move(acc), op.requant);
}

Status constrain_op(Builder& b, std::uint32_t index, const quantize::Sum& op) {
  const Program& p = b.program();
  const Shape site = p.tensors[op.y].shape.empty() ? Shape{1} : p.tensors[op.y].shape;
  Terms acc;
  for (const quantize::Sum::Term& t : op.terms) {
    const Shape& shape = t.is_weight ? p.weights[t.id].shape : p.tensors[t.id].shape;
    acc.push_back(tensor_term(t.is_weight ? b.weight(t.id) : b.value(t.id), broadcast_view(shape, site), t.coef));
  }
  return requantize(b, index, site, std::move(acc), op.requant);
}

// The multiplier depends on how many taps count, a product of one count per axis: one rank-one term per pair of counts.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::AveragePool& op) {
  const Program& p = b.program();
  const Shape &x = p.tensors[op.x].shape, &y = p.tensors[op.y].shape;
  const quantize::Window& win = op.window;
  const std::vector<std::int64_t> rows = counts_along(op, 0, x[1], y[1]), columns = counts_along(op, 1, x[2], y[2]);
  Terms acc;
  for (const std::int64_t r : distinct(rows))
    for (const std::int64_t c : distinct(columns)) {
      Term t = tensor_term(b.value(op.x),
                           {x,
                            {axis(0), AxisMap{-win.pad_begin[0], {{1, win.stride[0]}, {4, win.dilation[0]}}},
                             AxisMap{-win.pad_begin[1], {{2, win.stride[1]}, {5, win.dilation[1]}}}, axis(3)}},
                           quantize::average_multiplier(r * c));
      t.extra = {win.kernel[0], win.kernel[1]};
      restrict_to(t, 1, rows, r);
      restrict_to(t, 2, columns, c);
      acc.push_back(std::move(t));
    }
  return requantize(b, index, y, std::move(acc), op.requant);
}

}  // namespace dsperse::ops
