#include "dsperse/quantize/testing/row_programs.h"

#include <algorithm>

#include "dsperse/quantize/table.h"

namespace dsperse::quantize::testing {
namespace {

TensorId add(Builder& b, const std::string& type, Shape shape, std::int32_t exponent, std::int64_t lo, std::int64_t hi,
             auto body) {
  Program& p = b.program;
  body.y = static_cast<TensorId>(p.tensors.size());
  p.tensors.push_back({std::string("t").append(std::to_string(body.y)), std::move(shape), exponent, lo, hi});
  p.ops.push_back({"op" + std::to_string(p.ops.size()), type, body});
  return body.y;
}

TensorId add(Builder& b, const std::string& type, Shape shape, const Requant& r, auto body) {
  body.requant = r;
  return add(b, type, std::move(shape), r.activation.out_exponent, r.activation.lo, r.activation.hi, body);
}

}  // namespace

TensorId add_extreme(Builder& b, TensorId x, std::int64_t n, bool minimum, bool index, bool last) {
  const TensorSpec s = b.spec(x);
  Extreme e;
  e.x = x, e.n = n, e.minimum = minimum, e.index = index, e.last = last;
  return index ? add(b, "ArgMax", {elements(s.shape) / n}, 0, 0, n - 1, e)
               : add(b, "ReduceMax", {elements(s.shape) / n}, s.exponent, s.lo, s.hi, e);
}

TensorId add_softmax(Builder& b, TensorId x, std::int64_t n, std::uint32_t bits, std::int32_t out,
                     std::vector<std::uint8_t> visible) {
  const TensorSpec s = b.spec(x);
  Softmax m;
  m.x = x, m.n = n, m.exp_bits = bits, m.inverse_bits = bits + static_cast<std::uint32_t>(out) + 2;
  for (std::int64_t z = 0; z <= s.hi - s.lo && exponential(z, s.exponent, bits) != 0; ++z)
    m.exp_table.push_back(static_cast<std::int32_t>(exponential(z, s.exponent, bits)));
  m.exp_table.push_back(0);
  m.mask_rows = static_cast<std::int64_t>(visible.size()) / n;
  m.visible = std::move(visible);
  Requant r = simple_requant(static_cast<std::int32_t>(m.inverse_bits) - out, Function::identity, 12, out);
  r.clamp_bits = static_cast<std::uint32_t>(out) + 1;
  r.activation.lo = 0, r.activation.hi = std::int64_t{1} << out;
  return add(b, "Softmax", s.shape, r, m);
}

TensorId add_normalize(Builder& b, TensorId x, std::int64_t n, bool centered, std::int64_t epsilon, std::uint32_t root_bits,
                       std::optional<WeightId> gamma, std::optional<WeightId> beta, const Requant& requant) {
  Normalize m;
  m.x = x, m.n = n, m.centered = centered, m.epsilon = epsilon, m.root_bits = root_bits, m.gamma = gamma, m.beta = beta;
  return add(b, "LayerNormalization", b.spec(x).shape, requant, m);
}

TensorId add_divide(Builder& b, TensorId x, TensorId by, Shape shape, std::int32_t shift, const Requant& requant) {
  Divide d;
  d.a = x, d.b = by, d.shift = shift;
  return add(b, "Div", std::move(shape), requant, d);
}

TensorId add_one_hot(Builder& b, TensorId x, std::int64_t depth) {
  Shape shape = b.spec(x).shape;
  shape.push_back(depth);
  OneHot h;
  h.x = x, h.depth = depth;
  return add(b, "OneHot", std::move(shape), 0, 0, 1, h);
}

Program every_row_op() {
  Builder b;
  const TensorId x = b.input({2, 4}, -15, 15, 3);
  const TensorId n =
      add_normalize(b, x, 4, true, 3, 16, b.weight({4}, 15), b.weight({4}, 900), simple_requant(11, Function::identity, 5, 3));
  const TensorId m =
      add_normalize(b, x, 4, false, 1, 14, std::nullopt, std::nullopt, simple_requant(6, Function::identity, 5, 3));
  Contract scores, mix;
  scores.letters = {2, 2, 4}, scores.kept = 2;
  scores.a = factor(n, {2, 4}, {0, 2}), scores.b = factor(m, {2, 4}, {1, 2});
  const TensorId s = b.contract(scores, {2, 2}, table_requant(4, [](double v) { return 1.5 - v * v; }, 4, 1));
  const TensorId p = add_softmax(b, add_softmax(b, s, 2, 9, 4, {1, 0, 1, 1}), 2, 8, 4);
  mix.letters = {2, 4, 2}, mix.kept = 2;
  mix.a = factor(p, {2, 2}, {0, 2}), mix.b = factor(x, {2, 4}, {2, 1});
  const TensorId y = b.contract(mix, {2, 4}, simple_requant(4, Function::identity, 5, 3));
  const TensorId top = add_extreme(b, y, 4, false, false);
  add_extreme(b, y, 4, true, true, true);
  const TensorId first = add_extreme(b, y, 4, false, true);
  Requant positive = simple_requant(0, Function::identity, 5, 3);
  positive.activation.lo = 1;
  const TensorId by = b.reduce({top, 0, {1, 2}, 1, {1, 2}, {{0, {{0, 1}}}, {0, {{1, 1}}}}, 1, {}}, {1}, positive);
  add_divide(b, y, by, {2, 4}, 3, simple_requant(0, Function::identity, 6, 3));
  add_one_hot(b, first, 4);
  return b.done();
}

void random_row_op(Builder& b, Rng& rng, TensorId x) {
  const auto in = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
  };
  const auto coin = [&] { return in(0, 1) == 1; };
  const TensorSpec s = b.spec(x);
  const std::int64_t all = elements(s.shape), last = s.shape.back();
  const std::int64_t n = in(0, 9) == 0                               ? 1
                         : coin() && all < 400 && s.shape.size() > 1 ? last * s.shape[s.shape.size() - 2]
                                                                     : last;
  const auto requant = [&](std::int32_t shift) {
    Requant r = simple_requant(shift, static_cast<Function>(in(0, 3)), static_cast<unsigned>(in(8, 14)));
    return r;
  };
  switch (in(0, 4)) {
    case 0: {
      const bool index = coin();
      add_extreme(b, x, n, coin(), index, index && coin());
      break;
    }
    case 1: {
      std::vector<std::uint8_t> visible;
      const std::int64_t rows = all / n;
      if (coin()) {
        const std::int64_t mask_rows = coin() ? rows : 1;
        visible.resize(static_cast<std::size_t>(mask_rows * n));
        for (auto& v : visible) v = static_cast<std::uint8_t>(in(0, 3) != 0);
        for (std::int64_t r = 0; r < mask_rows; ++r) visible[static_cast<std::size_t>(r * n + in(0, n - 1))] = 1;
      }
      add_softmax(b, x, n, static_cast<std::uint32_t>(in(8, 14)), static_cast<std::int32_t>(in(6, 13)), visible);
      break;
    }
    case 2: {
      std::optional<WeightId> gamma, beta;
      if (coin()) gamma = b.weight({n}, 2047);
      if (coin()) beta = b.weight({n}, std::int64_t{1} << 30);
      const auto half = static_cast<std::int32_t>(in(14, 20));
      add_normalize(b, x, n, coin(), coin() ? 1 : in(1, 1000), static_cast<std::uint32_t>(2 * half), gamma, beta,
                    requant(half + (gamma ? 11 : 0) - static_cast<std::int32_t>(in(6, 10))));
      break;
    }
    case 3: {
      // A divisor at least one: x squeezed through a sum of its own.
      Requant positive = simple_requant(0, Function::identity, 10);
      positive.activation.lo = in(1, 9);
      const bool row = coin() && s.shape.size() > 1;
      TensorId by = x;
      if (row) by = add_extreme(b, x, last, false, false);
      Shape shape = b.spec(by).shape;
      if (row) shape = s.shape, shape.back() = 1;
      Sum sum;
      if (row) {  // (rows) is read as (..., 1)
        Rearrange r;
        r.y_axes = {elements(shape)};
        r.pieces = {{by, {elements(shape)}, {{0, {{0, 1}}}}}};
        by = b.rearrange(r, shape, s.lo, s.hi);
      }
      by = b.sum({{false, by, 1}}, shape, positive);
      add_divide(b, x, by, s.shape, static_cast<std::int32_t>(in(0, 9)), requant(static_cast<std::int32_t>(in(0, 2))));
      break;
    }
    default:
      if (all <= 300) {
        Requant r = simple_requant(static_cast<std::int32_t>(in(0, 7)), Function::identity, 8, 0);
        r.activation.lo = in(0, 1), r.activation.hi = in(2, 9);
        add_one_hot(b, b.sum({{false, x, 1}}, s.shape, r), r.activation.hi + in(1, 3));
      }
  }
}

Program random_row_program(Rng& rng, std::size_t max_ops) {
  const auto in = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
  };
  Builder b;
  const std::int64_t top = (std::int64_t{1} << in(3, 12)) - 1;
  Shape shape{in(1, 5), in(1, 9)};
  if (in(0, 1) == 1) shape.insert(shape.begin(), in(1, 3));
  b.input(shape, in(0, 2) == 0 ? 0 : -top, top, static_cast<std::int32_t>(in(2, 9)));
  for (std::size_t tries = 0; b.program.ops.size() < max_ops && tries < 4 * max_ops; ++tries) {
    const Program before = b.program;
    random_row_op(b, rng, static_cast<TensorId>(in(0, static_cast<std::int64_t>(b.program.tensors.size()) - 1)));
    if (!check_program(b.done())) b.program = before;
  }
  return b.done();
}

}  // namespace dsperse::quantize::testing
