#include "dsperse/run/testing/slow_run.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "dsperse/quantize/table.h"

namespace dsperse::run::testing {
namespace {

using namespace quantize;  // NOLINT: this file speaks of nothing else

/// Row-major index of a position.
template <class Position>
std::int64_t flat_index(const Shape& shape, const Position& at) {
  std::int64_t i = 0;
  auto d = shape.begin();
  for (const std::int64_t k : at) i = i * *d++ + k;
  return i;
}
std::int64_t flat_index(const Shape& shape, std::initializer_list<std::int64_t> at) {
  return flat_index<std::initializer_list<std::int64_t>>(shape, at);
}

/// Calls f(position) for every position of the shape, in row-major order.
template <class F>
void for_each(const Shape& shape, F f) {
  std::vector<std::int64_t> at(shape.size(), 0);
  for (std::int64_t i = 0; i < elements(shape); ++i) {
    std::int64_t rest = i;
    for (std::size_t k = shape.size(); k-- > 0; rest /= shape[k]) at[k] = rest % shape[k];
    f(at);
  }
}

class Interpreter {
 public:
  Interpreter(const Program& program, const WeightStore& weights, TensorStore& trace) : p_(program), w_(weights), t_(trace) {}

  /// Saturated elements of the op.
  std::uint64_t run(const Op& op) {
    saturated_ = 0;
    t_[op_output(op)].assign(static_cast<std::size_t>(elements(p_.tensors[op_output(op)].shape)), 0);
    std::visit([this](const auto& body) { apply(body); }, op.body);
    return saturated_;
  }

 private:
  std::int64_t tensor(TensorId id, std::initializer_list<std::int64_t> at) const {
    return tensor(id, flat_index(p_.tensors[id].shape, at));
  }
  std::int64_t tensor(TensorId id, std::int64_t i) const { return t_[id][static_cast<std::size_t>(i)]; }
  std::int64_t weight(WeightId id, std::int64_t i) const { return w_[id].at(static_cast<std::size_t>(i)); }

  void set(TensorId y, std::int64_t i, std::int64_t value) {
    t_[y][static_cast<std::size_t>(i)] = static_cast<std::int32_t>(value);
  }

  /// y[i] = activation(clamp(round(acc 2^-s))).
  void finish(const Requant& r, TensorId y, std::int64_t i, std::int64_t acc) {
    const std::int64_t channel = i % p_.tensors[y].shape.back();
    const std::int32_t s = r.shift.size() == 1 ? r.shift[0] : r.shift[static_cast<std::size_t>(channel)];
    std::int64_t v = 0;
    if (s >= 1)
      v = (acc + (std::int64_t{1} << (s - 1))) >> s;  // arithmetic: floor
    else
      v = acc * (std::int64_t{1} << -s);
    const std::int64_t c = std::int64_t{1} << r.clamp_bits;
    if (v < -c || v > c - 1) ++saturated_;
    set(y, i, activate(r.activation, std::clamp(v, -c, c - 1)));
  }

  template <class O>
  void apply(const O&) {}

  void apply(const Conv& op) {
    const Shape &x = p_.tensors[op.x].shape, &y = p_.tensors[op.y].shape, &w = p_.weights[op.w].shape;
    for_each(y, [&](const std::vector<std::int64_t>& at) {
      const std::int64_t o = at[3], group = o / (y[3] / op.groups);
      std::int64_t acc = op.bias ? weight(*op.bias, o) : 0;
      for (std::int64_t ky = 0; ky < w[1]; ++ky)
        for (std::int64_t kx = 0; kx < w[2]; ++kx)
          for (std::int64_t ci = 0; ci < w[3]; ++ci) {
            const std::int64_t iy = at[1] * op.window.stride[0] + ky * op.window.dilation[0] - op.window.pad_begin[0];
            const std::int64_t ix = at[2] * op.window.stride[1] + kx * op.window.dilation[1] - op.window.pad_begin[1];
            if (iy < 0 || iy >= x[1] || ix < 0 || ix >= x[2]) continue;  // zero padding
            acc += tensor(op.x, {at[0], iy, ix, group * w[3] + ci}) * weight(op.w, flat_index(w, {o, ky, kx, ci}));
          }
      finish(op.requant, op.y, flat_index(y, at), acc);
    });
  }

