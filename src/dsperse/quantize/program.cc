#include "dsperse/quantize/program.h"

#include <algorithm>
#include <limits>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/operands.h"
#include "dsperse/quantize/rows.h"

namespace dsperse::quantize {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

/// A sum of non-negative products that sticks at the largest int64 instead of wrapping.
class Magnitude {
 public:
  void add(std::int64_t a, std::int64_t b, std::int64_t c = 1) { value_ = plus(value_, times(times(a, b), c)); }
  [[nodiscard]] std::int64_t value() const { return value_; }

 private:
  static constexpr std::int64_t kTop = std::numeric_limits<std::int64_t>::max();
  static std::int64_t times(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    return __builtin_mul_overflow(a, b, &out) ? kTop : out;
  }
  static std::int64_t plus(std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    return __builtin_add_overflow(a, b, &out) ? kTop : out;
  }
  std::int64_t value_ = 0;
};

std::int64_t largest(const TensorSpec& t) { return std::max(std::abs(t.lo), std::abs(t.hi)); }

}  // namespace

std::int64_t elements(const Shape& shape) {
  std::int64_t n = 1;
  for (const auto d : shape) n *= d;
  return n;
}

std::vector<TensorId> op_inputs(const Op& op) {
  std::vector<TensorId> ids;
  each_operand(op.body, [&](TensorId id) { ids.push_back(id); }, [](WeightId) {});
  return ids;
}

TensorId op_output(const Op& op) {
  return visit_body([](const auto& o) { return o.y; }, op.body);
}

std::vector<WeightId> op_weights(const Op& op) {
  std::vector<WeightId> ids;
  each_operand(op.body, [](TensorId) {}, [&](WeightId id) { ids.push_back(id); });
  return ids;
}

const Requant* op_requant(const Op& op) {
  return visit_body(
      [](const auto& o) -> const Requant* {
        if constexpr (requires { o.requant; }) return &o.requant;
        return nullptr;
      },
      op.body);
}

std::uint64_t op_macs(const Program& program, const Op& op) {
  const auto linear = [&](const auto& o) {
    const Shape& w = program.weights[o.w].shape;
    return static_cast<std::uint64_t>(elements(program.tensors[o.y].shape)) * static_cast<std::uint64_t>(elements(w) / w[0]);
  };
  return visit_body(Overloaded{[&](const Conv& c) { return linear(c); }, [&](const Gemm& g) { return linear(g); },
                               [](const Contract& c) {
                                 std::uint64_t n = 1;
                                 for (const auto d : c.letters) n *= static_cast<std::uint64_t>(d);
                                 return n;
                               },
                               [](const auto&) { return std::uint64_t{0}; }},
                    op.body);
}

Result<std::int64_t> accumulator_bound(const Program& program, const Op& op) {
  Magnitude acc;
  const auto linear = [&](const auto& o) {
    const WeightSpec& w = program.weights[o.w];
    acc.add(largest(program.tensors[o.x]), w.max_abs, elements(w.shape) / w.shape[0]);
    if (o.bias) acc.add(program.weights[*o.bias].max_abs, 1);
  };
  const auto copied = [&](TensorId x) { acc.add(std::max<std::int64_t>(0, largest(program.tensors[x]) - acc.value()), 1); };
  visit_body(Overloaded{[&](const Conv& c) { linear(c); }, [&](const Gemm& g) { linear(g); },
                        [&](const Sum& s) {
                          for (const auto& t : s.terms)
                            acc.add(std::abs(t.coef),
                                    t.is_weight ? program.weights[t.id].max_abs : largest(program.tensors[t.id]));
                        },
                        [&](const AveragePool& p) {
                          // n round(2^k / n) <= 2^k + n / 2.
                          const std::int64_t n = p.window.kernel[0] * p.window.kernel[1];
                          acc.add(largest(program.tensors[p.x]), (std::int64_t{1} << AveragePool::kAverageBits) + (n + 1) / 2);
                        },
                        [&](const Contract& c) {
                          const auto factor = [&](const Contract::Factor& f) {
                            return f.is_weight ? program.weights[f.id].max_abs : largest(program.tensors[f.id]);
                          };
                          std::int64_t summed = 1;
                          for (std::size_t k = c.kept; k < c.letters.size(); ++k) summed *= c.letters[k];
                          acc.add(factor(c.a), factor(c.b), summed);
                        },
                        [&](const Reduce& r) {
                          std::int64_t summed = 1;
                          for (std::size_t k = r.kept; k < r.letters.size(); ++k) summed *= r.letters[k];
                          acc.add(largest(program.tensors[r.x]), std::abs(r.coef), summed);
                        },
                        [&](const Extreme& e) { copied(e.x); },
                        [&](const Softmax& m) { acc.add(std::int64_t{1} << m.inverse_bits, 1); },  // E inv <= sum E inv <= 2^K
                        [&](const Normalize& m) {
                          acc.add(normal_sizes(program, m).scaled_max, m.gamma ? program.weights[*m.gamma].max_abs : 1);
                          if (m.beta) acc.add(program.weights[*m.beta].max_abs, 1);
                        },
                        [&](const Divide& d) {
                          acc.add(largest(program.tensors[d.a]) / std::max<std::int64_t>(program.tensors[d.b].lo, 1) + 1,
                                  std::int64_t{1} << d.shift);
                          acc.add(1, 1);
                        },
                        [&](const OneHot&) { acc.add(1, 1); }, [&](const MaxPool& p) { copied(p.x); },
                        [&](const Rearrange& r) {
                          for (const auto& piece : r.pieces) copied(piece.x);
                        }},
             op.body);
  if (acc.value() >= kAccumulatorLimit)
    return fail(ErrorKind::unsupported, "the accumulator could reach 2^61", op.name, "lower the bits of its weights or inputs");
  return acc.value();
}

std::int64_t rounded_bound(const Requant& requant, std::int64_t acc_bound) {
  Magnitude top;
  for (const auto s : requant.shift) {
    Magnitude v;
    if (s >= 1) {
      v.add(acc_bound, 1);
      v.add(std::int64_t{1} << (s - 1), 1);
    } else {
      v.add(acc_bound, std::int64_t{1} << -s);
    }
    const std::int64_t rounded = s >= 1 ? v.value() >> s : v.value();
    if (rounded > top.value()) top.add(rounded - top.value(), 1);
  }
  return top.value();
}

}  // namespace dsperse::quantize
