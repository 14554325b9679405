// Lowering of the ops over rows, through graphs of one invented node: the integer form against the float meaning, within the
// bounds of docs/operators.md; and where rows lie.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dsperse/model/execute.h"
#include "dsperse/ops/testing/graphs.h"
#include "dsperse/quantize/lowering.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::Shape;
using quantize::Lowering;
using quantize::QuantizedModel;
using quantize::Sample;
using testing::Rng;
using Doubles = std::vector<double>;

/// Rows along an axis: f(row in, row out).
struct Axis {
  std::size_t outer = 1, n = 1, inner = 1;
  Axis(const Shape& s, std::size_t axis) {
    for (std::size_t k = 0; k < s.size(); ++k) (k < axis ? outer : k == axis ? n : inner) *= static_cast<std::size_t>(s[k]);
  }
  template <class F>
  void rows(F f) const {
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) f(o * inner + i, [this, o, i](std::size_t k) { return (o * n + k) * inner + i; });
  }
};

struct Case {
  std::vector<Shape> inputs;
  std::vector<DType> types;
  Shape out;
  DType out_type = DType::f32;
  quantize::LowerFn lower;
  std::function<Doubles(const std::vector<Doubles>&)> meaning;
  double deviation = 1;
  std::function<void(Sample&, std::size_t)> change = {};  ///< of sample i
};

struct Outcome {
  QuantizedModel model;
  std::vector<std::vector<Doubles>> inputs;  ///< by sample
  std::vector<Doubles> want, got;            ///< by sample
};

Outcome run_case(const Case& c, std::uint64_t seed = 3, std::size_t count = 3) {
  model::Graph g;
  g.opset = 17;
  model::Node node{"n", "Invented", {}, {"y"}, {}};
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    g.inputs.push_back({"x" + std::to_string(i), c.types.empty() ? DType::f32 : c.types[i], c.inputs[i]});
    node.inputs.push_back(g.inputs.back().name);
    g.values[g.inputs.back().name] = g.inputs.back();
  }
  g.outputs = {{"y", c.out_type, c.out}};
  g.values["y"] = g.outputs[0];
  g.nodes = {node};
  const auto real = [&](const Sample& s) {
    std::vector<Doubles> in;
    for (const auto& port : g.inputs) {
      const model::Tensor& t = s.at(port.name);
      in.push_back(port.dtype == DType::f32 ? Doubles(t.f.begin(), t.f.end()) : Doubles(t.i.begin(), t.i.end()));
    }
    return in;
  };
  quantize::Interpreters both;
  both.run_float = [&](const Sample& s) -> Result<std::map<std::string, model::Tensor>> {
    const Doubles y = c.meaning(real(s));
    std::map<std::string, model::Tensor> out = s;
    out["y"] = c.out_type == DType::f32 ? model::float_tensor(c.out, {y.begin(), y.end()})
                                        : model::int_tensor(c.out, {y.begin(), y.end()});
    return out;
  };
  both.prepare_integer = [](const quantize::Program& p, const quantize::WeightStore& w) -> Result<quantize::RunInteger> {
    return [&p, &w](quantize::TensorStore& trace) { return run::testing::slow_run(p, w, trace); };
  };
  Rng rng(seed);
  std::vector<Sample> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (const auto& port : g.inputs)
      samples[i][port.name] =
          port.dtype == DType::f32
              ? model::float_tensor(port.shape, testing::normal_numbers(rng, port.shape, c.deviation))
              : model::int_tensor(port.shape,
                                  std::vector<std::int64_t>(static_cast<std::size_t>(quantize::elements(port.shape))));
    if (c.change) c.change(samples[i], i);
  }
  auto made = quantize::quantize_model(g, {{"Invented", {c.lower, quantize::Reads::anything}}}, both, samples, {});
  Outcome out;
  if (!made) {
    ADD_FAILURE() << made.error().text();
    return out;
  }
  out.model = std::move(*made);
  for (const Sample& s : samples) {
    out.inputs.push_back(real(s));
    out.want.push_back(c.meaning(out.inputs.back()));
    quantize::TensorStore trace(out.model.program.tensors.size());
    const quantize::Program& p = out.model.program;
    for (std::size_t i = 0; i < g.inputs.size(); ++i) {
      const Doubles& x = out.inputs.back()[i];
      trace[p.inputs[i]] =
          quantize::quantize_input(out.model.inputs[i], p.tensors[p.inputs[i]], std::vector<float>(x.begin(), x.end()))->values;
    }
    const auto ran = run::testing::slow_run(p, out.model.weights, trace);
    EXPECT_TRUE(ran) << ran.error().text();
    const auto y = *quantize::read_output(out.model.outputs[0], p.tensors[p.outputs[0]], trace[p.outputs[0]]);
    out.got.emplace_back(y.begin(), y.end());
  }
  return out;
}

