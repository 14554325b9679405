// Wrong arithmetic: traces of programs that differ from the key's in one attribute, and remainders fitted to a wanted output.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using quantize::Program;
using relation::Relation;
using relation::Values;

class Arithmetic : public ::testing::TestWithParam<proof::Profile> {
 protected:
  [[nodiscard]] NamedSlice slice_named(const std::string& name) const {
    for (NamedSlice& s : attack_slices(GetParam()))
      if (s.name == name) return s;
    std::abort();
  }
  /// The prover claims a trace that the program does not have.
  static void rejects(const NamedSlice& slice, SliceCase& c) {
    c.restate();
    const Outcome o = attack_values(c);
    EXPECT_FALSE(o.constraints.empty());
    EXPECT_EQ(o.verdict.reason, "end check");
    for (const std::string& id : o.constraints)
      attacked("constraint", slice.name + " > " + id, proof::bits(slice.options.profile), 1, o.verdict ? 1 : 0);
  }
  /// It runs another program (same shapes).
  static void rejects(const NamedSlice& slice, const std::function<void(Program&, quantize::WeightStore&)>& change) {
    SliceCase c = *make_case(slice.program, slice.options);
    Program other = slice.program;
    quantize::WeightStore weights = c.weights;
    change(other, weights);
    const quantize::TensorStore honest = c.trace;
    proof::testing::evaluate(other, weights, c.trace);
    ASSERT_NE(c.trace, honest) << "the change changes nothing";
    rejects(slice, c);
  }
  void rejects(const std::string& name, const std::function<void(Program&, quantize::WeightStore&)>& change) const {
    rejects(slice_named(name), change);
  }
};
INSTANTIATE_TEST_SUITE_P(Profiles, Arithmetic, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

template <class Op>
Op& op_of(Program& p, std::size_t i = 0) {
  return std::get<Op>(p.ops[i].body);
}

TEST_P(Arithmetic, WrongConvolution) {
  using quantize::Conv;
  const auto conv = [this](const std::function<void(Conv&)>& f) {
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
  const auto weights = [this](const std::function<void(std::vector<std::int16_t>&)>& f) {
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

TEST_P(Arithmetic, WrongPrograms) {
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

/// Padding that is one, not zero: what the convolution of a larger image without padding gives.
TEST_P(Arithmetic, NonZeroPadding) {
  const NamedSlice slice = slice_named("conv");
  SliceCase c = *make_case(slice.program, slice.options);
  const quantize::Conv& conv = std::get<quantize::Conv>(slice.program.ops[0].body);
  const quantize::Window& w = conv.window;
  Program larger = slice.program;
  auto& shape = larger.tensors[conv.x].shape;
  const auto honest = shape;
  for (const std::size_t k : {0U, 1U}) shape[k + 1] += w.pad_begin[k] + w.pad_end[k];
  auto& window = std::get<quantize::Conv>(larger.ops[0].body).window;
  window.pad_begin = window.pad_end = {0, 0};
  quantize::TensorStore trace = c.trace;
  trace[conv.x].assign(static_cast<std::size_t>(quantize::elements(shape)), 1);
  for (std::int64_t y = 0; y < honest[1]; ++y)
    for (std::int64_t x = 0; x < honest[2]; ++x)
      for (std::int64_t k = 0; k < honest[3]; ++k)
        trace[conv.x][static_cast<std::size_t>(((y + w.pad_begin[0]) * shape[2] + x + w.pad_begin[1]) * shape[3] + k)] =
            c.trace[conv.x][static_cast<std::size_t>((y * honest[2] + x) * honest[3] + k)];
  proof::testing::evaluate(larger, c.weights, trace);
  const auto out = quantize::op_output(slice.program.ops[0]);
  ASSERT_EQ(trace[out].size(), c.trace[out].size());
  ASSERT_NE(trace[out], c.trace[out]);
  c.trace[out] = trace[out];
  rejects(slice, c);
}

/// The weights of one layer in the place of another's.
TEST_P(Arithmetic, WeightsOfAnotherLayer) {
  quantize::testing::Builder b;
  const auto requant = quantize::testing::simple_requant(4, quantize::Function::identity, 6);
  b.gemm(b.gemm(b.input({2, 3}, -20, 20), 3, 3, requant, false, 15), 3, 3, requant, false, 15);
  rejects({"two square layers", b.done(), {.profile = GetParam(), .constraints = {3, 1U << 20}}},
          [](Program&, quantize::WeightStore& w) { std::swap(w[0], w[1]); });
}

/// Outputs at both ends of a table, one inwards and one beyond; where the clamp is in force and where it is not.
TEST_P(Arithmetic, TableEdges) {
  const NamedSlice slice = slice_named("gemm saturating");
  const SliceCase honest = *make_case(slice.program, slice.options);
  const auto out = quantize::op_output(slice.program.ops[0]);
  const auto [lowest, highest] = std::minmax_element(honest.trace[out].begin(), honest.trace[out].end());
  for (const auto& at : {lowest, highest})
    for (const int d : {-1, 1}) {
      SliceCase c = *make_case(slice.program, slice.options);
      c.trace[out][static_cast<std::size_t>(at - honest.trace[out].begin())] += d;
      rejects(slice, c);
    }
  const quantize::TensorSpec& spec = slice.program.tensors[out];
  EXPECT_EQ(*lowest, spec.lo);
  EXPECT_EQ(*highest, spec.hi);
}

/// Halves are rounded up: downwards, and towards zero, is another function.
TEST_P(Arithmetic, ExactHalves) {
  NamedSlice slice = slice_named("sum");
  const quantize::Requant& requant = *quantize::op_requant(slice.program.ops[0]);
  int negative = 0, positive = 0;
  for (slice.options.seed = 1; slice.options.seed < 30 && (negative == 0 || positive == 0); ++slice.options.seed) {
    const SliceCase honest = *make_case(slice.program, slice.options);
    const Relation relation = proof::slice_relation(honest.key).value();
    const auto& r = relation.requantizations[0];
    const auto a = relation::testing::assignment_of(Values(relation, honest.weights, honest.trace));
    const auto acc = relation::testing::evaluate(relation, r.acc, r.shape, a);
    for (std::size_t e = 0; e < acc.size(); ++e) {
      const std::int64_t x = relation::to_signed(acc[e]), s = r.shifts[0];
      if ((x & ((1 << s) - 1)) != 1 << (s - 1)) continue;
      ++(x < 0 ? negative : positive);
      SliceCase c = *make_case(slice.program, slice.options);
      c.run([&](std::uint32_t op, quantize::IntTensor& y) {
        if (op == 0)
          y[e] = static_cast<std::int32_t>(proof::testing::activated(requant, proof::testing::rounded(requant, x, 0) - 1));
      });
      rejects(slice, c);
    }
  }
  EXPECT_GT(negative, 0);
  EXPECT_GT(positive, 0);
}

/// The remainder is a field element: fitted to any v it makes (v, y) a row. The lookup of the remainder alone objects.
TEST_P(Arithmetic, RemainderFittedToAnyOutput) {
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
