// Conv and Gemm as constraints: one bilinear product each, its bias, a requantization. Source: docs/protocol/operators.md.
// Tested by ops/ops_test.cc.
#include "dsperse/ops/common/constrain.h"

#include "dsperse/ops/common/requantize.h"

namespace dsperse::ops {
namespace {

using quantize::Program;

void add_bias(Builder& b, const std::optional<quantize::WeightId>& bias, const Shape& site, Terms& acc) {
  if (!bias) return;
  const auto last = static_cast<std::uint32_t>(site.size() - 1);
  acc.push_back(tensor_term(b.weight(*bias), {{site.back()}, {axis(last)}}));
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

}  // namespace dsperse::ops