/// Largest |got - want| - allowed(want), over all samples.
double excess(const Outcome& o, const std::function<double(double)>& allowed) {
  double most = -1e300;
  for (std::size_t s = 0; s < o.want.size(); ++s)
    for (std::size_t i = 0; i < o.want[s].size(); ++i)
      most = std::max(most, std::fabs(o.got[s][i] - o.want[s][i]) - allowed(o.want[s][i]));
  return most;
}

/// Kinds of the program's ops, one letter each.
std::string kinds(const Outcome& o) {
  std::string s;
  for (const auto& op : o.model.program.ops) s += "CGSAMRKDXFNVH"[op.body.index()];
  return s;
}

template <class T>
const T& op_of(const Outcome& o) {
  for (const auto& op : o.model.program.ops)
    if (const auto* t = std::get_if<T>(&op.body)) return *t;
  static const T none{};
  ADD_FAILURE() << "no such op in " << kinds(o);
  return none;
}

Doubles softmax_of(const Doubles& x, const Axis& a, const std::vector<std::uint8_t>& visible = {}) {
  Doubles y(x.size());
  const std::size_t mask_rows = visible.size() / a.n;
  a.rows([&](std::size_t r, auto at) {
    const auto counts = [&](std::size_t k) { return visible.empty() || visible[r % mask_rows * a.n + k] != 0; };
    double top = -1e300, sum = 0;
    for (std::size_t k = 0; k < a.n; ++k)
      if (counts(k)) top = std::max(top, x[at(k)]);
    for (std::size_t k = 0; k < a.n; ++k) sum += counts(k) ? std::exp(x[at(k)] - top) : 0;
    for (std::size_t k = 0; k < a.n; ++k) y[at(k)] = counts(k) ? std::exp(x[at(k)] - top) / sum : 0;
  });
  return y;
}

Case softmax_case(const Shape& shape, std::size_t axis, double deviation, quantize::Mask mask = {}) {
  Case c;
  c.inputs = {shape}, c.out = shape, c.deviation = deviation;
  c.lower = [axis, mask](Lowering& l, const model::Node& node) -> Status {
    DSPERSE_TRY(const auto x, l.tensor(node, 0));
    return l.softmax(node, x, axis, mask);
  };
  c.meaning = [shape, axis, mask](const auto& in) { return softmax_of(in[0], Axis(shape, axis), mask.visible); };
  return c;
}

/// docs/operators.md: |error| <= p (2^-g + n 2^-(k+1)) + 2^-k + 3/4 of an output step, g the exponent of the scores, k the bits
/// of the numerators.
void expect_softmax(const Case& c, const std::string& kind, const std::string& what) {
  const Outcome o = run_case(c);
  EXPECT_EQ(kinds(o), kind) << what;
  const auto& op = op_of<quantize::Softmax>(o);
  const auto& p = o.model.program;
  const double score = std::ldexp(1.0, -p.tensors[op.x].exponent), step = std::ldexp(1.0, -p.tensors[op.y].exponent);
  const double numerator = std::ldexp(1.0, -static_cast<int>(op.exp_bits));
  EXPECT_LE(step, 1.0 / (1 << 14)) << what;
  EXPECT_LE(excess(o,
                   [&](double y) {
                     return y * (std::expm1(score) + static_cast<double>(op.n) * numerator / 2) + numerator + 0.75 * step + 1e-6;
                   }),
            0)
      << what;
}

