#include "slices.h"

namespace dsperse::soundness {

using quantize::Function;
using quantize::Program;
using quantize::Rearrange;
using quantize::Requant;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

quantize::Program two_layers() {
  Builder b;
  const TensorId y = b.gemm(b.input({2, 3}, -20, 20), 3, 4, simple_requant(5, Function::identity, 6), true, 15);
  b.gemm(y, 4, 2, simple_requant(5, Function::relu, 6), false, 15);
  Program p = b.done();
  for (auto& w : p.weights)
    if (w.shape.size() == 1) w.max_abs = 100;
  return p;
}

std::vector<NamedSlice> attack_slices(proof::Profile profile) {
  std::vector<NamedSlice> out;
  const relation::Options wide{3, 1U << 20};
  out.push_back({"gemm wide", two_layers(), {.constraints = wide}});
  // The clamp is far below the accumulators: many offsets are in use.
  Builder far;
  far.gemm(far.input({12, 8}, -100, 100), 8, 6, simple_requant(9, Function::identity, 5), false, 100);
  const Program far_sums = far.done();
  out.push_back({"gemm saturating", far_sums, {.constraints = {16, 0, 4, 4}}});
  out.push_back({"gemm without limbs", far_sums, {.constraints = {16, 0, 9, 3}}});
  out.push_back({"gemm of whole remainders", far_sums, {.constraints = {3, 0, 0, 5}}});
  Builder ranges;  // one range is all numbers of its bits, the other is not
  const TensorId all = ranges.input({2, 16}, -2048, 2047), most = ranges.input({16}, -2047, 2047);
  ranges.sum({{false, all, 1}, {false, most, 1}}, {2, 16}, simple_requant(6, Function::identity, 7));
  out.push_back({"split ranges", ranges.done(), {.constraints = {.limb_bits = 3, .split_ranges = true}}});
  Builder conv;
  Requant r = simple_requant(0, Function::leaky_relu, 6);
  r.shift = {4, 5, 0, 6};
  conv.conv(conv.input({1, 4, 3, 4}, -7, 7), 4, Window{{3, 2}, {2, 1}, {1, 1}, {1, 1}, {0, 1}}, r, 2, true, 7);
  Program p = conv.done();
  p.weights[1].max_abs = 30;
  out.push_back({"conv", p, {.constraints = wide}});
  Builder depthwise;
  depthwise.conv(depthwise.input({1, 3, 3, 3}, -7, 7), 3, Window{{2, 2}, {1, 1}, {1, 2}, {0, 0}, {0, 0}},
                 simple_requant(4, Function::clip, 6), 3, false, 7);
  out.push_back({"depthwise", depthwise.done(), {.constraints = wide}});
  Builder sum;
  const TensorId x = sum.input({2, 3}, -30, 30), row = sum.input({3}, -9, 9);
  sum.sum({{false, x, 2}, {false, row, -4}, {true, sum.weight({2, 1}, 50), 1}}, {2, 3}, simple_requant(2, Function::identity, 7));
  sum.sum({{false, x, 1}}, {2, 3}, simple_requant(-1, Function::relu, 7));
  out.push_back({"sum", sum.done(), {.publics = {row}, .constraints = wide}});
  Builder average;
  average.average(average.input({1, 4, 4, 2}, -30, 30), Window{{2, 3}, {2, 1}, {1, 1}, {1, 0}, {0, 1}}, false, {0, 0},
                  simple_requant(16, Function::identity, 6));
  out.push_back({"average", average.done(), {.constraints = {9, 1U << 20}}});
  Builder pool;
  const TensorId image = pool.input({1, 5, 5, 2}, -20, 20);
  pool.maximum(image, Window{{3, 3}, {1, 2}, {1, 1}, {1, 1}, {1, 1}});
  pool.maximum(image, Window{{1, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});
  pool.maximum(image, Window{{1, 1}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
  out.push_back({"max pool", pool.done(), {.constraints = wide}});
  Builder move;
  const TensorId m = move.input({2, 3}, -9, 9);
  const TensorId t = move.rearrange({0, {3, 2}, 0, {{m, {2, 3}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {3, 2}, -9, 9);
  move.rearrange({0, {5, 3}, 4, {{t, {3, 2}, {{-1, {{0, 1}}}, {0, {{1, 1}}}}}}}, {5, 3}, -9, 9);
  out.push_back({"rearrange", move.done(), {.constraints = wide}});
  // A batch of products of activations, the batch axis in both factors, with a table that falls.
  Builder attention;
  quantize::Contract scores;
  scores.letters = {2, 3, 2, 4}, scores.kept = 3;
  scores.a = quantize::testing::factor(attention.input({2, 3, 4}, -7, 7), {2, 3, 4}, {0, 1, 3});
  scores.b = quantize::testing::factor(attention.input({2, 2, 4}, -7, 7), {2, 2, 4}, {0, 2, 3});
  attention.contract(scores, {2, 3, 2}, quantize::testing::table_requant(3, [](double v) { return 1.5 - v * v; }, 6, 3));
  out.push_back({"contract", attention.done(), {.constraints = wide}});
  // Element-wise: a row that repeats, a weight that repeats, a square; then means. An input each, so that a lie meets one
  // product.
  Builder products;
  const auto whole = [&] { return quantize::testing::factor(products.input({2, 3}, -15, 15), {2, 3}, {0, 1}); };
  quantize::Contract by_row, by_weight, square;
  by_row.letters = by_weight.letters = square.letters = {2, 3};
  by_row.kept = by_weight.kept = square.kept = 2;
  square.a = square.b = whole();
  by_row.a = whole();
  by_row.b = quantize::testing::factor(products.input({3}, -9, 9), {3}, {1});
  by_weight.a = whole();
  by_weight.b = quantize::testing::weight_factor(products.weight({2, 1}, 15), {2}, {0});
  const TensorId squares = products.contract(square, {2, 3}, simple_requant(3, Function::identity, 7));
  products.contract(by_row, {2, 3}, simple_requant(2, Function::identity, 7));
  products.contract(by_weight, {2, 3}, simple_requant(2, Function::relu, 7));
  products.reduce({squares, 0, {2, 3}, 1, {2, 3}, {{0, {{0, 1}}}, {0, {{1, 1}}}}, 171, {}}, {2},
                  simple_requant(9, Function::identity, 7));
  out.push_back({"element-wise", products.done(), {.constraints = wide}});
  for (NamedSlice& s : out) s.options.profile = profile;
  return out;
}

}  // namespace dsperse::soundness
