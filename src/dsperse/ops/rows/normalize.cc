// Normalize as constraints: mean, variance and its inverse root, all unique, then c (2 d + 1) gamma + beta.
// Source: docs/protocol/operators.md. Tested by ops/rows_test.cc.
#include "dsperse/ops/common/requantize.h"
#include "dsperse/ops/rows/rows.h"

namespace dsperse::ops {

Status constrain_op(Builder& b, std::uint32_t index, const quantize::Normalize& op) {
  const quantize::Program& p = b.program();
  const std::string& name = p.ops[index].name;
  const quantize::NormalSizes s = quantize::normal_sizes(p, op);
  const std::int64_t rows = s.rows, n = op.n;
  const Shape site{rows}, entries{rows, n};
  const TensorRef x = b.value(op.x);
  const std::vector<TensorRef> parts = b.add_parts(index);
  const TensorRef variance = parts[0], rest = parts[1], root = parts[2], root_v = parts[3], gap = parts[4];
  const TensorRef mean = op.centered ? parts[5] : 0, scaled_mean = op.centered ? parts[6] : 0;
  const auto one = [&](TensorRef t, std::int64_t coef = 1) { return tensor_term(t, row_view(rows, 1), coef); };
  const auto number = [](std::int64_t v) { return constant_term(Fp::from_signed(v)); };
  const auto product = [&](const char* what, const RowFactor& f, const RowFactor& g, bool summed, std::int64_t coef) {
    return row_product(b, name + " " + what, rows, n, f, g, summed, coef);
  };
  DSPERSE_CHECK_OK(check_rest_table(name, n));
  const std::uint32_t rests = b.range_table(0, n - 1);

  if (op.centered) {  // n mean + its rest = 2 sum x + floor(n / 2)
    b.add_lookup({name + " mean", site, rests, {{row_sum(x, rows, n, 2), number(n / 2), one(mean, -n)}}});
    look_up_bits(b, index, name + " mean range", site, {one(mean), number(-s.mean_lo)},
                 quantize::bits_of(static_cast<std::uint64_t>(s.mean_hi - s.mean_lo)));
  }
  // n variance + rest = sum c^2 = 4 sum x^2 - 4 mean sum x + n mean^2
  Terms squares{one(variance, -n), one(rest, -1), product("squares", {x, n}, {x, n}, true, 4)};
  if (op.centered) {
    squares.push_back(product("mean by values", {mean, 1}, {x, n}, true, -4));
    squares.push_back(per_row_product(b, name + " mean squared", rows, mean, mean, n));
  }
  b.add_identity({name + " variance", site, std::move(squares)});
  b.add_lookup({name + " variance rest", site, rests, {{one(rest)}}});
  look_up_bits(b, index, name + " variance range", site, {one(variance)},
               quantize::bits_of(static_cast<std::uint64_t>(s.variance_max)));
  // 2^k - d^2 V and (d + 1)^2 V - 2^k - 1 = 2 d V + V - 1 - gap
  look_up_bits(b, index, name + " root range", site, {one(root)}, s.half + 1);
  b.add_identity(
      {name + " root by variance",
       site,
       {one(root_v), per_row_product(b, name + " root by variance product", rows, root, variance, -1), one(root, -op.epsilon)}});
  b.add_identity({name + " root gap",
                  site,
                  {one(gap), constant_term(-crypto::power_of_two(static_cast<int>(op.root_bits))),
                   per_row_product(b, name + " root gap product", rows, root, root_v, 1)}});
  look_up_bits(b, index, name + " root gap range", site, {one(gap)}, s.gap_bits);
  look_up_bits(b, index, name + " next root range", site, {one(root_v, 2), one(variance), number(op.epsilon - 1), one(gap, -1)},
               s.gap_bits);

  // c (2 d + 1) = 4 x d + 2 x - mean (2 d + 1)
  if (op.centered)
    b.add_identity({name + " scaled mean",
                    site,
                    {one(scaled_mean), per_row_product(b, name + " scaled mean product", rows, mean, root, -2), one(mean, -1)}});
  Terms scaled{product("values by root", {x, n}, {root, 1}, false, 4), tensor_term(x, row_view(rows, n), 2)};
  if (op.centered) scaled.push_back(one(scaled_mean, -1));
  Terms acc;
  if (op.gamma) {
    const TensorRef whole = parts.back();
    for (Term& t : scaled) t.scalar = -t.scalar;
    scaled.push_back(tensor_term(whole, row_view(rows, n)));
    b.add_identity({name + " scaled", entries, std::move(scaled)});
    Product last;
    last.id = name + " product";
    last.letters = last.shape = entries;
    last.out = {axis(0), axis(1)};
    last.a = {whole, {entries, {axis(0), axis(1)}}};
    last.b = {b.weight(*op.gamma), {{n}, {axis(1)}}};
    acc.push_back(product_term(b.add_product(std::move(last))));
  } else {
    acc = std::move(scaled);
  }
  if (op.beta) acc.push_back(tensor_term(b.weight(*op.beta), {{n}, {axis(1)}}));
  return requantize(b, index, entries, std::move(acc), op.requant);
}

}  // namespace dsperse::ops
