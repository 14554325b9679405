#include "dsperse/quantize/finish.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/finish_rows.h"
#include "dsperse/quantize/finish_table.h"
#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/rounding.h"
#include "dsperse/quantize/table.h"

namespace dsperse::quantize {
namespace {

/// No shift of a convolution or matrix product needs more: 2^-24 of an output step is far below any rounding.
constexpr std::int32_t kLongestShift = 24;
/// Bits of one remainder lookup (relation::Options::limb_bits).
constexpr std::int32_t kLimbBits = 8;
/// Weight exponents may be lowered to save a lookup while the noise that this adds stays below this part of an output step (RMS).
constexpr double kWeightNoise = 0.2;

std::int64_t top_of(unsigned bits) { return (std::int64_t{1} << (bits - 1)) - 1; }

std::int64_t rounded(double x, std::int32_t exponent) { return std::llround(std::ldexp(x, exponent)); }

/// Smallest 2^(4 k) - 1 >= m: says little about the values below it.
std::int64_t coarse_bound(std::int64_t m) {
  std::int64_t bound = 15;
  while (bound < m) bound = bound * 16 + 15;
  return bound;
}

class Finisher {
 public:
  Finisher(Draft& draft, const Scales& scales, const Calibration& calibration, const QuantizeOptions& options)
      : draft_(draft),
        scales_(scales),
        statistics_(calibration.tensors),
        tables_(calibration.tables),
        options_(options),
        p_(draft.program),
        store_(draft.weights.size()) {}

  Result<Finished> run() {
    for (TensorId t = 0; t < p_.tensors.size(); ++t) {
      p_.tensors[t].exponent = scales_.exponent[t];
      p_.tensors[t].hi = top_of(scales_.bits[t]);
      p_.tensors[t].lo = -p_.tensors[t].hi;
    }
    // Inputs of integers are not clamped but refused beyond their range (quantize/io.h): it is never that of a float.
    for (const TensorId t : p_.inputs) {
      const Origin& origin = draft_.tensors[t];
      if (!origin.integers) continue;
      p_.tensors[t].lo = std::max(p_.tensors[t].lo + 1, origin.lo);
      p_.tensors[t].hi = std::min(p_.tensors[t].hi, origin.hi);
    }
    for (index_ = 0; index_ < p_.ops.size(); ++index_) {
      Op& op = p_.ops[index_];
      if (auto s = std::visit([this](auto& body) { return one(body); }, op.body); !s)
        return std::unexpected(std::move(s).error().within(op.name));
      DSPERSE_TRY(const auto bound, accumulator_bound(p_, op));
      if (const Requant* r = op_requant(op); r != nullptr && rounded_bound(*r, bound) >= kAccumulatorLimit)
        return fail(ErrorKind::unsupported, "the scaled accumulator could reach 2^61", op.name,
                    "its inputs and outputs differ too much in size");
    }
    if (auto s = check_program(p_); !s)
      return fail(ErrorKind::unsupported, s.error().what, s.error().where, "the model is beyond a limit of the integer program");
    return Finished{std::move(p_), std::move(store_)};
  }

 private:
  [[nodiscard]] std::int32_t exponent(TensorId t) const { return scales_.exponent[t]; }

