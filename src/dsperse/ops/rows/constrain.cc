// Extreme, Softmax, Divide and OneHot as constraints. Source: docs/protocol/operators.md. Tested by ops/rows_test.cc.
#include <algorithm>
#include <map>
#include <utility>

#include "dsperse/base/rule.h"
#include "dsperse/ops/common/requantize.h"
#include "dsperse/ops/rows/rows.h"

namespace dsperse::ops {
namespace {

using quantize::Program;

/// A constant that is there only where the letter has this value.
Term one_at(std::uint32_t letter, std::int64_t value) {
  Term t = constant_term(Fp(1));
  t.view = {{1}, {axis(letter, 1, -value)}};
  return t;
}

/// Rows (a, z, b): b = 1 where a = 1 and z > 0, otherwise 0. 0 <= z <= z_max.
std::uint32_t stair_table(Builder& b, std::int64_t z_max) {
  return b.table("stair " + std::to_string(z_max), [&](Table& t) {
    t.width = 3;
    t.key = 1;
    for (const std::int64_t a : {0, 1}) {
      t.segments.push_back({a, 0, z_max + 1, static_cast<std::uint32_t>(t.rows.size())});
      for (std::int64_t z = 0; z <= z_max; ++z)
        t.rows.push_back({Fp::from_signed(a), Fp::from_signed(z), Fp::from_signed(z > 0 ? a : 0)});
    }
  });
}

/// Rows (z, E(z), [z = 0]), 0 <= z <= z_max; with a mask also (z, 0, 0) up to 3 z_max + 1.
std::uint32_t exp_table(Builder& b, const quantize::Softmax& op, const quantize::SoftmaxSizes& s) {
  std::string name = "exp " + std::to_string(s.z_max) + (op.visible.empty() ? " " : " masked ");
  const std::size_t shown = name.size();
  name.append(reinterpret_cast<const char*>(op.exp_table.data()),
              op.exp_table.size() * sizeof(op.exp_table[0]));  // equal by content
  return b.table(name, [&](Table& t) {
    t.name = name.substr(0, shown) + std::to_string(op.exp_table.size());
    t.width = 3;
    t.rows.reserve(static_cast<std::size_t>(s.exp_rows));
    for (std::int64_t z = 0; z < s.exp_rows; ++z) {
      const bool counts = z <= s.z_max && z < static_cast<std::int64_t>(op.exp_table.size());
      const std::int64_t e = counts ? op.exp_table[static_cast<std::size_t>(z)] : 0;
      t.rows.push_back({Fp::from_signed(z), Fp::from_signed(e), Fp(z == 0 ? 1U : 0U)});
    }
    t.segments = {{0, 0, s.exp_rows, 0}};
  });
}

/// scalar where an entry is hidden: one term for each different row of the mask. Letters: (turn, mask row, entry). An error
/// before anything is made if a verifier could not work through them (the budgets of Builder count what is made).
Status add_mask(const std::string& name, const quantize::Softmax& op, Fp scalar, Terms& to) {
  std::map<std::string, std::vector<std::int64_t>> rows;  // by flags
  for (std::int64_t r = 0; r < op.mask_rows; ++r) {
    const auto* const row = op.visible.data() + r * op.n;
    rows[std::string(row, row + op.n)].push_back(r);
  }
  if (rows.size() > kMaxWork / static_cast<std::uint64_t>(op.mask_rows + op.n))
    return fail(ErrorKind::unsupported, "a mask with too many different rows", name, "cut it into smaller slices");
  for (const auto& [visible, where] : rows) {
    if (visible.find('\0') == std::string::npos) continue;
    std::vector<Fp> at(static_cast<std::size_t>(op.mask_rows)), hidden;
    for (const std::int64_t r : where) at[static_cast<std::size_t>(r)] = Fp(1);
    for (const char v : visible) hidden.emplace_back(v == 0 ? 1U : 0U);
    Term t = constant_term(scalar);
    t.scales = {{1, std::move(at)}, {2, std::move(hidden)}};
    to.push_back(std::move(t));
  }
  return {};
}

}  // namespace

View row_view(std::int64_t rows, std::int64_t per_row) {
  return per_row == 1 ? View{{rows}, {axis(0)}} : View{{rows, per_row}, {axis(0), axis(1)}};
}

Term row_sum(TensorRef tensor, std::int64_t rows, std::int64_t n, std::int64_t coef) {
  Term t = tensor_term(tensor, {{rows, n}, {axis(0), axis(1)}}, coef);
  t.extra = {n};
  return t;
}

Term row_product(Builder& b, const std::string& id, std::int64_t rows, std::int64_t n, const RowFactor& a, const RowFactor& c,
                 bool summed, std::int64_t coef) {
  const auto view = [&](const RowFactor& f) {
    return f.per_row == 1 ? View{{rows}, {axis(0)}} : View{{rows, n}, {axis(0), axis(1)}};
  };
  Product product;
  product.id = id;
  product.letters = {rows, n};
  product.shape = summed ? Shape{rows} : Shape{rows, n};
  product.out = summed ? std::vector<AxisMap>{axis(0)} : std::vector<AxisMap>{axis(0), axis(1)};
  product.a = {a.tensor, view(a)};
  product.b = {c.tensor, view(c)};
  Term t = product_term(b.add_product(std::move(product)));
  t.scalar = Fp::from_signed(coef);
  return t;
}

Term per_row_product(Builder& b, const std::string& id, std::int64_t rows, TensorRef a, TensorRef c, std::int64_t coef) {
  Product product;
  product.id = id;
  product.letters = product.shape = {rows};
  product.out = {axis(0)};
  product.a = {a, row_view(rows, 1)};
  product.b = {c, row_view(rows, 1)};
  Term t = product_term(b.add_product(std::move(product)));
  t.scalar = Fp::from_signed(coef);
  return t;
}

Status check_rest_table(const std::string& name, std::int64_t n) {
  if (std::cmp_greater(n, kMaxTableRows))
    return fail(ErrorKind::unsupported, "a row has more than 2^20 entries", name, "reduce over fewer entries");
  return {};
}

void announce_rows(Builder& b, const quantize::Op& op) {
  for (const unsigned bits : quantize::row_ranges(b.program(), op))
    announce_limbs(b, {static_cast<std::int32_t>(quantize::range_shift(bits))});
}

void look_up_bits(Builder& b, std::uint32_t op, const std::string& id, const Shape& site, Terms x, unsigned bits) {
  if (b.over_budget()) return;  // finish() fails; nothing as long as the site need be made
  const auto shift = static_cast<std::int32_t>(quantize::range_shift(bits));
  const std::uint32_t table = b.range_table(0, (std::int64_t{1} << (static_cast<std::int32_t>(bits) - shift)) - 1);
  if (shift == 0) {
    b.add_lookup({id, site, table, {std::move(x)}});
    return;
  }
  Terms acc = x;  // the witness rounds: half is taken off first
  acc.push_back(constant_term(-crypto::power_of_two(shift - 1)));
  const std::uint32_t limb_bits = b.options().limb_bits;
  const std::uint32_t parts =
      b.add_requantization({op, site, std::move(acc), std::vector<std::int32_t>(static_cast<std::size_t>(site.back()), shift),
                            limb_bits, 0, 0, 0, 0, 0});
  for (std::uint32_t i = 0; i < limb_count({shift}, limb_bits); ++i) {
    const std::string name = id + " limb " + std::to_string(i);
    const TensorRef limb = b.add_tensor({name, site, Kind::limb, parts, i});
    b.add_lookup({name,
                  site,
                  limb_table(b),
                  {{constant_term(Fp::from_signed(limb_width(shift, limb_bits, i)))}, {tensor_term(limb, identity_view(site))}}});
    Term digit = tensor_term(limb, identity_view(site), -1);
    digit.scalar *= crypto::power_of_two(static_cast<int>(limb_bits * i));
    x.push_back(std::move(digit));
  }
  for (Term& t : x) t.scalar *= crypto::power_of_two(-shift);
  b.set_activation(parts, b.add_lookup({id, site, table, {std::move(x)}}));
}

// z_i = m - x_i >= 0; the stair falls from 1 to 0 where z_i = 0 for the first time, and is 0 at the end.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Extreme& op) {
  const Program& p = b.program();
  const quantize::TensorSpec& x = p.tensors[op.x];
  const std::string& name = p.ops[index].name;
  const std::int64_t rows = quantize::elements(x.shape) / op.n, n = op.n;
  const Term y = tensor_term(b.value(op.y), row_view(rows, 1));
  if (n == 1) {
    Terms copy{y};
    if (!op.index) copy.push_back(tensor_term(b.value(op.x), row_view(rows, 1), -1));
    b.add_identity({name + " copy", {rows}, std::move(copy)});
    return {};
  }
  const std::vector<TensorRef> parts = b.add_parts(index);
  const TensorRef stair = parts[0], extreme = op.index ? parts[1] : b.value(op.y);
  const Shape site{rows, n};
  const std::int64_t sign = op.minimum ? -1 : 1;
  const auto step = [&](std::int64_t offset) { return tensor_term(stair, {{rows, n - 1}, {axis(0), axis(1, 1, offset)}}); };
  Terms before{step(op.last ? 0 : -1), one_at(1, op.last ? n - 1 : 0)};
  Terms z{tensor_term(extreme, row_view(rows, 1), sign), tensor_term(b.value(op.x), row_view(rows, n), -sign)};
  Terms after{step(op.last ? -1 : 0)};
  b.add_lookup({name + " stair", site, stair_table(b, x.hi - x.lo), {std::move(before), std::move(z), std::move(after)}});
  if (!op.index) return {};
  Terms at{y};
  Term steps = tensor_term(stair, {{rows, n - 1}, {axis(0), axis(1)}}, op.last ? 1 : -1);
  steps.extra = {n - 1};
  at.push_back(std::move(steps));
  if (op.last) at.push_back(constant_term(Fp::from_signed(1 - n)));
  b.add_identity({name + " index", {rows}, std::move(at)});
  return {};
}

