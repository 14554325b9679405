// Pools as constraints. AveragePool: linear terms and a requantization. MaxPool: separable passes of max(a, b) = a + relu(b - a).
// Source: docs/protocol/operators.md. Tested by ops/ops_test.cc.
#include "dsperse/ops/common/constrain.h"

#include <set>

#include "dsperse/ops/common/requantize.h"
#include "dsperse/quantize/table.h"
#include "dsperse/quantize/window.h"

namespace dsperse::ops {
namespace {

using quantize::Program;

/// Taps that count along one axis, per output index.
std::vector<std::int64_t> counts_along(const quantize::AveragePool& op, std::size_t k, std::int64_t in, std::int64_t out) {
  std::vector<std::int64_t> counts;
  for (std::int64_t o = 0; o < out; ++o) counts.push_back(quantize::counted_taps(op, k, o, in).count());
  return counts;
}

/// Letters where counts equal n, as a scale; none if all do.
void restrict_to(Term& term, std::uint32_t letter, const std::vector<std::int64_t>& counts, std::int64_t n) {
  std::vector<Fp> indicator;
  bool all = true;
  for (const std::int64_t c : counts) {
    indicator.emplace_back(c == n ? 1U : 0U);
    all = all && c == n;
  }
  if (!all) term.scales.push_back({letter, std::move(indicator)});
}

/// Each count once, in order of first use.
std::vector<std::int64_t> distinct(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> out;
  std::set<std::int64_t> seen;
  for (const std::int64_t c : counts)
    if (seen.insert(c).second) out.push_back(c);
  return out;
}

/// Rows (d, max(d, 0)), |d| <= range.
std::uint32_t relu_table(Builder& b, std::int64_t range) {
  return b.table("relu " + std::to_string(range), [&](Table& t) {
    t.width = 2;
    t.rows.reserve(static_cast<std::size_t>(2 * range + 1));
    for (std::int64_t d = -range; d <= range; ++d) t.rows.push_back({Fp::from_signed(d), Fp::from_signed(d > 0 ? d : 0)});
    t.segments = {{0, -range, range + 1, 0}};
  });
}

/// The sum of terms read at letter := stride * letter + shift, of a tensor that is `outside` beyond [0, in).
Terms read_at(const Terms& terms, std::uint32_t letter, std::int64_t out, std::int64_t stride, std::int64_t shift,
              std::int64_t in, std::int64_t outside) {
  std::vector<Fp> inside, beyond;
  bool all = true;
  for (std::int64_t o = 0; o < out; ++o) {
    const bool ok = o * stride + shift >= 0 && o * stride + shift < in;
    inside.emplace_back(ok ? 1U : 0U);
    beyond.emplace_back(ok ? 0U : 1U);
    all = all && ok;
  }
  Terms moved;
  for (Term t : terms) {
    for (Scale& s : t.scales) {
      if (s.letter != letter) continue;
      std::vector<Fp> values;
      for (std::int64_t o = 0; o < out; ++o) {
        const std::int64_t at = o * stride + shift;
        values.push_back(at >= 0 && at < in ? s.values[static_cast<std::size_t>(at)] : Fp());
      }
      s.values = std::move(values);
    }
    if (t.of == Term::Of::constant) {
      if (!all) t.scales.push_back({letter, inside});
    } else {
      for (AxisMap& m : t.view.maps)
        for (auto& [l, coef] : m.parts)
          if (l == letter) {
            m.offset += coef * shift;
            coef *= stride;
          }
    }
    moved.push_back(std::move(t));
  }
  if (!all && outside != 0) {
    Term t = constant_term(Fp::from_signed(outside));
    t.scales.push_back({letter, beyond});
    moved.push_back(std::move(t));
  }
  return moved;
}

void subtract(Terms& from, const Terms& what) {
  for (Term t : what) {
    t.scalar = -t.scalar;
    from.push_back(std::move(t));
  }
}

}  // namespace

// The multiplier depends on how many taps count, a product of one count per axis: one rank-one term per pair of counts.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::AveragePool& op) {
  const Program& p = b.program();
  const Shape &x = p.tensors[op.x].shape, &y = p.tensors[op.y].shape;
  const quantize::Window& win = op.window;
  const std::vector<std::int64_t> rows = counts_along(op, 0, x[1], y[1]), columns = counts_along(op, 1, x[2], y[2]);
  const std::vector<std::int64_t> row_counts = distinct(rows), column_counts = distinct(columns);
  if (row_counts.size() * column_counts.size() > kMaxWork / (rows.size() + columns.size()))
    return fail(ErrorKind::unsupported, "an average pool with too many different borders", p.ops[index].name,
                "use a smaller window or less padding");
  Terms acc;
  for (const std::int64_t r : row_counts)
    for (const std::int64_t c : column_counts) {
      Term t = tensor_term(b.value(op.x),
                           {x,
                            {axis(0), AxisMap{-win.pad_begin[0], {{1, win.stride[0]}, {4, win.dilation[0]}}},
                             AxisMap{-win.pad_begin[1], {{2, win.stride[1]}, {5, win.dilation[1]}}}, axis(3)}},
                           quantize::average_multiplier(r * c));
      t.extra = {win.kernel[0], win.kernel[1]};
      restrict_to(t, 1, rows, r);
      restrict_to(t, 2, columns, c);
      acc.push_back(std::move(t));
    }
  return requantize(b, index, y, std::move(acc), op.requant);
}

Status constrain_op(Builder& b, std::uint32_t index, const quantize::MaxPool& op) {
  const quantize::Program& p = b.program();
  const quantize::TensorSpec& x = p.tensors[op.x];
  const Shape& y = p.tensors[op.y].shape;
  const quantize::Window& w = op.window;
  const std::string& name = p.ops[index].name;
  const Term out = tensor_term(b.value(op.y), identity_view(y));
  Shape site = x.shape;
  Terms best{tensor_term(b.value(op.x), identity_view(site))};
  bool done = false;
  for (const std::uint32_t letter : {2U, 1U}) {  // columns, then rows
    const std::size_t k = letter - 1;
    const std::int64_t in = site[letter];
    site[letter] = y[letter];
    const auto tap = [&](std::int64_t j) {
      return read_at(best, letter, site[letter], w.stride[k], j * w.dilation[k] - w.pad_begin[k], in, x.lo);
    };
    Terms running = tap(0);
    for (std::int64_t j = 1; j < w.kernel[k]; ++j) {
      if (b.over_budget()) return {};  // finish() fails
      Terms difference = tap(j);
      subtract(difference, running);
      const std::string id = name + (letter == 2 ? " column tap " : " row tap ") + std::to_string(j);
      const std::uint32_t table = relu_table(b, x.hi - x.lo);
      const bool last = j + 1 == w.kernel[k] && (letter == 1 || w.kernel[0] == 1);
      if (last && site == y) {
        Terms rise{out};
        subtract(rise, running);
        b.add_lookup({id, site, table, {std::move(difference), std::move(rise)}});
        done = true;
        break;
      }
      const std::uint32_t lookup = b.add_lookup({id, site, table, {std::move(difference), {}}});
      const TensorRef rise = b.add_tensor({id, site, Kind::relu, lookup, 0});
      b.set_column(lookup, 1, {tensor_term(rise, identity_view(site))});
      running.push_back(tensor_term(rise, identity_view(site)));
    }
    best = std::move(running);
  }
  if (!done) {
    Terms equal{out};
    subtract(equal, best);
    b.add_identity({name + " copy", y, std::move(equal)});
  }
  return {};
}

}  // namespace dsperse::ops