  /// Activation and clamp of an op that makes y, and y's range; returns the exponent at which the rounded accumulator is.
  /// exact: exponent at which the accumulator is an integer, where known; bound: its largest magnitude there.
  Result<std::int32_t> activate_into(TensorId y, Requant& r, std::optional<std::int32_t> exact = {}, std::int64_t bound = 0) {
    const RealActivation& real = draft_.activations[index_];
    const std::int32_t e = exponent(y);
    const std::int64_t top = top_of(scales_.bits[y]);
    Activation& a = r.activation;
    r.clamp_bits = scales_.bits[y] - 1;
    a = {real.f, is_grid(real.f) ? grid_exponent(real.f, scales_.bits[y]) : e, e, -top, top, 0, 0};
    switch (real.f) {
      case Function::identity:
        break;
      case Function::relu:
        a.lo = 0;
        break;
      case Function::leaky_relu:
        if (!(real.alpha >= 0 && real.alpha <= 1))
          return fail(ErrorKind::unsupported, "the slope " + std::to_string(real.alpha) + " is not in [0, 1]");
        a.a = rounded(real.alpha, 24);
        a.lo = activate(a, -top - 1);
        break;
      case Function::clip:
        if (!(real.lo <= real.hi)) return fail(ErrorKind::unsupported, "the clip's ends are out of order");
        // Compared as reals first: an end may be infinite.
        a.lo = a.a = real.lo <= std::ldexp(static_cast<double>(-top), -e) ? -top : std::min(top, rounded(real.lo, e));
        a.hi = a.b = real.hi >= std::ldexp(static_cast<double>(top), -e) ? top : std::max(-top, rounded(real.hi, e));
        break;
      case Function::sigmoid:
        a.lo = 0;
        [[fallthrough]];
      case Function::tanh:
        a.hi = std::min(top, std::int64_t{1} << e);
        if (real.f == Function::tanh) a.lo = -a.hi;
        break;
      case Function::table: {
        TableInput input{reach(tables_[index_]), exact};
        if (real.integers) {
          input.exact = 0;
          if (bound > 0) input.largest = static_cast<double>(bound);
        }
        DSPERSE_TRY(const Grid grid, choose_grid(real, input, e, std::max(scales_.bits[y], options_.activation_bits)));
        a.in_exponent = grid.exponent;
        r.clamp_bits = grid.bits - 1;
        sample_table(real, grid, top, a);
        break;
      }
    }
    p_.tensors[y].lo = a.lo;
    p_.tensors[y].hi = a.hi;
    return a.in_exponent;
  }

  static void set_shifts(Requant& r, std::vector<std::int32_t> shift) {
    if (std::all_of(shift.begin(), shift.end(), [&](auto s) { return s == shift[0]; })) shift.resize(1);
    r.shift = std::move(shift);
  }

  /// Largest shift worth its lookups for a sum of `inner` products of x.
  [[nodiscard]] std::int32_t longest_shift(TensorId x, std::int64_t inner) const {
    const double q = std::ldexp(statistics_[x].mean_square(), 2 * exponent(x));
    for (std::int32_t s = kLimbBits; s < kLongestShift; s += kLimbBits)
      if (std::ldexp(std::sqrt(static_cast<double>(inner) / 12 * q), -s) <= kWeightNoise) return s;
    return kLongestShift;
  }

  /// Weights, biases and shifts of Conv and Gemm.
  template <class Linear>
  Status linear(Linear& op) {
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(op.y, op.requant));
    WeightSpec& spec = p_.weights[op.w];
    const auto outputs = static_cast<std::size_t>(spec.shape[0]);
    const auto& real = draft_.weights[op.w];
    const std::size_t inner = real.size() / outputs;
    spec.max_abs = top_of(options_.weight_bits);
    const std::int32_t most = v_exponent - exponent(op.x) + longest_shift(op.x, static_cast<std::int64_t>(inner));
    const std::int32_t least = v_exponent - exponent(op.x) + kMinShift;

    std::vector<std::int32_t> e(outputs);
    constexpr std::int32_t kAny = 1000;  // a channel of zeros
    for (std::size_t o = 0; o < outputs; ++o) {
      double largest = 0;
      for (std::size_t k = o * inner; k < (o + 1) * inner; ++k)
        largest = std::max(largest, std::fabs(static_cast<double>(real[k])));
      e[o] = std::min(most, fitting_exponent(largest, static_cast<double>(spec.max_abs), kAny));
      if (op.bias) {
        const double b = std::fabs(static_cast<double>(draft_.weights[*op.bias][o]));
        e[o] = std::min(e[o], fitting_exponent(b, static_cast<double>(kMaxWeight), kAny) - exponent(op.x));
      }
      if (e[o] < least)
        return fail(ErrorKind::unsupported,
                    "weights or biases of channel " + std::to_string(o) + " are too large for this output's range", {},
                    "calibrate with data of the size that the model sees");
    }
    if (!options_.per_channel) std::fill(e.begin(), e.end(), *std::min_element(e.begin(), e.end()));