TEST(LowerSoftmax, WithinItsBound) {
  expect_softmax(softmax_case({4, 10}, 1, 3), "F", "rows");
  expect_softmax(softmax_case({2, 3, 64}, 2, 2), "F", "three axes");
  expect_softmax(softmax_case({2, 1024}, 1, 1), "F", "long rows");
  expect_softmax(softmax_case({5, 1}, 1, 1), "F", "rows of one");
  expect_softmax(softmax_case({6, 4, 3}, 1, 2), "RF", "an inner axis");
  Case equal = softmax_case({3, 8}, 1, 1);
  equal.change = [](Sample& s, std::size_t i) {
    if (i == 1) std::fill(s.at("x0").f.begin(), s.at("x0").f.end(), 0.5F);
  };
  expect_softmax(equal, "F", "equal scores");
  Case one_hot = softmax_case({3, 8}, 1, 1);
  one_hot.change = [](Sample& s, std::size_t i) {
    if (i == 1) s.at("x0").f[3] = 30;
  };
  expect_softmax(one_hot, "F", "one far above");
}

TEST(LowerSoftmax, Masks) {
  quantize::Mask causal{6, {}};
  for (int r = 0; r < 6; ++r)
    for (int i = 0; i < 6; ++i) causal.visible.push_back(static_cast<std::uint8_t>(i <= r));
  expect_softmax(softmax_case({2, 6, 6}, 2, 2, causal), "F", "causal");
  quantize::Mask all{1, std::vector<std::uint8_t>(10, 1)};
  const Outcome o = run_case(softmax_case({4, 10}, 1, 1, all));
  EXPECT_TRUE(op_of<quantize::Softmax>(o).visible.empty());
}

Doubles normal_of(const Doubles& x, std::size_t n, bool centered, const std::vector<float>& gamma, const std::vector<float>& beta,
                  double epsilon) {
  Doubles y(x.size());
  for (std::size_t r = 0; r < x.size(); r += n) {
    double mean = 0, squares = 0;
    for (std::size_t k = 0; centered && k < n; ++k) mean += x[r + k] / static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k) squares += (x[r + k] - mean) * (x[r + k] - mean) / static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k)
      y[r + k] = (x[r + k] - mean) / std::sqrt(squares + epsilon) * (gamma.empty() ? 1.0 : static_cast<double>(gamma[k])) +
                 (beta.empty() ? 0.0 : static_cast<double>(beta[k]));
  }
  return y;
}

TEST(LowerNormalize, WithinItsBound) {
  Rng rng(8);
  for (const bool centered : {true, false})
    for (const auto& [shape, first] :
         std::vector<std::pair<Shape, std::size_t>>{{{5, 16}, 1}, {{2, 3, 64}, 2}, {{2, 1024}, 1}, {{3, 4, 5}, 1}, {{6, 2}, 1}})
      for (const bool affine : {false, true}) {
        Case c;
        c.inputs = {shape}, c.out = shape, c.deviation = 2;
        const auto n =
            static_cast<std::size_t>(quantize::elements(Shape(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end())));
        std::vector<float> gamma, beta;
        if (affine) {
          gamma = testing::normal_numbers(rng, {static_cast<std::int64_t>(n)}, 1);
          beta = testing::normal_numbers(rng, {static_cast<std::int64_t>(n)}, 1);
        }
        c.lower = [=, f = first](Lowering& l, const model::Node& node) -> Status {
          DSPERSE_TRY(const auto x, l.tensor(node, 0));
          return l.normalize(node, x, f, centered, gamma, beta, 1e-5);
        };
        c.meaning = [=](const auto& in) { return normal_of(in[0], n, centered, gamma, beta, 1e-5); };
        const Outcome o = run_case(c);
        EXPECT_EQ(kinds(o), "N");
        const auto& op = op_of<quantize::Normalize>(o);
        const auto& p = o.model.program;
        // Steps of the input against the smallest deviation of a row, the root's rounding, the scale's, the output's.
        double smallest = 1e300, largest = 1;
        for (const auto& in : o.inputs)
          for (std::size_t r = 0; r < in[0].size(); r += n) {
            double mean = 0, squares = 0;
            for (std::size_t k = 0; centered && k < n; ++k) mean += in[0][r + k] / static_cast<double>(n);
            for (std::size_t k = 0; k < n; ++k) squares += std::pow(in[0][r + k] - mean, 2) / static_cast<double>(n);
            smallest = std::min(smallest, std::sqrt(squares));
          }
        for (const float g : gamma) largest = std::max(largest, std::fabs(static_cast<double>(g)));
        const double in_step = std::ldexp(1.0, -p.tensors[op.x].exponent), step = std::ldexp(1.0, -p.tensors[op.y].exponent);
        const double root = std::sqrt(static_cast<double>(n));  // |normalized value| <= sqrt(n)
        EXPECT_LE(excess(o,
                         [&](double y) {
                           return largest * (2 * in_step / smallest) * (1 + std::min(root, 5.0)) + std::fabs(y) / 256 +
                                  root * std::ldexp(1.0, -10) + step;
                         }),
                  0)
            << model::shape_text(shape) << " " << centered << " " << affine;
        for (const auto& out : o.model.fidelity.outputs)
          EXPECT_GT(out.cosine, 0.999) << model::shape_text(shape) << centered << affine;
      }
}

