#include "dsperse/proof/testing/evaluate.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/table.h"
#include "dsperse/quantize/window.h"

namespace dsperse::proof::testing {
namespace {

using namespace quantize;  // NOLINT

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

class Evaluator {
 public:
  Evaluator(const Program& program, const WeightStore& weights, TensorStore& trace) : p_(program), w_(weights), t_(trace) {}

  template <class O>
  void operator()(const O&) const {}

  void operator()(const Conv& op) const {
    const Shape &x = p_.tensors[op.x].shape, &y = p_.tensors[op.y].shape, &w = p_.weights[op.w].shape;
    const std::int64_t outputs = y[3] / op.groups;
    std::size_t at = 0;
    for (std::int64_t n = 0; n < y[0]; ++n)
      for (std::int64_t oy = 0; oy < y[1]; ++oy)
        for (std::int64_t ox = 0; ox < y[2]; ++ox)
          for (std::int64_t o = 0; o < y[3]; ++o) {
            std::int64_t acc = bias(op.bias, o);
            for (std::int64_t ky = 0; ky < w[1]; ++ky)
              for (std::int64_t kx = 0; kx < w[2]; ++kx) {
                const std::int64_t iy = tap(op.window, 0, oy, ky), ix = tap(op.window, 1, ox, kx);
                if (iy < 0 || iy >= x[1] || ix < 0 || ix >= x[2]) continue;
                for (std::int64_t ci = 0; ci < w[3]; ++ci)
                  acc += t_[op.x][index(((n * x[1] + iy) * x[2] + ix) * x[3] + o / outputs * w[3] + ci)] *
                         w_[op.w].at(index(((o * w[1] + ky) * w[2] + kx) * w[3] + ci));
              }
            put(op.y, at++, op.requant, acc, o);
          }
  }

  void operator()(const Gemm& op) const {
    const Shape& w = p_.weights[op.w].shape;
    const std::int64_t rows = elements(p_.tensors[op.x].shape) / w[1];
    for (std::int64_t m = 0; m < rows; ++m)
      for (std::int64_t o = 0; o < w[0]; ++o) {
        std::int64_t acc = bias(op.bias, o);
        for (std::int64_t k = 0; k < w[1]; ++k) acc += t_[op.x][index(m * w[1] + k)] * w_[op.w].at(index(o * w[1] + k));
        put(op.y, index(m * w[0] + o), op.requant, acc, op.requant.shift.size() == 1 ? 0 : o);
      }
  }

  void operator()(const Sum& op) const {
    const Shape& y = p_.tensors[op.y].shape;
    for (std::int64_t i = 0; i < elements(y); ++i) {
      std::int64_t acc = 0;
      for (const Sum::Term& t : op.terms) {
        const Shape& shape = t.is_weight ? p_.weights[t.id].shape : p_.tensors[t.id].shape;
        std::int64_t at = 0, stride = 1, rest = i;
        for (std::size_t k = 0; k < y.size(); ++k) {
          const std::int64_t d = y[y.size() - 1 - k], letter = rest % d;
          rest /= d;
          if (k >= shape.size()) continue;
          const std::int64_t own = shape[shape.size() - 1 - k];
          if (own != 1) at += letter * stride;
          stride *= own;
        }
        acc += t.coef * (t.is_weight ? w_[t.id].at(index(at)) : t_[t.id][index(at)]);
      }
      put(op.y, index(i), op.requant, acc, i % y.back());
    }
  }

  void operator()(const AveragePool& op) const {
    const Shape &x = p_.tensors[op.x].shape, &y = p_.tensors[op.y].shape;
    std::size_t at = 0;
    each_window(
        op.window, x, y,
        [&](std::int64_t oy, std::int64_t ox, std::int64_t c, const auto& values) {
          std::int64_t acc = 0;
          for (const std::int64_t v : values) acc += v;
          put(op.y, at++, op.requant,
              acc * average_multiplier(counted_taps(op, 0, oy, x[1]).count() * counted_taps(op, 1, ox, x[2]).count()), c);
        },
        op.x);
  }

  void operator()(const MaxPool& op) const {
    std::size_t at = 0;
    each_window(
        op.window, p_.tensors[op.x].shape, p_.tensors[op.y].shape,
        [&](auto, auto, auto, const auto& values) {
          t_[op.y][at++] = static_cast<std::int32_t>(*std::max_element(values.begin(), values.end()));
        },
        op.x);
  }