    auto& w = store_[op.w].narrow;
    w.resize(real.size());
    std::vector<std::int32_t> shift(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      const double scale = std::ldexp(1.0, e[o]);  // a power of two: the product is exact
      for (std::size_t k = o * inner; k < (o + 1) * inner; ++k)
        w[k] = static_cast<std::int16_t>(round_away(static_cast<double>(real[k]) * scale));
      shift[o] = exponent(op.x) + e[o] - v_exponent;
    }
    std::vector<float>().swap(draft_.weights[op.w]);
    if (op.bias) {
      std::vector<std::int64_t> b(outputs);
      for (std::size_t o = 0; o < outputs; ++o)
        b[o] = rounded(static_cast<double>(draft_.weights[*op.bias][o]), exponent(op.x) + e[o]);
      DSPERSE_CHECK_OK(put(*op.bias, std::move(b)));
    }
    set_shifts(op.requant, std::move(shift));
    return {};
  }

  Status put(WeightId id, std::vector<std::int64_t> values) {
    std::int64_t largest = 0;
    for (const auto v : values) largest = std::max(largest, std::abs(v));
    if (largest > kMaxWeight)
      return fail(ErrorKind::unsupported, "a constant is beyond 40 bits at this tensor's scale", p_.weights[id].name);
    p_.weights[id].max_abs = coarse_bound(largest);
    if (p_.weights[id].max_abs <= kMaxNarrowWeight)
      store_[id].narrow.assign(values.begin(), values.end());
    else
      store_[id].wide = std::move(values);
    return {};
  }

  template <class O>
  Status one(O&) {
    return fail(ErrorKind::unsupported, "has no integer form yet");
  }
  Status one(Conv& c) { return linear(c); }
  Status one(Gemm& g) { return linear(g); }

  /// Integers that an op makes without rounding lie in [low, high]: their range says so, and what reads them has smaller bounds.
  void tighten(TensorId y, Requant& r, std::int64_t low, std::int64_t high) {
    Activation& a = r.activation;
    if (!draft_.tensors[y].integers || a.f != Function::identity || r.shift != std::vector<std::int32_t>{0}) return;
    p_.tensors[y].lo = a.lo = std::clamp(low, a.lo, a.hi);
    p_.tensors[y].hi = a.hi = std::clamp(high, a.lo, a.hi);
  }

  /// Shift of an accumulator at exponent e, counted 2^power times.
  [[nodiscard]] Status shift_to(Requant& r, std::int32_t e, std::int32_t v_exponent) const {
    const std::int32_t s = e - draft_.powers[index_] - v_exponent;
    if (s < kMinShift || s > kMaxShift)
      return fail(ErrorKind::unsupported, "its inputs and its output differ too much in scale", {},
                  "calibrate with data of the size that the model sees");
    r.shift = {s};
    return {};
  }

  /// One exponent for a weight factor; the other factor is x.
  Result<std::int32_t> weight_factor(WeightId id, TensorId x, std::int64_t summed, std::int32_t v_exponent) {
    const auto& real = draft_.weights[id];
    double largest = 0;
    for (const float w : real) largest = std::max(largest, std::fabs(static_cast<double>(w)));
    WeightSpec& spec = p_.weights[id];
    spec.max_abs = top_of(options_.weight_bits);
    const std::int32_t most = v_exponent + draft_.powers[index_] - exponent(x) + longest_shift(x, summed);
    const std::int32_t e = std::min(most, fitting_exponent(largest, static_cast<double>(spec.max_abs), most));
    const double scale = std::ldexp(1.0, e);
    auto& w = store_[id].narrow;
    w.resize(real.size());
    for (std::size_t k = 0; k < w.size(); ++k) w[k] = static_cast<std::int16_t>(round_away(static_cast<double>(real[k]) * scale));
    std::vector<float>().swap(draft_.weights[id]);
    return e;
  }