  void apply(const Gemm& op) {
    const std::int64_t outputs = p_.weights[op.w].shape[0], inner = p_.weights[op.w].shape[1];
    const std::int64_t rows = elements(p_.tensors[op.x].shape) / inner;
    for (std::int64_t m = 0; m < rows; ++m)
      for (std::int64_t o = 0; o < outputs; ++o) {
        std::int64_t acc = op.bias ? weight(*op.bias, o) : 0;
        for (std::int64_t k = 0; k < inner; ++k) acc += tensor(op.x, m * inner + k) * weight(op.w, o * inner + k);
        finish(op.requant, op.y, m * outputs + o, acc);
      }
  }

  void apply(const Sum& op) {
    const Shape& y = p_.tensors[op.y].shape;
    for_each(y, [&](const std::vector<std::int64_t>& at) {
      std::int64_t acc = 0;
      for (const Sum::Term& term : op.terms) {
        const Shape& shape = term.is_weight ? p_.weights[term.id].shape : p_.tensors[term.id].shape;
        std::vector<std::int64_t> own(at.end() - static_cast<std::ptrdiff_t>(shape.size()), at.end());  // right-aligned
        for (std::size_t k = 0; k < own.size(); ++k)
          if (shape[k] == 1) own[k] = 0;
        const std::int64_t i = flat_index(shape, own);
        acc += term.coef * (term.is_weight ? weight(term.id, i) : tensor(term.id, i));
      }
      finish(op.requant, op.y, flat_index(y, at), acc);
    });
  }

  void apply(const AveragePool& op) {
    const Shape &x = p_.tensors[op.x].shape, &y = p_.tensors[op.y].shape;
    const Window& w = op.window;
    for_each(y, [&](const std::vector<std::int64_t>& at) {
      std::int64_t sum = 0, n = 0;
      for (std::int64_t ky = 0; ky < w.kernel[0]; ++ky)
        for (std::int64_t kx = 0; kx < w.kernel[1]; ++kx) {
          const std::int64_t iy = at[1] * w.stride[0] + ky * w.dilation[0] - w.pad_begin[0];
          const std::int64_t ix = at[2] * w.stride[1] + kx * w.dilation[1] - w.pad_begin[1];
          const bool inside = iy >= 0 && iy < x[1] && ix >= 0 && ix < x[2];
          const bool declared = iy < x[1] + op.counted_pad_end[0] && ix < x[2] + op.counted_pad_end[1];
          if (inside) sum += tensor(op.x, {at[0], iy, ix, at[3]});
          if (op.count_include_pad ? declared : inside) ++n;
        }
      finish(op.requant, op.y, flat_index(y, at), average_multiplier(n) * sum);
    });
  }

  void apply(const MaxPool& op) {
    const Shape &x = p_.tensors[op.x].shape, &y = p_.tensors[op.y].shape;
    const Window& w = op.window;
    for_each(y, [&](const std::vector<std::int64_t>& at) {
      bool any = false;
      std::int64_t best = 0;
      for (std::int64_t ky = 0; ky < w.kernel[0]; ++ky)
        for (std::int64_t kx = 0; kx < w.kernel[1]; ++kx) {
          const std::int64_t iy = at[1] * w.stride[0] + ky * w.dilation[0] - w.pad_begin[0];
          const std::int64_t ix = at[2] * w.stride[1] + kx * w.dilation[1] - w.pad_begin[1];
          if (iy < 0 || iy >= x[1] || ix < 0 || ix >= x[2]) continue;
          const std::int64_t value = tensor(op.x, {at[0], iy, ix, at[3]});
          best = any ? std::max(best, value) : value;
          any = true;
        }
      set(op.y, flat_index(y, at), best);
    });
  }

  /// Whether entry i of row r counts.
  static bool counts(const Softmax& op, std::int64_t r, std::int64_t i) {
    return op.visible.empty() || op.visible[static_cast<std::size_t>(r % op.mask_rows * op.n + i)] != 0;
  }

