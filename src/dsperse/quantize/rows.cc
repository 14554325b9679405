#include "dsperse/quantize/rows.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace dsperse::quantize {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::int64_t kTop = std::int64_t{1} << 62;

/// Both not negative; sticks at kTop.
std::int64_t times(std::int64_t a, std::int64_t b) {
  const Wide x = static_cast<Wide>(a) * static_cast<Wide>(b);
  return x > static_cast<Wide>(kTop) ? kTop : static_cast<std::int64_t>(x);
}
std::int64_t power(unsigned bits) { return bits >= 62 ? kTop : std::int64_t{1} << bits; }

std::int64_t signed_sum(std::uint64_t x) { return static_cast<std::int64_t>(x); }
std::uint64_t wrapped(std::int64_t x) { return static_cast<std::uint64_t>(x); }

/// floor(a / b), b > 0.
std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t q = a / b;
  return q - static_cast<std::int64_t>(a % b < 0);
}

std::int64_t rows_of(const Program& p, TensorId x, std::int64_t n) { return elements(p.tensors[x].shape) / n; }

}  // namespace

unsigned bits_of(std::uint64_t n) { return static_cast<unsigned>(std::bit_width(n)); }

std::int64_t square_root(std::uint64_t n) {
  // The float root is off by at most a few; what is returned does not depend on it.
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
  auto root = std::min(kLargest, static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n))));
  while (root * root > n) --root;
  while (root < kLargest && (root + 1) * (root + 1) <= n) ++root;
  return static_cast<std::int64_t>(root);
}

SoftmaxRow softmax_row(const Softmax& op, const std::int32_t* x, const std::uint8_t* visible, std::int32_t* e) {
  SoftmaxRow row;
  // A causal row sees a prefix: what lies behind its last visible entry is not read.
  std::int64_t n = op.n;
  while (visible != nullptr && n > 0 && visible[n - 1] == 0) --n;
  std::fill(e + n, e + op.n, 0);
  std::int32_t largest = std::numeric_limits<std::int32_t>::min();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t seen = visible == nullptr || visible[i] != 0 ? x[i] : std::numeric_limits<std::int32_t>::min();
    largest = std::max(largest, seen);
  }
  row.largest = n == 0 ? 0 : largest;
  const auto size = static_cast<std::int64_t>(op.exp_table.size());
  const std::int32_t* const table = op.exp_table.data();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t z = row.largest - x[i];
    const bool counts = (visible == nullptr || visible[i] != 0) && z < size;
    e[i] = counts ? table[z] : 0;
    row.sum += e[i];
  }
  row.inverse = (std::int64_t{1} << op.inverse_bits) / std::max<std::int64_t>(row.sum, 1);
  return row;
}

NormalRow normal_row(const Normalize& op, const std::int32_t* x) {
  std::uint64_t sum = 0, squares = 0;
  for (std::int64_t i = 0; i < op.n; ++i) sum += wrapped(x[i]);
  NormalRow row;
  if (op.centered) row.mean = floor_divide(signed_sum(2 * sum + wrapped(op.n / 2)), op.n);
  for (std::int64_t i = 0; i < op.n; ++i) {
    const std::uint64_t c = 2 * wrapped(x[i]) - wrapped(row.mean);
    squares += c * c;
  }
  row.variance = signed_sum(squares) / op.n;
  row.rest = signed_sum(squares) % op.n;
  const std::uint64_t v = std::max<std::uint64_t>(wrapped(row.variance) + wrapped(op.epsilon), 1);
  row.inverse = square_root((std::uint64_t{1} << op.root_bits) / v);
  return row;
}

std::int64_t rounded_quotient(std::int64_t a, std::int64_t b, std::int32_t shift) {
  b = std::max<std::int64_t>(b, 1);
  return floor_divide(signed_sum((wrapped(a) << (shift + 1)) + wrapped(b)), 2 * b);
}

