// Wrong arithmetic: traces of programs that differ from the key's in one attribute, and remainders fitted to a wanted output.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using quantize::Program;
using relation::Relation;
using relation::Values;

NamedSlice slice_named(const std::string& name) {
  for (NamedSlice& s : attack_slices())
    if (s.name == name) return s;
  std::abort();
}

/// The prover runs `other` (same shapes) and claims that it ran the key's program.
void rejects(const std::string& name, const std::function<void(Program&, quantize::WeightStore&)>& change) {
  const NamedSlice slice = slice_named(name);
  SliceCase c = *make_case(slice.program, slice.options);
  Program other = slice.program;
  quantize::WeightStore weights = c.weights;
  change(other, weights);
  const quantize::TensorStore honest = c.trace;
  proof::testing::evaluate(other, weights, c.trace);
  ASSERT_NE(c.trace, honest) << "the change changes nothing";
  c.restate();
  const Outcome o = attack_values(c);
  EXPECT_FALSE(o.constraints.empty());
  EXPECT_FALSE(o.verdict);
  EXPECT_EQ(o.verdict.reason, "end check");
}

template <class Op>
Op& op_of(Program& p, std::size_t i = 0) {
  return std::get<Op>(p.ops[i].body);
}

TEST(WrongProgram, Convolution) {
  using quantize::Conv;
  const auto conv = [](const std::function<void(Conv&)>& f) {
    rejects("conv", [&](Program& p, quantize::WeightStore&) { f(op_of<Conv>(p)); });
  };
  conv([](Conv& o) { o.window.pad_begin = {0, 1}, o.window.pad_end = {1, 1}; });  // one row further down
  conv([](Conv& o) { o.window.pad_begin = {1, 0}, o.window.pad_end = {0, 2}; });  // one column further right
  conv([](Conv& o) { o.window.pad_begin = {1, 2}, o.window.pad_end = {0, 0}; });
  conv([](Conv& o) { o.window.stride[0] = 1; });
  conv([](Conv& o) { std::rotate(o.requant.shift.begin(), o.requant.shift.begin() + 1, o.requant.shift.end()); });
  conv([](Conv& o) { o.requant.activation.f = quantize::Function::relu, o.requant.activation.a = 0; });
  conv([](Conv& o) { o.requant.activation.f = quantize::Function::identity, o.requant.activation.a = 0; });
  conv([](Conv& o) { o.bias.reset(); });
  const auto weights = [](const std::function<void(std::vector<std::int16_t>&)>& f) {
    rejects("conv", [&](Program&, quantize::WeightStore& w) { f(w[0].narrow); });
  };
  weights([](auto& w) { std::swap_ranges(w.begin(), w.begin() + 12, w.begin() + 12); });  // output channels
  weights([](auto& w) { std::swap_ranges(w.begin(), w.begin() + 24, w.begin() + 24); });  // groups
  weights([](auto& w) {
    for (std::size_t i = 0; i < w.size(); i += 2) std::swap(w[i], w[i + 1]);
  });  // input channels
  weights([](auto& w) {
    for (std::size_t i = 0; i < w.size(); i += 12) std::reverse(&w[i], &w[i] + 12);
  });  // kernel turned round
  rejects("depthwise", [](Program& p, quantize::WeightStore&) { op_of<Conv>(p).window.dilation[1] = 1; });
}