  Status one(Contract& c) {
    const std::int64_t summed = elements({c.letters.begin() + c.kept, c.letters.end()});
    std::optional<std::int32_t> exact;
    if (!c.a.is_weight && !c.b.is_weight) exact = exponent(c.a.id) + exponent(c.b.id) - draft_.powers[index_];
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(c.y, c.requant, exact));
    std::int32_t e = 0;
    for (const auto& [f, other] : {std::pair(&c.a, &c.b), std::pair(&c.b, &c.a)}) {
      if (f->is_weight) {
        DSPERSE_TRY(const std::int32_t own, weight_factor(f->id, other->id, summed, v_exponent));
        e += own;
      } else {
        e += exponent(f->id);
      }
    }
    DSPERSE_CHECK_OK(shift_to(c.requant, e, v_exponent));
    if (c.a.is_weight || c.b.is_weight) return {};
    const TensorSpec &a = p_.tensors[c.a.id], &b = p_.tensors[c.b.id];
    const auto [low, high] = std::minmax({a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi});
    tighten(c.y, c.requant, std::max(low, -kMaxValue) * std::min(summed, kMaxValue),
            std::min(high, kMaxValue) * std::min(summed, kMaxValue));
    return {};
  }

  Status one(Reduce& r) {
    const std::int32_t power = draft_.powers[index_];
    std::int32_t e = exponent(r.x);
    if (r.coef == 0) {  // the fewest bits that are off by no more than a part in 2048
      const std::int64_t n = elements({r.letters.begin() + r.kept, r.letters.end()});
      std::int32_t bits = 0;
      const auto multiplier = [&] { return ((std::int64_t{2} << bits) + n) / (2 * n); };
      const auto off = [&] { return std::abs(multiplier() * n - (std::int64_t{1} << bits)); };
      while (multiplier() == 0 || off() > (std::int64_t{1} << bits) / 2048) ++bits;
      r.coef = multiplier();
      e += bits;
    }
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(r.y, r.requant, e - power));
    return shift_to(r.requant, e, v_exponent);
  }

  Status one(Sum& s) {
    std::int32_t e = std::numeric_limits<std::int32_t>::min();
    for (const auto& t : s.terms)
      if (!t.is_weight) e = std::max(e, exponent(t.id));
    const std::int32_t power = draft_.powers[index_];
    std::int64_t bound = 0;  // of what a table of integers meets
    for (const auto& t : s.terms) {
      double most = 0;
      if (t.is_weight)
        for (const float w : draft_.weights[t.id]) most = std::max(most, std::fabs(static_cast<double>(w)));
      else
        most = static_cast<double>(std::max(std::abs(p_.tensors[t.id].lo), std::abs(p_.tensors[t.id].hi)));
      bound += static_cast<std::int64_t>(std::min(most, 0x1p20)) * std::min<std::int64_t>(std::abs(t.coef), 1 << 20);
    }
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(s.y, s.requant, e - power, bound));
    e = std::max(e, v_exponent);
    for (auto& t : s.terms) {
      if (t.is_weight) {
        const auto& real = draft_.weights[t.id];
        std::vector<std::int64_t> values(real.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          const double scaled = std::ldexp(static_cast<double>(real[i]), e);
          if (std::fabs(scaled) > static_cast<double>(kMaxWeight))
            return fail(ErrorKind::unsupported, "a constant is beyond 40 bits at this tensor's scale", p_.weights[t.id].name);
          values[i] = std::llround(scaled);
        }
        DSPERSE_CHECK_OK(put(t.id, std::move(values)));
      } else if (e - exponent(t.id) >= 40) {
        return fail(ErrorKind::unsupported, "operands differ by more than 2^40 in scale", p_.tensors[t.id].name);
      } else {
        t.coef *= std::int64_t{1} << (e - exponent(t.id));
      }
    }
    DSPERSE_CHECK_OK(shift_to(s.requant, e, v_exponent));
    std::int64_t low = 0, high = 0;
    for (const auto& t : s.terms) {
      if (t.is_weight || std::abs(t.coef) > kMaxValue) return {};
      const auto [a, b] = std::minmax({t.coef * p_.tensors[t.id].lo, t.coef * p_.tensors[t.id].hi});
      low += a, high += b;
    }
    tighten(s.y, s.requant, low, high);
    return {};
  }

  Status one(AveragePool& a) {
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(a.y, a.requant));
    const std::int32_t s = exponent(a.x) + static_cast<std::int32_t>(AveragePool::kAverageBits) - v_exponent;
    if (s < kMinShift || s > kMaxShift)
      return fail(ErrorKind::unsupported, "the mean and what it averages differ too much in scale");
    a.requant.shift = {s};
    return {};
  }

  Status one(MaxPool& m) {
    p_.tensors[m.y].lo = p_.tensors[m.x].lo;
    p_.tensors[m.y].hi = p_.tensors[m.x].hi;
    return {};
  }

  Status one(Rearrange& r) {
    const std::int64_t top = top_of(scales_.bits[r.y]);
    const double fill = std::ldexp(draft_.fills[index_], exponent(r.y));
    r.fill = std::llround(std::clamp(fill, static_cast<double>(-top), static_cast<double>(top)));
    TensorSpec& y = p_.tensors[r.y];
    y.lo = y.hi = r.fill;
    for (const auto& piece : r.pieces) {
      y.lo = std::min(y.lo, p_.tensors[piece.x].lo);
      y.hi = std::max(y.hi, p_.tensors[piece.x].hi);
    }
    return {};
  }

  Status one(Extreme& e) {
    p_.tensors[e.y].lo = e.index ? 0 : p_.tensors[e.x].lo;
    p_.tensors[e.y].hi = e.index ? e.n - 1 : p_.tensors[e.x].hi;
    return {};
  }

  Status one(Softmax& m) {
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(m.y, m.requant));
    TensorSpec& y = p_.tensors[m.y];
    const bool plain = draft_.activations[index_].f == Function::identity;
    if (plain && v_exponent >= 0 && v_exponent < 16) {  // 1 is a value
      m.requant.activation.lo = y.lo = 0;
      m.requant.activation.hi = y.hi = std::int64_t{1} << v_exponent;
      m.requant.clamp_bits = static_cast<std::uint32_t>(v_exponent) + 1;
    }
    return finish_softmax(p_.tensors[m.x], v_exponent, m);
  }

  Status one(Normalize& m) {
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(m.y, m.requant));
    DSPERSE_TRY(const NormalNumbers n, finish_normalize(p_, statistics_[m.x].mean_square(), draft_.fills[index_], m));
    std::int32_t e = 0;
    if (m.gamma) {
      const auto& real = draft_.weights[*m.gamma];
      double largest = 0, shift = 0;
      for (const float g : real) largest = std::max(largest, std::fabs(static_cast<double>(g)));
      for (std::size_t i = 0; m.beta && i < real.size(); ++i)
        shift = std::max(shift, std::fabs(static_cast<double>(draft_.weights[*m.beta][i])));
      p_.weights[*m.gamma].max_abs = top_of(options_.weight_bits);
      e = std::min(fitting_exponent(largest, static_cast<double>(top_of(options_.weight_bits)), 0),
                   fitting_exponent(shift, static_cast<double>(kMaxWeight), 1000) - n.exponent);
      for (const float g : real) store_[*m.gamma].narrow.push_back(static_cast<std::int16_t>(rounded(static_cast<double>(g), e)));
    }
    if (m.beta) {
      std::vector<std::int64_t> values;
      for (const float b : draft_.weights[*m.beta]) {
        const double x = std::ldexp(static_cast<double>(b), n.exponent + e);
        if (std::fabs(x) > static_cast<double>(kMaxWeight))
          return fail(ErrorKind::unsupported, "a constant is beyond 40 bits at this tensor's scale", p_.weights[*m.beta].name);
        values.push_back(std::llround(x));
      }
      DSPERSE_CHECK_OK(put(*m.beta, std::move(values)));
    }
    m.requant.shift = {n.exponent + e - v_exponent};
    if (m.requant.shift[0] < kMinShift || m.requant.shift[0] > kMaxShift)
      return fail(ErrorKind::unsupported, "the scale and the result differ too much in size");
    return {};
  }

  Status one(Divide& d) {
    DSPERSE_TRY(const std::int32_t v_exponent, activate_into(d.y, d.requant));
    const std::int32_t s = v_exponent + exponent(d.b) - exponent(d.a);
    d.shift = std::max(s, 0);
    d.requant.shift = {std::max(-s, 0)};
    if (d.shift > kMaxQuotientShift || d.requant.shift[0] > kMaxShift)
      return fail(ErrorKind::unsupported, "dividend, divisor and quotient differ too much in scale");
    // The divisor is at least one step; more where quotients would otherwise pass the clamp more than 2^17 times.
    const TensorSpec& a = p_.tensors[d.a];
    const std::int64_t top = std::max(std::abs(a.lo), std::abs(a.hi)) << d.shift;
    return raise(d.b,
                 std::max<std::int64_t>(1, top >> (d.requant.shift[0] + static_cast<std::int32_t>(d.requant.clamp_bits) + 17)),
                 p_.tensors[d.b].hi);
  }

  Status one(OneHot& h) {
    p_.tensors[h.y].lo = 0, p_.tensors[h.y].hi = 1;
    const TensorSpec& x = p_.tensors[h.x];
    return x.lo >= 0 && x.hi < h.depth ? Status() : raise(h.x, 0, std::min(x.hi, h.depth - 1));
  }

  /// Cuts the range of a tensor that an input of the model or an op that rounds makes.
  Status raise(TensorId t, std::int64_t lo, std::int64_t hi) {
    TensorSpec& spec = p_.tensors[t];
    lo = std::max(lo, spec.lo);
    if (lo > hi) return fail(ErrorKind::unsupported, "no value of an operand lies in its range", spec.name);
    spec.lo = lo, spec.hi = hi;
    for (Op& op : p_.ops) {
      if (op_output(op) != t) continue;
      auto* const r = const_cast<Requant*>(op_requant(op));
      if (r == nullptr) return fail(ErrorKind::internal, "an operand's range cannot be cut", spec.name);
      r->activation.lo = std::max(r->activation.lo, lo);
      r->activation.hi = std::min(r->activation.hi, hi);
      for (auto& v : r->activation.values)  // of a table
        v = static_cast<std::int32_t>(
            std::clamp<std::int64_t>(v, r->activation.lo, std::max(r->activation.lo, r->activation.hi)));
      if (r->activation.lo > r->activation.hi)
        return fail(ErrorKind::unsupported, "no value of an operand lies in its range", spec.name);
    }
    return {};
  }

  Draft& draft_;
  const Scales& scales_;
  const std::vector<TensorStatistics>& statistics_;
  const std::vector<TensorStatistics>& tables_;
  const QuantizeOptions& options_;
  Program p_;
  WeightStore store_;
  std::size_t index_ = 0;
};

}  // namespace

Result<Finished> finish(Draft& draft, const Scales& scales, const Calibration& calibration, const QuantizeOptions& options) {
  return Finisher(draft, scales, calibration, options).run();
}

}  // namespace dsperse::quantize