TEST(LowerNormalize, ZeroVarianceGivesTheShift) {
  Case c;
  c.inputs = {{2, 8}}, c.out = {2, 8};
  const std::vector<float> gamma(8, 1.5F), beta{1, -2, 0.5F, 0, 3, 1, 1, -1};
  c.lower = [=](Lowering& l, const model::Node& node) -> Status {
    DSPERSE_TRY(const auto x, l.tensor(node, 0));
    return l.normalize(node, x, 1, true, gamma, beta, 1e-5);
  };
  c.meaning = [=](const auto& in) { return normal_of(in[0], 8, true, gamma, beta, 1e-5); };
  c.change = [](Sample& s, std::size_t i) {
    if (i == 1) std::fill(s.at("x0").f.begin(), s.at("x0").f.end(), 0.75F);
  };
  const Outcome o = run_case(c);
  ASSERT_EQ(o.got.size(), 3U);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_NEAR(o.got[1][i], static_cast<double>(beta[i % 8]), 0.01);
}

TEST(LowerExtreme, ValuesAndIndices) {
  for (const auto& [shape, axis] :
       std::vector<std::pair<Shape, std::size_t>>{{{4, 7}, 1}, {{4, 7}, 0}, {{2, 3, 5}, 1}, {{3, 1}, 1}})
    for (const bool minimum : {false, true})
      for (const int kind : {0, 1, 2})
        for (const bool keep : {false, true}) {
          Case c;
          c.inputs = {shape}, c.out = shape;
          if (keep)
            c.out[axis] = 1;
          else
            c.out.erase(c.out.begin() + static_cast<std::ptrdiff_t>(axis));
          c.out_type = kind == 0 ? DType::f32 : DType::i64;
          c.change = [](Sample& s, std::size_t) {
            for (float& v : s.at("x0").f) v = std::round(v);  // with ties, and exact
          };
          c.lower = [=, a = axis](Lowering& l, const model::Node& node) -> Status {
            DSPERSE_TRY(const auto x, l.tensor(node, 0));
            return l.extreme(node, x, a, minimum, kind != 0, kind == 2);
          };
          c.meaning = [=, sh = shape, a = axis](const auto& in) {
            const Axis rows(sh, a);
            Doubles y(rows.outer * rows.inner);
            rows.rows([&](std::size_t r, auto at) {
              std::size_t best = 0;
              for (std::size_t k = 1; k < rows.n; ++k) {
                const double more = (in[0][at(k)] - in[0][at(best)]) * (minimum ? -1 : 1);
                if (more > 0 || (more == 0 && kind == 2)) best = k;
              }
              y[r] = kind == 0 ? in[0][at(best)] : static_cast<double>(best);
            });
            return y;
          };
          const Outcome o = run_case(c);
          EXPECT_LE(excess(o, [](double) { return 0; }), 0) << model::shape_text(shape) << " " << minimum << kind << keep;
        }
}