  void operator()(const Rearrange& op) const {
    const std::int64_t n = elements(op.y_axes);
    for (std::int64_t i = 0; i < n; ++i) {
      std::vector<std::int64_t> letters(op.y_axes.size());
      std::int64_t rest = i;
      for (std::size_t k = letters.size(); k-- > 0;) {
        letters[k] = rest % op.y_axes[k];
        rest /= op.y_axes[k];
      }
      std::int64_t value = op.fill;
      for (const Rearrange::Piece& piece : op.pieces) {
        std::int64_t at = 0;
        bool inside = true;
        for (std::size_t k = 0; k < piece.maps.size(); ++k) {
          std::int64_t j = piece.maps[k].offset;
          for (const auto& [letter, coef] : piece.maps[k].parts) j += coef * letters[letter];
          inside = inside && j >= 0 && j < piece.x_axes[k];
          at = at * piece.x_axes[k] + j;
        }
        if (inside) value = t_[piece.x][index(at)];
      }
      t_[op.y][index(i)] = static_cast<std::int32_t>(value);
    }
  }

  void operator()(const Contract& op) const {
    each_sum(op, [&](const std::vector<std::int64_t>& letters) {
      std::int64_t product = 1;
      for (const Contract::Factor* f : {&op.a, &op.b}) {
        const std::int64_t i = mapped(f->axes, f->maps, letters);
        product *= i < 0 ? 0 : f->is_weight ? w_[f->id].at(index(i)) : t_[f->id][index(i)];
      }
      return product;
    });
  }

  void operator()(const Reduce& op) const {
    each_sum(op, [&](const std::vector<std::int64_t>& letters) {
      const std::int64_t i = mapped(op.axes, op.maps, letters);
      return i < 0 ? 0 : op.coef * t_[op.x][index(i)];
    });
  }