// E of m - x_i, its sum's reciprocal with a rest in range, and their product.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Softmax& op) {
  const Program& p = b.program();
  const std::string& name = p.ops[index].name;
  const quantize::SoftmaxSizes s = quantize::softmax_sizes(p, op);
  const std::int64_t rows = s.rows, n = op.n;
  DSPERSE_CHECK_OK(check_rest_table(name, n));
  const std::vector<TensorRef> parts = b.add_parts(index);
  const TensorRef maximum = parts[0], e = parts[1], flag = parts[2], inverse = parts[3], rest = parts[4];
  const bool masked = !op.visible.empty();
  const Shape site = masked ? Shape{rows / op.mask_rows, op.mask_rows, n} : Shape{rows, n};
  const Shape outer(site.begin(), site.end() - 1);
  Terms z{tensor_term(maximum, identity_view(outer)), tensor_term(b.value(op.x), identity_view(site), -1)};
  if (masked) DSPERSE_CHECK_OK(add_mask(name, op, Fp::from_signed(2 * s.z_max + 1), z));
  b.add_lookup({name + " exponential",
                site,
                exp_table(b, op, s),
                {std::move(z), {tensor_term(e, identity_view(site))}, {tensor_term(flag, identity_view(site))}}});
  b.add_lookup(
      {name + " maximum", {rows}, b.range_table(0, n - 1), {{row_sum(flag, rows, n), constant_term(Fp::from_signed(-1))}}});
  const Term left = tensor_term(rest, row_view(rows, 1));
  b.add_identity({name + " rest",
                  {rows},
                  {left, constant_term(-crypto::power_of_two(static_cast<int>(op.inverse_bits))),
                   row_product(b, name + " sum by reciprocal", rows, n, {inverse, 1}, {e, n}, true)}});
  look_up_bits(b, index, name + " rest range", {rows}, {left}, s.sum_bits);
  look_up_bits(b, index, name + " divisor range", {rows},
               {row_sum(e, rows, n), constant_term(Fp::from_signed(-1)), tensor_term(rest, row_view(rows, 1), -1)}, s.sum_bits);
  look_up_bits(b, index, name + " reciprocal range", {rows}, {tensor_term(inverse, row_view(rows, 1))}, s.inverse_bits);
  return requantize(b, index, {rows, n}, {row_product(b, name + " product", rows, n, {e, n}, {inverse, 1}, false)}, op.requant);
}