std::int64_t extreme_index(const Extreme& op, const std::int32_t* x) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < op.n; ++i) {
    const bool better = op.minimum ? x[i] < x[best] : x[i] > x[best];
    if (better || (op.last && x[i] == x[best])) best = i;
  }
  return best;
}

std::int64_t row_length(const Op& op) {
  if (const auto* o = std::get_if<Softmax>(&op.body)) return o->n;
  if (const auto* o = std::get_if<Normalize>(&op.body)) return o->n;
  return 0;
}

SoftmaxSizes softmax_sizes(const Program& program, const Softmax& op) {
  const TensorSpec& x = program.tensors[op.x];
  SoftmaxSizes s;
  s.rows = rows_of(program, op.x, op.n);
  s.z_max = x.hi - x.lo;
  s.sum_bits = op.exp_bits + bits_of(static_cast<std::uint64_t>(op.n) - 1);
  s.inverse_bits = op.inverse_bits - op.exp_bits + 1;
  s.exp_rows = op.visible.empty() ? s.z_max + 1 : 3 * s.z_max + 2;
  return s;
}

NormalSizes normal_sizes(const Program& program, const Normalize& op) {
  const TensorSpec& x = program.tensors[op.x];
  const std::int64_t largest = std::max(std::abs(x.lo), std::abs(x.hi)), spread = x.hi - x.lo;
  NormalSizes s;
  s.rows = rows_of(program, op.x, op.n);
  if (op.centered) s.mean_lo = 2 * x.lo, s.mean_hi = 2 * x.hi;
  s.c_max = 2 * (op.centered ? spread : largest);
  // The sum of squares about the mean of values in an interval of length 2 spread is at most n spread^2; the mean's rounding adds
  // a quarter each.
  s.variance_max = op.centered ? spread * spread : s.c_max * s.c_max;
  s.v = bits_of(static_cast<std::uint64_t>(s.variance_max + op.epsilon - 1));
  s.half = op.root_bits / 2;
  s.gap_bits = (op.root_bits + s.v + 1) / 2 + 2;
  // c^2 <= sum c^2 < n (variance + 1) <= n V and d <= 2^(k/2) / sqrt(V).
  const std::int64_t root = square_root(static_cast<std::uint64_t>(op.n) - 1) + 1;
  s.scaled_max = std::min(kTop, times(2 * std::min(root, s.c_max), power(s.half)) + s.c_max);
  return s;
}

std::vector<unsigned> row_ranges(const Program& program, const Op& op) {
  if (const auto* o = std::get_if<Softmax>(&op.body)) {
    const SoftmaxSizes s = softmax_sizes(program, *o);
    return {s.sum_bits, s.sum_bits, s.inverse_bits};
  }
  if (const auto* o = std::get_if<Normalize>(&op.body)) {
    const NormalSizes s = normal_sizes(program, *o);
    std::vector<unsigned> bits;
    if (o->centered) bits.push_back(bits_of(static_cast<std::uint64_t>(s.mean_hi - s.mean_lo)));
    bits.insert(bits.end(), {bits_of(static_cast<std::uint64_t>(s.variance_max)), s.half + 1, s.gap_bits, s.gap_bits});
    return bits;
  }
  return {};
}