  void apply(const Extreme& op) {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.x].shape) / op.n; ++r) {
      std::vector<std::int64_t> row;
      for (std::int64_t i = 0; i < op.n; ++i) row.push_back(tensor(op.x, r * op.n + i) * (op.minimum ? -1 : 1));
      const std::int64_t best = *std::max_element(row.begin(), row.end());
      const auto first = std::find(row.begin(), row.end(), best) - row.begin();
      const auto last = op.n - 1 - (std::find(row.rbegin(), row.rend(), best) - row.rbegin());
      set(op.y, r, !op.index ? (op.minimum ? -best : best) : op.last ? last : first);
    }
  }

  void apply(const Softmax& op) {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.x].shape) / op.n; ++r) {
      std::int64_t top = std::numeric_limits<std::int64_t>::min(), sum = 0;
      for (std::int64_t i = 0; i < op.n; ++i)
        if (counts(op, r, i)) top = std::max(top, tensor(op.x, r * op.n + i));
      std::vector<std::int64_t> e;
      for (std::int64_t i = 0; i < op.n; ++i) {
        const auto z = static_cast<std::size_t>(top - tensor(op.x, r * op.n + i));
        e.push_back(!counts(op, r, i) ? 0 : op.exp_table[std::min(z, op.exp_table.size() - 1)]);
        sum += e.back();
      }
      std::int64_t inverse = 0;  // the largest with inverse * sum <= 2^K, bit by bit
      for (std::int64_t bit = std::int64_t{1} << op.inverse_bits; bit != 0; bit /= 2)
        if (static_cast<__int128>(inverse + bit) * sum <= (static_cast<__int128>(1) << op.inverse_bits)) inverse += bit;
      for (std::int64_t i = 0; i < op.n; ++i) finish(op.requant, op.y, r * op.n + i, e[static_cast<std::size_t>(i)] * inverse);
    }
  }

  void apply(const Normalize& op) {
    const auto floor_of = [](std::int64_t a, std::int64_t b) { return (a - ((a % b) + b) % b) / b; };
    for (std::int64_t r = 0; r < elements(p_.tensors[op.x].shape) / op.n; ++r) {
      std::int64_t sum = 0, squares = 0;
      for (std::int64_t i = 0; i < op.n; ++i) sum += tensor(op.x, r * op.n + i);
      const std::int64_t mu = op.centered ? floor_of(2 * sum + op.n / 2, op.n) : 0;
      const auto c = [&](std::int64_t i) { return 2 * tensor(op.x, r * op.n + i) - mu; };
      for (std::int64_t i = 0; i < op.n; ++i) squares += c(i) * c(i);
      const __int128 v = squares / op.n + op.epsilon;
      std::int64_t d = 0;  // the largest with d^2 V <= 2^k, bit by bit
      for (std::int64_t bit = std::int64_t{1} << (op.root_bits / 2); bit != 0; bit /= 2)
        if (v * (d + bit) * (d + bit) <= static_cast<__int128>(1) << op.root_bits) d += bit;
      for (std::int64_t i = 0; i < op.n; ++i)
        finish(op.requant, op.y, r * op.n + i,
               c(i) * (2 * d + 1) * (op.gamma ? weight(*op.gamma, i) : 1) + (op.beta ? weight(*op.beta, i) : 0));
    }
  }

  void apply(const Divide& op) {
    const Shape& y = p_.tensors[op.y].shape;
    for_each(y, [&](const std::vector<std::int64_t>& at) {
      const auto operand = [&](TensorId id) {
        const Shape& shape = p_.tensors[id].shape;
        std::vector<std::int64_t> own(at.end() - static_cast<std::ptrdiff_t>(shape.size()), at.end());
        for (std::size_t k = 0; k < shape.size(); ++k)
          if (shape[k] == 1) own[k] = 0;
        return tensor(id, flat_index(shape, own));
      };
      const std::int64_t a = operand(op.a) << op.shift, b = operand(op.b);
      std::int64_t q = a / b;  // toward zero; now to the nearest, halves up
      while (2 * (a - q * b) >= b) ++q;
      while (2 * (a - q * b) < -b) --q;
      finish(op.requant, op.y, flat_index(y, at), q);
    });
  }

  void apply(const OneHot& op) {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.x].shape); ++r)
      for (std::int64_t j = 0; j < op.depth; ++j) set(op.y, r * op.depth + j, tensor(op.x, r) == j ? 1 : 0);
  }

  void apply(const Rearrange& op) {
    for_each(op.y_axes, [&](const std::vector<std::int64_t>& letters) {
      std::int64_t value = op.fill;
      for (const Rearrange::Piece& piece : op.pieces) {
        std::vector<std::int64_t> at;
        bool covered = true;
        for (std::size_t k = 0; k < piece.maps.size(); ++k) {
          std::int64_t index = piece.maps[k].offset;
          for (const auto& [letter, coef] : piece.maps[k].parts) index += coef * letters[letter];
          covered = covered && index >= 0 && index < piece.x_axes[k];
          at.push_back(index);
        }
        if (covered) value = tensor(piece.x, flat_index(piece.x_axes, at));
      }
      set(op.y, flat_index(op.y_axes, letters), value);
    });
  }

  /// Flat index that the maps give at these letters, or -1 outside.
  static std::int64_t mapped(const Shape& axes, const std::vector<AxisMap>& maps, const std::vector<std::int64_t>& letters) {
    std::vector<std::int64_t> at;
    bool inside = true;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      std::int64_t index = maps[k].offset;
      for (const auto& [letter, coef] : maps[k].parts) index += coef * letters[letter];
      inside = inside && index >= 0 && index < axes[k];
      at.push_back(index);
    }
    return inside ? flat_index(axes, at) : -1;
  }

  /// Sums of term(letters) over all letters but the kept ones, finished.
  template <class Op, class F>
  void contract(const Op& op, F term) {
    std::vector<std::int64_t> acc(static_cast<std::size_t>(elements(p_.tensors[op.y].shape)), 0);
    const Shape kept(op.letters.begin(), op.letters.begin() + op.kept);
    for_each(op.letters, [&](const std::vector<std::int64_t>& letters) {
      const std::vector<std::int64_t> at(letters.begin(), letters.begin() + op.kept);
      acc[static_cast<std::size_t>(flat_index(kept, at))] += term(letters);
    });
    for (std::size_t i = 0; i < acc.size(); ++i) finish(op.requant, op.y, static_cast<std::int64_t>(i), acc[i]);
  }

  void apply(const Contract& op) {
    const auto factor = [&](const Contract::Factor& f, const std::vector<std::int64_t>& letters) -> std::int64_t {
      const std::int64_t i = mapped(f.axes, f.maps, letters);
      return i < 0 ? 0 : f.is_weight ? weight(f.id, i) : tensor(f.id, i);
    };
    contract(op, [&](const auto& letters) { return factor(op.a, letters) * factor(op.b, letters); });
  }

  void apply(const Reduce& op) {
    contract(op, [&](const auto& letters) {
      const std::int64_t i = mapped(op.axes, op.maps, letters);
      return i < 0 ? 0 : op.coef * tensor(op.x, i);
    });
  }

  const Program& p_;
  const WeightStore& w_;
  TensorStore& t_;
  std::uint64_t saturated_ = 0;
};