TEST(LowerDivide, WithinItsBound) {
  for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{
           {{4, 6}, {4, 6}}, {{4, 6}, {4, 1}}, {{4, 6}, {6}}, {{2, 3, 4}, {3, 1}}, {{4, 1}, {4, 6}}}) {
    Case c;
    c.inputs = {a, b}, c.out = a.size() >= b.size() && quantize::elements(a) >= quantize::elements(b) ? a : b;
    c.change = [](Sample& s, std::size_t) {
      for (float& v : s.at("x1").f) v = 1 + std::fabs(v);
    };
    c.lower = [](Lowering& l, const model::Node& node) -> Status {
      DSPERSE_TRY(const auto x, l.tensor(node, 0));
      DSPERSE_TRY(const auto y, l.tensor(node, 1));
      return l.divide(node, x, y);
    };
    const Shape out = c.out;
    c.meaning = [=, sa = a, sb = b](const auto& in) {
      Doubles y(static_cast<std::size_t>(quantize::elements(out)));
      for (std::size_t i = 0; i < y.size(); ++i) {
        const auto at = [&](const Shape& shape) {
          std::size_t where = 0, stride = 1, rest = i;
          for (std::size_t k = 0; k < out.size(); ++k) {
            const auto d = static_cast<std::size_t>(out[out.size() - 1 - k]);
            if (k < shape.size()) {
              const auto own = static_cast<std::size_t>(shape[shape.size() - 1 - k]);
              if (own != 1) where += rest % d * stride;
              stride *= own;
            }
            rest /= d;
          }
          return where;
        };
        y[i] = in[0][at(sa)] / in[1][at(sb)];
      }
      return y;
    };
    const Outcome o = run_case(c);
    const auto& op = op_of<quantize::Divide>(o);
    const auto& p = o.model.program;
    EXPECT_GE(p.tensors[op.b].lo, 1);
    // Half a step of each operand (the divisor is at least 1), and of the result.
    const double ea = std::ldexp(0.5, -p.tensors[op.a].exponent), eb = std::ldexp(0.5, -p.tensors[op.b].exponent);
    EXPECT_LE(
        excess(o,
               [&](double y) { return 1.01 * (ea + 2 * eb * std::fabs(y)) + std::ldexp(0.5, -p.tensors[op.y].exponent) + 1e-6; }),
        0)
        << model::shape_text(a) << " / " << model::shape_text(b) << " " << kinds(o);
  }
}

TEST(LowerOneHot, Exact) {
  for (const Shape& shape : {Shape{5}, {2, 3}}) {
    Case c;
    c.inputs = {shape}, c.types = {DType::i64}, c.out = shape;
    c.out.push_back(7);
    c.change = [](Sample& s, std::size_t i) {
      std::size_t k = i;
      for (auto& v : s.at("x0").i) v = static_cast<std::int64_t>(k++ % 7);
    };
    c.lower = [](Lowering& l, const model::Node& node) -> Status {
      DSPERSE_TRY(const auto x, l.tensor(node, 0));
      return l.one_hot(node, x, 7);
    };
    c.meaning = [](const auto& in) {
      Doubles y(in[0].size() * 7, 0);
      for (std::size_t i = 0; i < in[0].size(); ++i) y[i * 7 + static_cast<std::size_t>(in[0][i])] = 1;
      return y;
    };
    const Outcome o = run_case(c);
    EXPECT_EQ(kinds(o), "H");
    EXPECT_EQ(excess(o, [](double) { return 0; }), 0);
    EXPECT_EQ(o.model.program.tensors[o.model.program.inputs[0]].lo, 0);
    EXPECT_EQ(o.model.program.tensors[o.model.program.inputs[0]].hi, 6);
  }
}

}  // namespace
}  // namespace dsperse::ops