TEST(WrongProgram, Others) {
  rejects("gemm wide", [](Program& p, quantize::WeightStore&) { op_of<quantize::Gemm>(p).requant.shift[0] = 4; });
  rejects("gemm wide", [](Program& p, quantize::WeightStore&) { op_of<quantize::Gemm>(p).requant.clamp_bits = 3; });
  rejects("gemm saturating", [](Program& p, quantize::WeightStore&) { op_of<quantize::Gemm>(p).requant.clamp_bits = 3; });
  rejects("gemm saturating", [](Program& p, quantize::WeightStore&) { op_of<quantize::Gemm>(p).requant.activation.hi = 14; });
  rejects("sum", [](Program& p, quantize::WeightStore&) { op_of<quantize::Sum>(p).terms[0].coef = 3; });
  rejects("sum", [](Program& p, quantize::WeightStore&) { op_of<quantize::Sum>(p).terms[1].coef = 4; });
  rejects("sum", [](Program& p, quantize::WeightStore&) { op_of<quantize::Sum>(p).terms.pop_back(); });
  rejects("average", [](Program& p, quantize::WeightStore&) { op_of<quantize::AveragePool>(p).count_include_pad = true; });
  rejects("average", [](Program& p, quantize::WeightStore&) {
    op_of<quantize::AveragePool>(p).window.pad_begin = {0, 0}, op_of<quantize::AveragePool>(p).window.pad_end = {1, 1};
  });
  rejects("max pool",
          [](Program& p, quantize::WeightStore&) { op_of<quantize::MaxPool>(p).window.kernel = {2, 2}; });  // not all taps
  rejects("max pool",
          [](Program& p, quantize::WeightStore&) { op_of<quantize::MaxPool>(p).window.kernel = {4, 3}; });  // one too many
  rejects("max pool", [](Program& p, quantize::WeightStore&) { op_of<quantize::MaxPool>(p, 2).window.stride = {1, 1}; });
  rejects("rearrange",
          [](Program& p, quantize::WeightStore&) { op_of<quantize::Rearrange>(p).pieces[0].maps[0] = {1, {{1, -1}}}; });
  rejects("rearrange", [](Program& p, quantize::WeightStore&) { op_of<quantize::Rearrange>(p, 1).fill = 5; });
  rejects("rearrange", [](Program& p, quantize::WeightStore&) { op_of<quantize::Rearrange>(p, 1).pieces[0].maps[0].offset = 0; });
}

/// The remainder is a field element: fitted to any v it makes (v, y) a row. The lookup of the remainder alone objects.
TEST(WrongRounding, RemainderFittedToAnyOutput) {
  const NamedSlice slice = slice_named("gemm wide");
  SliceCase c = *make_case(slice.program, slice.options);
  const Relation relation = proof::slice_relation(c.key).value();
  const auto& r = relation.requantizations[1];  // op1, the slice's output
  const quantize::Requant& requant = *quantize::op_requant(slice.program.ops[1]);
  const auto limb = tensor_named(relation, "op1 remainder 0");
  const auto a = relation::testing::assignment_of(Values(relation, c.weights, c.trace));
  const std::int64_t acc = relation::to_signed(relation::testing::evaluate(relation, r.acc, r.shape, a)[0]);
  const std::int64_t v = proof::testing::rounded(requant, acc, 0);
  for (const std::int64_t wanted : {v - 1, v + 1, std::int64_t{0}, std::int64_t{7}, std::int64_t{-7}}) {
    if (wanted == v) continue;
    c.run([&](std::uint32_t op, quantize::IntTensor& y) {
      if (op == 1) y[0] = static_cast<std::int32_t>(proof::testing::activated(requant, wanted));
    });
    c.restate();
    relation::ValueForge f;
    f.tensors = [&](Values& values) { values.own(limb)[0] -= (wanted - v) * (std::int64_t{1} << r.shifts[0]); };
    const Outcome o = attack_values(c, f);
    EXPECT_EQ(o.constraints, Ids{"op1 remainder 0"}) << wanted - v;
    EXPECT_EQ(o.checks, Ids{"lookup sum"});
    EXPECT_FALSE(o.verdict);
  }
  // v = 5 / 2^s as a field element, in the table of nothing: the remainder is small, v is not an integer.
  c.run();
  c.restate();
  for (const std::int64_t d : {1, -1, 3}) {
    relation::ValueForge f;
    f.tensors = [&](Values& values) {
      std::int64_t& x = values.own(limb)[1];
      x += x + d >= 0 && x + d < 8 ? d : -d;
    };
    const Outcome o = attack_values(c, f);
    EXPECT_TRUE(o.constraints.contains("op1 activation"));
    EXPECT_FALSE(o.verdict);
  }
}

}  // namespace
}  // namespace dsperse::soundness