std::unexpected<Error> bad(const std::string& what, const std::string& where) { return fail(ErrorKind::bad_input, what, where); }

Status check(const Program& program, const WeightStore& weights, const TensorStore& trace) {
  if (weights.size() != program.weights.size()) return bad("wrong number of weights", {});
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const WeightSpec& spec = program.weights[w];
    if (weights[w].size() != static_cast<std::size_t>(elements(spec.shape))) return bad("weight has a wrong size", spec.name);
    for (std::size_t i = 0; i < weights[w].size(); ++i)
      if (weights[w].at(i) < -spec.max_abs || weights[w].at(i) > spec.max_abs) return bad("weight exceeds max_abs", spec.name);
  }
  for (const TensorId id : program.inputs) {
    const TensorSpec& spec = program.tensors[id];
    if (id >= trace.size() || trace[id].size() != static_cast<std::size_t>(elements(spec.shape)))
      return bad("input has a wrong size", spec.name);
    for (const auto q : trace[id])
      if (q < spec.lo || q > spec.hi) return bad("input outside of its range", spec.name);
  }
  return {};
}

}  // namespace

Status slow_run(const Program& program, const WeightStore& weights, TensorStore& trace, std::vector<std::uint64_t>* saturated) {
  DSPERSE_CHECK_OK(check(program, weights, trace));
  trace.resize(program.tensors.size());
  if (saturated != nullptr) saturated->clear();
  Interpreter interpreter(program, weights, trace);
  for (const Op& op : program.ops) {
    const std::uint64_t n = interpreter.run(op);
    if (saturated != nullptr) saturated->push_back(n);
  }
  return {};
}

}  // namespace dsperse::run::testing