  void operator()(const Extreme& op) const {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.y].shape); ++r) {
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < op.n; ++i) {
        const std::int64_t more = (t_[op.x][index(r * op.n + i)] - t_[op.x][index(r * op.n + best)]) * (op.minimum ? -1 : 1);
        if (more > 0 || (more == 0 && op.last)) best = i;
      }
      t_[op.y][index(r)] = op.index ? static_cast<std::int32_t>(best) : t_[op.x][index(r * op.n + best)];
    }
  }

  void operator()(const Softmax& op) const {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.y].shape) / op.n; ++r) {
      const auto hidden = [&](std::int64_t i) {
        return !op.visible.empty() && op.visible[index(r % op.mask_rows * op.n + i)] == 0;
      };
      const auto x = [&](std::int64_t i) { return t_[op.x][index(r * op.n + i)]; };
      std::int64_t top = INT32_MIN, sum = 0;
      for (std::int64_t i = 0; i < op.n; ++i)
        if (!hidden(i)) top = std::max<std::int64_t>(top, x(i));
      const auto e = [&](std::int64_t i) -> std::int64_t {
        if (hidden(i) || top - x(i) >= static_cast<std::int64_t>(op.exp_table.size())) return 0;
        return op.exp_table[index(top - x(i))];
      };
      for (std::int64_t i = 0; i < op.n; ++i) sum += e(i);
      for (std::int64_t i = 0; i < op.n; ++i)
        put(op.y, index(r * op.n + i), op.requant, e(i) * ((std::int64_t{1} << op.inverse_bits) / sum), 0);
    }
  }

  void operator()(const Normalize& op) const {
    for (std::int64_t r = 0; r < elements(p_.tensors[op.y].shape) / op.n; ++r) {
      const auto x = [&](std::int64_t i) -> std::int64_t { return t_[op.x][index(r * op.n + i)]; };
      std::int64_t mean = 0, squares = 0, d = 0;
      for (std::int64_t i = 0; op.centered && i < op.n; ++i) mean += 2 * x(i);
      if (op.centered) {
        const std::int64_t up = mean + op.n / 2;
        mean = up >= 0 ? up / op.n : -((-up + op.n - 1) / op.n);
      }
      for (std::int64_t i = 0; i < op.n; ++i) squares += (2 * x(i) - mean) * (2 * x(i) - mean);
      const std::int64_t whole = (std::int64_t{1} << op.root_bits) / (squares / op.n + op.epsilon);
      d = static_cast<std::int64_t>(std::sqrt(static_cast<double>(whole)));
      while (d * d > whole) --d;
      while ((d + 1) * (d + 1) <= whole) ++d;
      for (std::int64_t i = 0; i < op.n; ++i)
        put(op.y, index(r * op.n + i), op.requant,
            (2 * x(i) - mean) * (2 * d + 1) * (op.gamma ? w_[*op.gamma].at(index(i)) : 1) + bias(op.beta, i), 0);
    }
  }

  void operator()(const Divide& op) const {
    const Shape& y = p_.tensors[op.y].shape;
    for (std::int64_t i = 0; i < elements(y); ++i) {
      const auto operand = [&](TensorId id) -> std::int64_t {
        const Shape& shape = p_.tensors[id].shape;
        std::int64_t at = 0, stride = 1, rest = i;
        for (std::size_t k = 0; k < shape.size(); ++k) {
          const std::int64_t d = y[y.size() - 1 - k], own = shape[shape.size() - 1 - k];
          if (own != 1) at += rest % d * stride;
          rest /= d, stride *= own;
        }
        return t_[id][index(at)];
      };
      const std::int64_t divisor = std::max<std::int64_t>(operand(op.b), 1);  // below its range only in attacks
      const std::int64_t top = operand(op.a) * (std::int64_t{2} << op.shift) + divisor, bottom = 2 * divisor;
      put(op.y, index(i), op.requant, top >= 0 ? top / bottom : -((-top + bottom - 1) / bottom), 0);
    }
  }

  void operator()(const OneHot& op) const {
    for (std::size_t i = 0; i < t_[op.x].size(); ++i)
      if (t_[op.x][i] >= 0 && t_[op.x][i] < op.depth) t_[op.y][i * index(op.depth) + index(t_[op.x][i])] = 1;
  }

 private:
  static std::int64_t tap(const Window& w, std::size_t k, std::int64_t o, std::int64_t t) {
    return o * w.stride[k] + t * w.dilation[k] - w.pad_begin[k];
  }
  [[nodiscard]] std::int64_t bias(const std::optional<WeightId>& b, std::int64_t o) const { return b ? w_[*b].at(index(o)) : 0; }
  static std::int64_t mapped(const Shape& axes, const std::vector<AxisMap>& maps, const std::vector<std::int64_t>& letters) {
    std::int64_t at = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      std::int64_t j = maps[k].offset;
      for (const auto& [letter, coef] : maps[k].parts) j += coef * letters[letter];
      if (j < 0 || j >= axes[k]) return -1;
      at = at * axes[k] + j;
    }
    return at;
  }
  /// The kept letters are the first ones and y's flat order, so every element's terms follow each other.
  template <class O, class F>
  void each_sum(const O& op, F term) const {
    const std::int64_t n = elements(p_.tensors[op.y].shape), terms = elements(op.letters) / n;
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t acc = 0;
      for (std::int64_t t = 0; t < terms; ++t) {
        std::vector<std::int64_t> letters(op.letters.size());
        std::int64_t rest = i * terms + t;
        for (std::size_t k = letters.size(); k-- > 0;) {
          letters[k] = rest % op.letters[k];
          rest /= op.letters[k];
        }
        acc += term(letters);
      }
      put(op.y, index(i), op.requant, acc, i % p_.tensors[op.y].shape.back());
    }
  }
  void put(TensorId y, std::size_t at, const Requant& r, std::int64_t acc, std::int64_t channel) const {
    t_[y][at] = static_cast<std::int32_t>(activated(r, rounded(r, acc, index(channel))));
  }
  /// f(row, column, channel, values inside the image), in the order of y.
  template <class F>
  void each_window(const Window& w, const Shape& x, const Shape& y, F f, TensorId id) const {
    for (std::int64_t n = 0; n < y[0]; ++n)
      for (std::int64_t oy = 0; oy < y[1]; ++oy)
        for (std::int64_t ox = 0; ox < y[2]; ++ox)
          for (std::int64_t c = 0; c < y[3]; ++c) {
            std::vector<std::int64_t> values;
            for (std::int64_t ky = 0; ky < w.kernel[0]; ++ky)
              for (std::int64_t kx = 0; kx < w.kernel[1]; ++kx) {
                const std::int64_t iy = tap(w, 0, oy, ky), ix = tap(w, 1, ox, kx);
                if (iy >= 0 && iy < x[1] && ix >= 0 && ix < x[2])
                  values.push_back(t_[id][index(((n * x[1] + iy) * x[2] + ix) * x[3] + c)]);
              }
            f(oy, ox, c, values);
          }
  }

  const Program& p_;
  const WeightStore& w_;
  TensorStore& t_;
};

}  // namespace

std::int64_t rounded(const Requant& requant, std::int64_t acc, std::size_t c) {
  const std::int32_t s = requant.shift[requant.shift.size() == 1 ? 0 : c];
  return s > 0 ? (acc + (std::int64_t{1} << (s - 1))) >> s : acc * (std::int64_t{1} << -s);
}

std::int64_t activated(const Requant& requant, std::int64_t v) {
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits;
  return activate(requant.activation, std::clamp(v, -c, c - 1));
}

void evaluate(const Program& program, const WeightStore& weights, TensorStore& trace, const Force& force) {
  const Evaluator evaluator(program, weights, trace);
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    IntTensor& y = trace[op_output(program.ops[i])];
    y.assign(index(elements(program.tensors[op_output(program.ops[i])].shape)), 0);
    std::visit(evaluator, program.ops[i].body);
    if (force) force(i, y);
  }
}

}  // namespace dsperse::proof::testing
