#include "dsperse/run/testing/slow_run.h"

#include <algorithm>
#include <initializer_list>

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
