#include "dsperse/quantize/exponents.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "dsperse/quantize/limits.h"

namespace dsperse::quantize {
namespace {

/// How far beyond the largest value of calibration others may come, by how many values it saw. An output's values are kept whole
/// up to there: a clipped score ruins a ranking.
double tail_of(double count, bool output) { return output || count < 1e4 ? 1.25 : count < 1e6 ? 1.1 : 1; }

/// Union of tensors that share exponent and width.
class Groups {
 public:
  explicit Groups(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), TensorId{0}); }
  TensorId root(TensorId t) {
    while (parent_[t] != t) t = parent_[t] = parent_[parent_[t]];
    return t;
  }
  void join(TensorId a, TensorId b) { parent_[std::max(root(a), root(b))] = std::min(root(a), root(b)); }

 private:
  std::vector<TensorId> parent_;
};

struct Group {
  TensorStatistics statistics;
  unsigned bits = 0;
  std::size_t members = 0;
  std::int32_t most = kMaxExponent;                                     ///< no exponent is larger
  double limit = 0;                                                     ///< no value is larger; of inputs, what calibration saw
  bool output = false, integers = false, grid = false, others = false;  ///< others: values that no grid function made
};

/// Numerators of a softmax are sampled at its input's steps: 14 bits reach from 1/256 to 32. Probabilities are often small.
constexpr unsigned kScoreBits = 14, kProbabilityBits = 15;
constexpr std::int32_t kScoreExponent = 10;

/// Of ops that do not round: the output has the exponent of what is read.
bool keeps_exponent(const Op& op) {
  const auto* e = std::get_if<Extreme>(&op.body);
  return !(e != nullptr && e->index) && !std::holds_alternative<OneHot>(op.body);
}

double largest_of(const RealActivation& a) {
  if (is_grid(a.f)) return 1;
  return a.f == Function::clip ? std::max(std::fabs(a.lo), std::fabs(a.hi)) : std::numeric_limits<double>::infinity();
}

/// A leaky ReLU has its input's exponent, and by its slope the input reaches further below zero than the output. The largest
/// exponent with which the lowest value is at most half a step off for that.
std::int32_t leaky_exponent(const TensorStatistics& y, double slope, unsigned bits) {
  if (y.lowest() == 0) return kMaxExponent;
  const double top = std::ldexp(1.0, static_cast<int>(bits) - 1) - 1;
  return static_cast<std::int32_t>(std::floor(std::log2((0.5 + slope * top) / -y.lowest())));
}

/// Bits of integers, whose scale is fixed: 16, whatever calibration saw, or 17.
Result<unsigned> integer_bits(const Group& g, const std::string& name) {
  const double most = g.statistics.largest();
  if (most > static_cast<double>(kMaxValue))
    return fail(ErrorKind::unsupported, "an integer tensor reaches " + std::to_string(most) + ", beyond 2^16 - 1", name,
                "integers have no scale; keep them small, or let the model use floats");
  return most > static_cast<double>(std::numeric_limits<std::int16_t>::max()) ? 17U : 16U;
}

Result<std::int32_t> exponent_of(const Group& g, const std::string& name) {
  if (g.integers) return 0;
  const auto canonical = static_cast<std::int32_t>(g.bits) - 1;
  if (g.grid && !g.others) return canonical;
  const auto e = std::clamp(best_exponent(g.statistics, g.bits, {tail_of(g.statistics.count(), g.output), g.limit, !g.output}),
                            -kMaxExponent / 2, kMaxExponent / 2);
  if (!g.grid) return std::min(e, g.most);
  if (e < 0)
    return fail(ErrorKind::unsupported, "a sigmoid or tanh is joined with values beyond its exponents", name,
                "values of very different size share one tensor; scale them in the model");
  return std::min({e, canonical, g.most});
}

/// A mean is no larger than what it averages: with at least its exponent the shift stays at 16 bits. alone: tensors without
/// group.
void keep_means_fine(const Draft& draft, const auto& alone, Scales& s) {
  for (std::size_t i = 0; i < draft.program.ops.size(); ++i) {
    const Op& op = draft.program.ops[i];
    const auto* reduce = std::get_if<Reduce>(&op.body);
    if (!std::holds_alternative<AveragePool>(op.body) && (reduce == nullptr || reduce->coef != 0)) continue;
    const TensorId x = op_inputs(op)[0], y = op_output(op);
    if (!alone(y) || has_own_grid(draft.activations[i].f) || s.bits[x] != s.bits[y] || draft.powers[i] != 0) continue;
    s.exponent[y] = std::max(s.exponent[y], s.exponent[x]);
  }
}