RowProducts row_products(const Program& program, const Op& op) {
  RowProducts out;
  const auto add = [&](std::int64_t sums, std::int64_t factors, std::uint64_t variables) {
    out.sums += static_cast<std::uint64_t>(sums), out.factors += static_cast<std::uint64_t>(factors), out.variables += variables;
  };
  const auto bits = [](std::int64_t n) { return std::uint64_t{bits_of(static_cast<std::uint64_t>(n) - 1)}; };
  if (const auto* o = std::get_if<Softmax>(&op.body)) {
    const std::int64_t rows = rows_of(program, o->x, o->n), all = rows * o->n;
    add(rows, all + rows, bits(rows));
    add(all, all + rows, bits(rows));
  }
  if (const auto* o = std::get_if<Normalize>(&op.body)) {
    const std::int64_t rows = rows_of(program, o->x, o->n), all = rows * o->n;
    add(rows, 2 * all, bits(rows) + bits(o->n));
    if (o->centered) add(rows, all + rows, bits(rows));
    for (int i = 0; i < (o->centered ? 4 : 2); ++i) add(rows, 2 * rows, bits(rows));  // of one value a row
    add(all, all + rows, bits(rows));
    if (o->gamma) add(all, all + o->n, bits(o->n));
  }
  if (const auto* o = std::get_if<Divide>(&op.body)) {
    const Shape& b = program.tensors[o->b].shape;
    std::uint64_t variables = 0;
    for (const std::int64_t d : b) variables += bits(d);
    const std::int64_t all = elements(program.tensors[o->y].shape);
    add(all, all + elements(b), variables);
  }
  return out;
}

std::vector<std::int64_t> operand_strides(const Shape& shape, const Shape& y) {
  std::vector<std::int64_t> out(y.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const std::int64_t d = shape[shape.size() - 1 - k];
    if (d != 1) out[y.size() - 1 - k] = stride;
    stride *= d;
  }
  return out;
}

RowParts::RowParts(const Program& program, const Op& op) : body_(op.body) {
  if (const auto* o = std::get_if<Extreme>(&op.body)) {
    const TensorSpec& x = program.tensors[o->x];
    inputs_ = {o->x};
    rows_ = rows_of(program, o->x, o->n);
    if (o->n > 1) {
      parts_.push_back({"stair", o->n - 1, 0, 1});
      if (o->index) parts_.push_back({"extreme", 1, x.lo, x.hi});
    }
  }
  if (const auto* o = std::get_if<Softmax>(&op.body)) {
    const TensorSpec& x = program.tensors[o->x];
    const SoftmaxSizes s = softmax_sizes(program, *o);
    inputs_ = {o->x};
    rows_ = s.rows;
    parts_ = {{"maximum", 1, x.lo, x.hi},
              {"exponential", o->n, 0, power(o->exp_bits)},
              {"flag", o->n, 0, 1},
              {"reciprocal", 1, 0, power(o->inverse_bits - o->exp_bits)},
              {"rest", 1, 0, power(s.sum_bits)}};
  }
  if (const auto* o = std::get_if<Normalize>(&op.body)) {
    const NormalSizes s = normal_sizes(program, *o);
    inputs_ = {o->x};
    rows_ = s.rows;
    parts_ = {{"variance", 1, 0, s.variance_max},
              {"variance rest", 1, 0, o->n - 1},
              {"root", 1, 0, power(s.half)},
              {"root by variance", 1, 0, kTop},
              {"root gap", 1, 0, power(s.gap_bits)}};
    if (o->centered) {
      const std::int64_t top = times(std::max(std::abs(s.mean_lo), std::abs(s.mean_hi)), 2 * power(s.half) + 1);
      parts_.push_back({"mean", 1, s.mean_lo, s.mean_hi});
      parts_.push_back({"scaled mean", 1, -top, top});
    }
    if (o->gamma) parts_.push_back({"scaled", o->n, -s.scaled_max, s.scaled_max});
  }
  if (const auto* o = std::get_if<Divide>(&op.body)) {
    const TensorSpec &a = program.tensors[o->a], &b = program.tensors[o->b];
    inputs_ = {o->a, o->b};
    y_ = program.tensors[o->y].shape;
    rows_ = elements(y_);
    strides_ = {operand_strides(a.shape, y_), operand_strides(b.shape, y_)};
    const std::int64_t top = times(std::max(std::abs(a.lo), std::abs(a.hi)), power(static_cast<unsigned>(o->shift))) + 1;
    parts_ = {{"quotient", 1, -top, top}, {"rest", 1, 0, 2 * b.hi - 1}};
  }
}

Shape RowParts::shape(std::size_t part) const {
  if (std::holds_alternative<Divide>(body_)) return y_;
  return parts_[part].per_row == 1 ? Shape{rows_} : Shape{rows_, parts_[part].per_row};
}