// 2 a 2^s + b = 2 b q + rest with 0 <= rest < 2 b; q is requantized.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::Divide& op) {
  const Program& p = b.program();
  const std::string& name = p.ops[index].name;
  const Shape& site = p.tensors[op.y].shape;
  const std::int64_t divisor = p.tensors[op.b].hi;
  const std::vector<TensorRef> parts = b.add_parts(index);
  // Parts are flat; over the site's axes they are read in the same order.
  const Term quotient = tensor_term(parts[0], identity_view(site)), rest = tensor_term(parts[1], identity_view(site));
  const View a_view = broadcast_view(p.tensors[op.a].shape, site), b_view = broadcast_view(p.tensors[op.b].shape, site);
  Product product;
  product.id = name + " divisor by quotient";
  product.letters = product.shape = site;
  product.out = identity_view(site).maps;
  product.a = {parts[0], identity_view(site)};
  product.b = {b.value(op.b), b_view};
  Term whole = product_term(b.add_product(std::move(product)));
  whole.scalar = Fp::from_signed(2);
  Term numerator = tensor_term(b.value(op.a), a_view, -1);
  numerator.scalar *= crypto::power_of_two(op.shift + 1);
  b.add_identity(
      {name + " division", site, {rest, std::move(whole), std::move(numerator), tensor_term(b.value(op.b), b_view, -1)}});
  const std::uint32_t table = b.range_table(0, 2 * divisor - 1);
  b.add_lookup({name + " rest range", site, table, {{rest}}});
  b.add_lookup({name + " divisor range",
                site,
                table,
                {{tensor_term(b.value(op.b), b_view, 2), tensor_term(parts[1], identity_view(site), -1),
                  constant_term(Fp::from_signed(-1))}}});
  DSPERSE_CHECK_OK(requantize(b, index, site, {quotient}, op.requant));
  // The quotient is as large as the requantization lets it be: 2 b q must stay below p / 2 with the numerator, which is below
  // 2^58.
  DSPERSE_TRY(const Wide rounded, largest_rounded(b, b.program().ops[index]));
  if (violated("no wrap quotient", 2 * divisor * ((rounded + 2) << op.requant.shift[0]) >= static_cast<Wide>(crypto::kP / 4)))
    return fail(ErrorKind::unsupported, "quotients are too large for the proof field", name, "quantize with fewer bits");
  return {};
}

// y = [x = j], looked up by x - j.
Status constrain_op(Builder& b, std::uint32_t index, const quantize::OneHot& op) {
  const Program& p = b.program();
  const std::int64_t rows = quantize::elements(p.tensors[op.x].shape), depth = op.depth;
  const std::uint32_t table = b.table("one hot " + std::to_string(depth), [&](Table& t) {
    t.width = 2;
    t.rows.reserve(static_cast<std::size_t>(2 * depth - 1));
    for (std::int64_t d = 1 - depth; d < depth; ++d) t.rows.push_back({Fp::from_signed(d), Fp(d == 0 ? 1U : 0U)});
    t.segments = {{0, 1 - depth, depth, 0}};
  });
  Term letter = constant_term(Fp(1));
  letter.scales.push_back({1, {}});
  for (std::int64_t j = 0; j < depth; ++j) letter.scales[0].values.push_back(Fp::from_signed(-j));
  const Shape site{rows, depth};
  b.add_lookup(
      {p.ops[index].name + " one hot",
       site,
       table,
       {{tensor_term(b.value(op.x), row_view(rows, 1)), std::move(letter)}, {tensor_term(b.value(op.y), identity_view(site))}}});
  return {};
}

}  // namespace dsperse::ops
