#include "dsperse/quantize/program.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/quantize/window.h"

namespace dsperse::quantize {
namespace {

using testing::Builder;
using testing::simple_requant;

/// Input (1, 6, 5, 4) -> conv -> average, maximum, sum, rearrange, gemm: one op of each kind.
Program one_of_each() {
  Builder b;
  const auto x = b.input({1, 6, 5, 4});
  Window w;
  w.kernel = {3, 2}, w.stride = {2, 1}, w.dilation = {1, 2}, w.pad_begin = {1, 0}, w.pad_end = {2, 1};
  const auto c = b.conv(x, 6, w, simple_requant(12, Function::relu), 2);
  Window pool;
  pool.kernel = {2, 2}, pool.stride = {1, 1}, pool.pad_end = {1, 0};
  const auto a = b.average(c, pool, true, {1, 0}, simple_requant(16));
  const auto m = b.maximum(a, pool);
  const auto s = b.sum({{false, a, 4}, {false, a, -1}, {true, b.weight({6}, 1000), 1}}, b.spec(a).shape, simple_requant(2));
  Rearrange r;
  r.y_axes = {1, elements(b.spec(s).shape)};
  r.pieces = {{s, r.y_axes, {{0, {{0, 1}}}, {0, {{1, 1}}}}}};
  const auto flat = b.rearrange(r, r.y_axes, b.spec(s).lo, b.spec(s).hi);
  b.gemm(flat, elements(b.spec(flat).shape), 3, simple_requant(14, Function::sigmoid));
  (void)m;
  return b.done();
}

std::string problem(const Program& p) {
  const auto s = check_program(p);
  return s ? "" : s.error().text();
}

TEST(Program, OneOfEachKindPasses) {
  const Program p = one_of_each();
  EXPECT_EQ(problem(p), "");
  EXPECT_EQ(p.ops.size(), 6U);
  EXPECT_EQ(op_macs(p, p.ops[0]), 4U * 4 * 6 * 3 * 2 * 2);  // OH OW O KH KW C/groups
  EXPECT_EQ(op_macs(p, p.ops[1]), 0U);
  EXPECT_EQ(op_inputs(p.ops[3]), (std::vector<TensorId>{2, 2}));
  EXPECT_EQ(op_weights(p.ops[3]).size(), 1U);
  EXPECT_EQ(op_requant(p.ops[2]), nullptr);
  EXPECT_EQ(op_output(p.ops[5]), 6U);
}

TEST(Program, Bounds) {
  const Program p = one_of_each();
  EXPECT_EQ(accumulator_bound(p, p.ops[0]).value(), 3 * 2 * 2 * 2047 * 2047 + (1 << 20));
  EXPECT_EQ(accumulator_bound(p, p.ops[1]).value(), 2047 * (65536 + 2));
  EXPECT_EQ(accumulator_bound(p, p.ops[3]).value(), 5 * 2047 + 1000);
  Requant r;
  r.shift = {1};
  EXPECT_EQ(rounded_bound(r, 7), 4);
  r.shift = {0, 3, -2};
  EXPECT_EQ(rounded_bound(r, 7), 28);
  r.shift = {-40};
  EXPECT_GT(rounded_bound(r, kAccumulatorLimit), kAccumulatorLimit);
}

TEST(Program, AccumulatorLimitNamesTheOp) {
  Builder b;
  const auto x = b.input({1, 1 << 20}, -65535, 65535);
  b.gemm(x, 1 << 20, 1, simple_requant(30), false, 32767);
  Program p = b.done();
  EXPECT_EQ(problem(p), "");  // 2^20 2^16 2^15 = 2^51
  Sum s;
  s.terms.assign(40, {false, x, kMaxCoefficient});
  s.y = static_cast<TensorId>(p.tensors.size());
  s.requant = simple_requant(30);
  p.tensors.push_back({"s", p.tensors[x].shape, 8, -2047, 2047});
  p.ops.push_back({"big sum", "Add", s});
  EXPECT_NE(problem(p).find("2^61 (big sum)"), std::string::npos) << problem(p);
}

TEST(Window, TapsAgreeWithCounting) {
  for (std::int64_t k = 1; k <= 3; ++k)
    for (std::int64_t stride = 1; stride <= 3; ++stride)
      for (std::int64_t dilation = 1; dilation <= 3; ++dilation)
        for (std::int64_t pad = 0; pad <= 4; ++pad)
          for (std::int64_t in = 1; in <= 4; ++in) {
            Window w;
            w.kernel[1] = k, w.stride[1] = stride, w.dilation[1] = dilation, w.pad_begin[1] = pad, w.pad_end[1] = pad;
            for (std::int64_t o = 0; o < window_outputs(w, 1, in); ++o)
              for (std::int64_t low = -1; low <= 0; ++low) {
                const Taps taps = window_taps(w, 1, o, low, in);
                for (std::int64_t t = 0; t < k; ++t) {
                  const std::int64_t at = o * stride + t * dilation - pad;
                  EXPECT_EQ(at >= low && at < in, t >= taps.first && t < taps.last);
                }
              }
          }
}

TEST(CheckProgram, RefusesEveryBrokenRule) {
  struct Case {
    std::string expected;
    std::function<void(Program&)> change;
  };
  auto conv = [](Program& p) -> Conv& { return std::get<Conv>(p.ops[0].body); };
  auto average = [](Program& p) -> AveragePool& { return std::get<AveragePool>(p.ops[1].body); };
  auto sum = [](Program& p) -> Sum& { return std::get<Sum>(p.ops[3].body); };
  auto move = [](Program& p) -> Rearrange& { return std::get<Rearrange>(p.ops[4].body); };
  auto gemm = [](Program& p) -> Gemm& { return std::get<Gemm>(p.ops[5].body); };
  const std::vector<Case> cases{
      {"inputs and outputs", [](Program& p) { p.outputs.clear(); }},
      {"listed twice", [](Program& p) { p.inputs.push_back(0); }},
      {"listed twice", [](Program& p) { p.outputs.push_back(p.outputs[0]); }},
      {"no earlier op", [&](Program& p) { conv(p).x = 3; }},
      {"no earlier op", [](Program& p) { std::swap(p.ops[0], p.ops[1]); }},
      {"produced twice", [&](Program& p) { conv(p).y = 0; }},
      {"no producer", [](Program& p) { p.tensors.push_back(p.tensors[0]); }},
      {"weight out of range", [&](Program& p) { conv(p).w = 99; }},
      {"rank", [](Program& p) { p.tensors[0].shape.clear(); }},
      {"dimension below 1", [](Program& p) { p.tensors[0].shape[1] = 0; }},
      {"dimension below 1", [](Program& p) { p.tensors[0].shape = {1 << 20, 1 << 20, 1 << 20, 1 << 20}; }},
      {"declared range", [](Program& p) { p.tensors[0].hi = 1 << 16; }},
      {"declared range", [](Program& p) { p.tensors[0].lo = std::numeric_limits<std::int64_t>::min(); }},
      {"exponent beyond", [](Program& p) { p.tensors[0].exponent = 300; }},
      {"magnitude", [](Program& p) { p.weights[0].max_abs = std::int64_t{1} << 40; }},
      {"beyond 16 bits", [](Program& p) { p.weights[0].max_abs = 32768; }},
      {"one shift, or one", [&](Program& p) { conv(p).requant.shift = {1, 2}; }},
      {"one shift, or one", [&](Program& p) { conv(p).requant.shift.clear(); }},
      {"shift is not", [&](Program& p) { conv(p).requant.shift = {61}; }},
      {"shifted accumulator", [&](Program& p) { conv(p).requant.shift = {-40}; }},
      {"clamp", [&](Program& p) { conv(p).requant.clamp_bits = 19; }},
      {"range is not inside", [&](Program& p) { conv(p).requant.activation.lo = -1; }},
      {"exponent is not the output's", [&](Program& p) { conv(p).requant.activation.out_exponent = 9; }},
      {"keeps the exponent", [&](Program& p) { conv(p).requant.activation.in_exponent = 9; }},
      {"grid exponents", [&](Program& p) { gemm(p).requant.activation.in_exponent = std::numeric_limits<std::int32_t>::min(); }},
      {"without parameters", [&](Program& p) { conv(p).requant.activation.a = 1; }},
      {"slope", [&](Program& p) { conv(p).requant.activation.f = Function::leaky_relu, conv(p).requant.activation.a = -1; }},
      {"clip's ends", [&](Program& p) { conv(p).requant.activation.f = Function::clip, conv(p).requant.activation.a = 5; }},
      {"images", [&](Program& p) { p.tensors[0].shape = {6, 5, 4}; }},
      {"window sizes", [&](Program& p) { conv(p).window.stride[0] = 0; }},
      {"window sizes", [&](Program& p) { conv(p).window.pad_end[1] = -1; }},
      {"does not fit the window", [&](Program& p) { conv(p).window.stride[0] = 1; }},
      {"groups", [&](Program& p) { conv(p).groups = 4; }},
      {"groups", [&](Program& p) { conv(p).groups = 0; }},
      {"weight shape", [&](Program& p) { p.weights[0].shape[3] = 4; }},
      {"bias", [&](Program& p) { p.weights[1].shape = {5}; }},
      {"matrix sizes", [&](Program& p) { p.weights[gemm(p).w].shape[1] -= 1; }},
      {"1..64 terms", [&](Program& p) { sum(p).terms.clear(); }},
      {"a term that is a tensor", [&](Program& p) { sum(p).terms = {sum(p).terms[2]}; }},
      {"coefficient", [&](Program& p) { sum(p).terms[0].coef = 0; }},
      {"does not broadcast", [&](Program& p) { p.weights[sum(p).terms[2].id].shape = {5}; }},
      {"more axes", [&](Program& p) { p.weights[sum(p).terms[2].id].shape = {1, 1, 1, 1, 6}; }},
      {"counted padding", [&](Program& p) { average(p).counted_pad_end[0] = 2; }},
      {"keeps exponent", [](Program& p) { p.tensors[3].hi -= 1; }},
      {"wider range", [](Program& p) { p.tensors[5].hi -= 1; }},
      {"differ in number", [&](Program& p) { move(p).pieces[0].maps.pop_back(); }},
      {"cover the tensor", [&](Program& p) { move(p).pieces[0].x_axes[1] += 1; }},
      {"cover the output", [&](Program& p) { move(p).y_axes[1] += 1; }},
      {"letters", [&](Program& p) { move(p).pieces[0].maps[0].parts[0].first = 2; }},
      {"coefficient is 0", [&](Program& p) { move(p).pieces[0].maps[0].parts[0].second = 0; }},
      {"constant index", [&](Program& p) { move(p).pieces[0].maps[0] = {1, {}}; }},
      {"axis map out of range", [&](Program& p) { move(p).pieces[0].maps[0].offset = std::numeric_limits<std::int64_t>::min(); }},
      {"not separated", [&](Program& p) { move(p).pieces.push_back(move(p).pieces[0]); }},
      {"fill", [&](Program& p) { move(p).fill = 4000; }},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Program p = one_of_each();
    cases[i].change(p);
    const std::string text = problem(p);
    EXPECT_NE(text.find(cases[i].expected), std::string::npos) << "case " << i << ": " << text;
  }
}

/// x (2, 3, 4), w (4, 5) -> contract (2, 3, 5) with a table -> its sum over the middle axis.
Program products() {
  Builder b;
  const auto x = b.input({2, 3, 4}, -99, 99);
  Contract c;
  c.letters = {2, 3, 5, 4}, c.kept = 3;
  c.a = testing::factor(x, {2, 3, 4}, {0, 1, 3});
  c.b = testing::weight_factor(b.weight({4, 5}, 127), {4, 5}, {3, 2});
  const auto y = b.contract(c, {2, 3, 5}, testing::table_requant(8, [](double v) { return v * v - 1; }, 6, 4));
  b.reduce({y, 0, {2, 5, 3}, 2, {2, 3, 5}, {{0, {{0, 1}}}, {0, {{2, 1}}}, {0, {{1, 1}}}}, -7, {}}, {2, 5}, simple_requant(1));
  return b.done();
}

TEST(CheckProgram, ContractionsAndTables) {
  const Program good = products();
  EXPECT_EQ(problem(good), "");
  EXPECT_EQ(op_macs(good, good.ops[0]), 2U * 3 * 5 * 4);
  EXPECT_EQ(op_macs(good, good.ops[1]), 0U);
  EXPECT_EQ(accumulator_bound(good, good.ops[0]).value(), 99 * 127 * 4);
  EXPECT_EQ(accumulator_bound(good, good.ops[1]).value(), 31 * 7 * 3);
  EXPECT_EQ(op_inputs(good.ops[0]), (std::vector<TensorId>{0}));
  EXPECT_EQ(op_weights(good.ops[0]), (std::vector<WeightId>{0}));
  auto contract = [](Program& p) -> Contract& { return std::get<Contract>(p.ops[0].body); };
  auto reduce = [](Program& p) -> Reduce& { return std::get<Reduce>(p.ops[1].body); };
  auto table = [&](Program& p) -> Activation& { return contract(p).requant.activation; };
  const std::vector<std::pair<std::string, std::function<void(Program&)>>> cases{
      {"1..32 letters", [&](Program& p) { contract(p).kept = 0; }},
      {"1..32 letters", [&](Program& p) { contract(p).kept = 5; }},
      {"1..32 letters", [&](Program& p) { contract(p).letters.resize(33, 1); }},
      {"more than 2^48", [&](Program& p) { contract(p).letters[3] = 0; }},
      {"more than 2^48", [&](Program& p) { contract(p).letters[3] = std::int64_t{1} << 47; }},
      {"cover the output", [&](Program& p) { contract(p).letters[1] = 4; }},
      {"last kept letter",
       [&](Program& p) {
         std::swap(contract(p).letters[1], contract(p).letters[2]), contract(p).requant.shift = {1, 2, 3, 4, 5};
       }},
      {"a factor that is a tensor", [&](Program& p) { contract(p).a = contract(p).b; }},
      {"beyond 16 bits", [](Program& p) { p.weights[0].max_abs = 32768; }},
      {"differ in number", [&](Program& p) { contract(p).a.maps.pop_back(); }},
      {"differ in number", [&](Program& p) { contract(p).b.axes.clear(), contract(p).b.maps.clear(); }},
      {"cover the tensor", [&](Program& p) { contract(p).b.axes[1] = 6; }},
      {"letters must rise", [&](Program& p) { contract(p).b.maps[0].parts[0].first = 4; }},
      {"letters must rise", [&](Program& p) { contract(p).b.maps[0].parts = {{3, 1}, {2, 1}}; }},
      {"coefficient is 0", [&](Program& p) { contract(p).b.maps[0].parts[0].second = 0; }},
      {"out of range", [&](Program& p) { contract(p).b.maps[0].offset = std::numeric_limits<std::int64_t>::max(); }},
      {"constant index", [&](Program& p) { contract(p).b.maps[0] = {4, {}}; }},
      {"two axes", [&](Program& p) { contract(p).b.maps[0].parts = {{2, 1}, {3, 1}}; }},
      {"in no factor", [&](Program& p) { contract(p).b.maps[1] = {0, {}}; }},
      {"no earlier op", [&](Program& p) { contract(p).a.id = 2; }},
      {"weight out of range", [&](Program& p) { contract(p).b.id = 9; }},
      {"could reach 2^61",
       [&](Program& p) { reduce(p).coef = std::int64_t{1} << 40, reduce(p).letters = {2, 5, std::int64_t{1} << 40}; }},
      {"coefficient is zero", [&](Program& p) { reduce(p).coef = 0; }},
      {"coefficient is zero", [&](Program& p) { reduce(p).coef = std::numeric_limits<std::int64_t>::min(); }},
      {"cover the output", [&](Program& p) { reduce(p).kept = 1; }},
      {"cover the tensor", [&](Program& p) { reduce(p).axes[0] = 3; }},
      {"in no factor", [&](Program& p) { reduce(p).maps[1] = {0, {}}; }},
      {"two axes", [&](Program& p) { reduce(p).maps[1] = reduce(p).maps[0]; }},
      {"one value for every input", [&](Program& p) { table(p).values.pop_back(); }},
      {"one value for every input", [&](Program& p) { contract(p).requant.clamp_bits += 1; }},
      {"value is outside", [&](Program& p) { table(p).values[3] = 32; }},
      {"label is too long", [&](Program& p) { table(p).label.assign(5000, 'x'); }},
      {"exponent beyond", [&](Program& p) { table(p).in_exponent = 257; }},
      {"has a table's label", [&](Program& p) { reduce(p).requant.activation.label = "x"; }},
      {"has a table's label", [&](Program& p) { reduce(p).requant.activation.values = {0}; }},
      {"without parameters", [&](Program& p) { table(p).b = 1; }},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Program p = good;
    cases[i].second(p);
    const std::string text = problem(p);
    EXPECT_NE(text.find(cases[i].first), std::string::npos) << "case " << i << ": " << text;
  }
}

TEST(CheckProgram, WindowsWithoutTaps) {
  Builder b;
  const auto x = b.input({1, 1, 1, 2});
  Window w;
  w.kernel = {2, 1}, w.dilation = {2, 1}, w.pad_begin = {1, 0}, w.pad_end = {1, 0};  // reads rows -1 and 1 of a one-row image
  Builder c = b;
  b.maximum(x, w);
  EXPECT_NE(problem(b.done()).find("outside the image"), std::string::npos);
  c.average(x, w, false, {0, 0}, simple_requant(16));
  EXPECT_NE(problem(c.done()).find("averages nothing"), std::string::npos);
}

TEST(CheckProgram, PiecesSideBySide) {
  Builder b;
  const auto x = b.input({2, 3});
  Rearrange r;
  r.y_axes = {2, 8};
  r.pieces = {{x, {2, 3}, {{0, {{0, 1}}}, {0, {{1, 1}}}}},
              {x, {2, 3}, {{0, {{0, 1}}}, {7, {{1, -1}}}}}};  // columns 0..2 and 7..5
  b.rearrange(r, {2, 8}, -2047, 2047);
  EXPECT_EQ(problem(b.done()), "");
  std::get<Rearrange>(b.program.ops[0].body).pieces[1].maps[1].offset = 4;  // columns 4..2
  EXPECT_NE(problem(b.done()).find("not separated"), std::string::npos);
}

TEST(RandomPrograms, AreValidAndVaried) {
  testing::Rng rng(1);
  std::array<int, std::variant_size_v<decltype(Op::body)>> kinds{};
  for (int i = 0; i < 500; ++i) {
    const Program p = testing::random_program(rng, 6);
    ASSERT_EQ(problem(p), "");
    for (const auto& op : p.ops) ++kinds[op.body.index()];
  }
  for (const int n : kinds) EXPECT_GT(n, 20);
}

}  // namespace
}  // namespace dsperse::quantize