void RowParts::fill(Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const {
  if (const auto* o = std::get_if<Extreme>(&body_)) fill_extreme(*o, x, begin, end, out);
  if (const auto* o = std::get_if<Softmax>(&body_)) fill_softmax(*o, x, begin, end, out);
  if (const auto* o = std::get_if<Normalize>(&body_)) fill_normal(*o, x, begin, end, out);
  if (const auto* o = std::get_if<Divide>(&body_)) fill_divide(*o, x, begin, end, out);
}

void RowParts::fill_extreme(const Extreme& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const {
  if (op.n == 1) return;
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int32_t* const row = x[0] + r * op.n;
    const std::int64_t at = extreme_index(op, row), n = op.n - 1;
    // The stair is one before the occurrence, or after the last one.
    std::int64_t* const stair = out[0] + (r - begin) * n;
    for (std::int64_t i = 0; i < n; ++i) stair[i] = static_cast<std::int64_t>(op.last ? i >= at : i < at);
    if (op.index) out[1][r - begin] = row[at];
  }
}

void RowParts::fill_softmax(const Softmax& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const {
  std::vector<std::int32_t> e(static_cast<std::size_t>(op.n));
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int32_t* const row = x[0] + r * op.n;
    const std::uint8_t* const visible = visible_row(op, r);
    const SoftmaxRow s = softmax_row(op, row, visible, e.data());
    const std::int64_t k = r - begin;
    out[0][k] = s.largest;
    for (std::int64_t i = 0; i < op.n; ++i) {
      out[1][k * op.n + i] = e[static_cast<std::size_t>(i)];
      out[2][k * op.n + i] = static_cast<std::int64_t>((visible == nullptr || visible[i] != 0) && row[i] == s.largest);
    }
    out[3][k] = s.inverse;
    out[4][k] = (std::int64_t{1} << op.inverse_bits) - s.inverse * s.sum;
  }
}

void RowParts::fill_normal(const Normalize& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const {
  const std::size_t scaled = op.centered ? 7 : 5;
  for (std::int64_t r = begin; r < end; ++r) {
    const std::int32_t* const row = x[0] + r * op.n;
    const NormalRow s = normal_row(op, row);
    const std::int64_t k = r - begin;
    const std::uint64_t d = wrapped(s.inverse), dv = d * (wrapped(s.variance) + wrapped(op.epsilon)), factor = 2 * d + 1;
    out[0][k] = s.variance;
    out[1][k] = s.rest;
    out[2][k] = s.inverse;
    out[3][k] = signed_sum(dv);
    out[4][k] = signed_sum((std::uint64_t{1} << op.root_bits) - d * dv);
    if (op.centered) {
      out[5][k] = s.mean;
      out[6][k] = signed_sum(wrapped(s.mean) * factor);
    }
    if (op.gamma)
      for (std::int64_t i = 0; i < op.n; ++i)
        out[scaled][k * op.n + i] = signed_sum((2 * wrapped(row[i]) - wrapped(s.mean)) * factor);
  }
}

void RowParts::fill_divide(const Divide& op, Inputs x, std::int64_t begin, std::int64_t end, Outputs out) const {
  for (std::int64_t i = begin; i < end; ++i) {
    std::array<std::int64_t, 2> at{};
    std::int64_t rest = i;
    for (std::size_t k = y_.size(); k-- > 0; rest /= y_[k])
      for (std::size_t o = 0; o < 2; ++o) at[o] += rest % y_[k] * strides_[o][k];
    const std::int64_t a = x[0][at[0]], b = x[1][at[1]], q = rounded_quotient(a, b, op.shift);
    out[0][i - begin] = q;
    out[1][i - begin] = signed_sum((wrapped(a) << (op.shift + 1)) + wrapped(b) - 2 * wrapped(q) * wrapped(b));
  }
}

}  // namespace dsperse::quantize