/// A sum whose operands have its own exponent has no remainder, which saves its lookups. Operands that a layer makes for this sum
/// alone are rounded to the sum's exponent at once instead of twice, if that makes the shift 0.
void spare_remainders_of_sums(const Draft& draft, const auto& alone, Scales& s) {
  const Program& p = draft.program;
  std::vector<std::size_t> readers(p.tensors.size(), 0);
  std::vector<bool> layer(p.tensors.size(), false);
  for (const auto t : p.outputs) ++readers[t];
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    for (const auto t : op_inputs(p.ops[i])) ++readers[t];
    const bool linear = std::holds_alternative<Conv>(p.ops[i].body) || std::holds_alternative<Gemm>(p.ops[i].body);
    layer[op_output(p.ops[i])] = (linear || std::holds_alternative<Contract>(p.ops[i].body)) && !is_grid(draft.activations[i].f);
  }
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    const auto* sum = std::get_if<Sum>(&p.ops[i].body);
    if (sum == nullptr || has_own_grid(draft.activations[i].f) || draft.powers[i] != 0) continue;
    const auto inputs = op_inputs(p.ops[i]);
    const std::int32_t e = s.exponent[sum->y];
    const auto fits = [&](TensorId t) { return s.exponent[t] <= e || (layer[t] && readers[t] == 1 && alone(t)); };
    if (!std::ranges::all_of(inputs, fits)) continue;
    for (const auto t : inputs) s.exponent[t] = std::min(s.exponent[t], e);
  }
}

Status check_options(const Draft& draft, const QuantizeOptions& options) {
  const auto in_range = [](unsigned bits) { return bits >= 8 && bits <= 16; };
  if (!in_range(options.activation_bits) || !in_range(options.weight_bits))
    return fail(ErrorKind::usage, "activation and weight bits must be in 8..16");
  std::set<std::string> names;
  for (const auto& t : draft.tensors) names.insert(t.source);
  for (const auto& [name, bits] : options.tensor_bits) {
    if (!in_range(bits)) return fail(ErrorKind::usage, "tensor bits must be in 8..16", name);
    if (!names.contains(name))
      return fail(ErrorKind::usage, "tensor bits are given for a tensor that is not quantized", name,
                  "name a model input or a layer's output after its activation");
  }
  return {};
}

}  // namespace

std::int32_t grid_exponent(Function f, unsigned bits) {
  return static_cast<std::int32_t>(bits) - (f == Function::sigmoid ? 4 : 3);
}

Result<Scales> choose_scales(const Draft& draft, const std::vector<TensorStatistics>& statistics,
                             const QuantizeOptions& options) {
  DSPERSE_CHECK_OK(check_options(draft, options));
  const Program& p = draft.program;
  const std::size_t n = p.tensors.size();
  Groups groups(n);
  for (const auto& op : p.ops)
    if (op_requant(op) == nullptr && keeps_exponent(op))
      for (const auto x : op_inputs(op)) groups.join(x, op_output(op));

  std::vector<Group> of(n);
  for (TensorId t = 0; t < n; ++t) {
    Group& g = of[groups.root(t)];
    const auto bits = options.tensor_bits.find(draft.tensors[t].source);
    g.bits = std::max(g.bits, bits == options.tensor_bits.end() ? options.activation_bits : bits->second);
    g.statistics.merge(statistics[t]);
    g.integers = g.integers || draft.tensors[t].integers;
    ++g.members;
  }
  for (const auto& op : p.ops)
    if (const auto* m = std::get_if<Softmax>(&op.body)) {
      Group &x = of[groups.root(m->x)], &y = of[groups.root(m->y)];
      x.bits = std::max(x.bits, kScoreBits), x.most = kScoreExponent;
      y.bits = std::max(y.bits, kProbabilityBits);
    }
  for (const auto t : p.outputs) of[groups.root(t)].output = true;
  for (const auto t : p.inputs) {
    Group& g = of[groups.root(t)];
    g.others = true;
    g.limit = std::max(g.limit, statistics[t].largest());
  }
  for (std::size_t i = 0; i < p.ops.size(); ++i) {
    if (op_requant(p.ops[i]) == nullptr) continue;
    Group& g = of[groups.root(op_output(p.ops[i]))];
    const bool shares = std::holds_alternative<Softmax>(p.ops[i].body) && draft.activations[i].f == Function::identity;
    (is_grid(draft.activations[i].f) || shares ? g.grid : g.others) = true;  // shares: like a sigmoid, from 0 to 1
    g.limit = std::max(g.limit, shares ? 1 : largest_of(draft.activations[i]));
    if (const RealActivation& a = draft.activations[i]; a.f == Function::leaky_relu)
      g.most = std::min(g.most, leaky_exponent(statistics[op_output(p.ops[i])], a.alpha, g.bits));
  }

  Scales s{std::vector<std::int32_t>(n), std::vector<unsigned>(n)};
  for (TensorId t = 0; t < n; ++t) {
    Group& g = of[groups.root(t)];
    if (groups.root(t) == t && g.integers) {
      DSPERSE_TRY(g.bits, integer_bits(g, draft.tensors[t].source));
    }
    s.bits[t] = g.bits;
    if (groups.root(t) != t)
      s.exponent[t] = s.exponent[groups.root(t)];
    else {
      DSPERSE_TRY(s.exponent[t], exponent_of(g, draft.tensors[t].source));
    }
  }
  const auto alone = [&](TensorId t) { return of[groups.root(t)].members == 1; };
  keep_means_fine(draft, alone, s);
  spare_remainders_of_sums(draft, alone, s);
  return s;
}

}  // namespace dsperse::quantize
