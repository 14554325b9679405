#include "dsperse/quantize/testing/programs.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/quantize/window.h"

namespace dsperse::quantize::testing {

TensorId Builder::tensor(Shape shape, std::int32_t exponent, std::int64_t lo, std::int64_t hi) {
  program.tensors.push_back(
      {std::string("t").append(std::to_string(program.tensors.size())), std::move(shape), exponent, lo, hi});
  return static_cast<TensorId>(program.tensors.size() - 1);
}

TensorId Builder::input(Shape shape, std::int64_t lo, std::int64_t hi, std::int32_t exponent) {
  program.inputs.push_back(tensor(std::move(shape), exponent, lo, hi));
  return program.inputs.back();
}

WeightId Builder::weight(Shape shape, std::int64_t max_abs) {
  program.weights.push_back({std::string("w").append(std::to_string(program.weights.size())), std::move(shape), max_abs});
  return static_cast<WeightId>(program.weights.size() - 1);
}

TensorId Builder::add(std::string type, Shape shape, const Requant& r, auto body) {
  body.y = tensor(std::move(shape), r.activation.out_exponent, r.activation.lo, r.activation.hi);
  body.requant = r;
  program.ops.push_back({"op" + std::to_string(program.ops.size()), std::move(type), body});
  return body.y;
}

TensorId Builder::conv(TensorId x, std::int64_t outputs, Window window, Requant requant, std::int64_t groups, bool bias,
                       std::int64_t w_max) {
  const Shape s = spec(x).shape;
  Conv c;
  c.x = x;
  c.groups = groups;
  c.window = window;
  c.w = weight({outputs, window.kernel[0], window.kernel[1], s[3] / groups}, w_max);
  if (bias) c.bias = weight({outputs}, 1 << 20);
  return add("Conv", {s[0], window_outputs(window, 0, s[1]), window_outputs(window, 1, s[2]), outputs}, requant, c);
}

TensorId Builder::gemm(TensorId x, std::int64_t inner, std::int64_t outputs, Requant requant, bool bias, std::int64_t w_max) {
  Gemm g;
  g.x = x;
  g.w = weight({outputs, inner}, w_max);
  if (bias) g.bias = weight({outputs}, 1 << 20);
  return add("Gemm", {elements(spec(x).shape) / inner, outputs}, requant, g);
}

TensorId Builder::sum(std::vector<Sum::Term> terms, Shape shape, Requant requant) {
  Sum s;
  s.terms = std::move(terms);
  return add("Add", std::move(shape), requant, s);
}

TensorId Builder::average(TensorId x, Window window, bool count_include_pad, std::array<std::int64_t, 2> counted_pad_end,
                          Requant requant) {
  const Shape s = spec(x).shape;
  AveragePool p;
  p.x = x;
  p.window = window;
  p.count_include_pad = count_include_pad;
  p.counted_pad_end = counted_pad_end;
  return add("AveragePool", {s[0], window_outputs(window, 0, s[1]), window_outputs(window, 1, s[2]), s[3]}, requant, p);
}

TensorId Builder::maximum(TensorId x, Window window) {
  const TensorSpec s = spec(x);
  const TensorId y =
      tensor({s.shape[0], window_outputs(window, 0, s.shape[1]), window_outputs(window, 1, s.shape[2]), s.shape[3]}, s.exponent,
             s.lo, s.hi);
  program.ops.push_back({"op" + std::to_string(program.ops.size()), "MaxPool", MaxPool{x, y, window}});
  return y;
}

TensorId Builder::rearrange(Rearrange r, Shape shape, std::int64_t lo, std::int64_t hi) {
  r.y = tensor(std::move(shape), spec(r.pieces.at(0).x).exponent, lo, hi);
  program.ops.push_back({"op" + std::to_string(program.ops.size()), "Transpose", r});
  return r.y;
}

TensorId Builder::contract(Contract c, Shape shape, Requant requant) {
  return add("MatMul", std::move(shape), requant, std::move(c));
}

TensorId Builder::reduce(Reduce r, Shape shape, Requant requant) {
  return add("ReduceSum", std::move(shape), requant, std::move(r));
}

Program Builder::done() {
  std::vector<bool> read(program.tensors.size(), false);
  for (const auto& op : program.ops)
    for (const auto id : op_inputs(op)) read[id] = true;
  program.outputs.clear();
  for (TensorId id = 0; id < read.size(); ++id)
    if (!read[id]) program.outputs.push_back(id);
  return program;
}

Requant simple_requant(std::int32_t shift, Function f, unsigned bits, std::int32_t exponent) {
  const std::int64_t top = (std::int64_t{1} << (bits - 1)) - 1;
  Requant r;
  r.shift = {shift};
  r.clamp_bits = bits - 1;
  r.activation = {f, exponent, exponent, f == Function::relu || f == Function::sigmoid ? 0 : -top, top, 0, 0};
  if (f == Function::leaky_relu) r.activation.a = 1677722;  // 0.1
  if (f == Function::clip) r.activation.a = -top / 3, r.activation.b = top / 2;
  return r;
}

Requant table_requant(std::int32_t shift, double (*of)(double), unsigned bits, std::int32_t exponent) {
  Requant r = simple_requant(shift, Function::table, bits, exponent);
  Activation& a = r.activation;
  a.label = "test";
  const std::int64_t c = std::int64_t{1} << r.clamp_bits;
  for (std::int64_t v = -c; v < c; ++v) {
    const double y = std::ldexp(of(std::ldexp(static_cast<double>(v), -exponent)), exponent);
    a.values.push_back(
        static_cast<std::int32_t>(std::llround(std::clamp(y, static_cast<double>(a.lo), static_cast<double>(a.hi)))));
  }
  return r;
}

Contract::Factor factor(TensorId tensor, Shape axes, const std::vector<std::uint32_t>& letters) {
  Contract::Factor f{false, tensor, std::move(axes), {}};
  for (const auto l : letters) f.maps.push_back({0, {{l, 1}}});
  f.maps.resize(f.axes.size());  // axes of size 1 without a letter
  return f;
}
Contract::Factor weight_factor(WeightId weight, Shape axes, const std::vector<std::uint32_t>& letters) {
  Contract::Factor f = factor(weight, std::move(axes), letters);
  f.is_weight = true;
  return f;
}

namespace {

struct Draw {
  Rng& rng;
  std::int64_t in(std::int64_t low, std::int64_t high) { return std::uniform_int_distribution<std::int64_t>(low, high)(rng); }
  bool coin() { return in(0, 1) == 1; }

  Requant requant(std::int32_t typical_shift, std::int64_t channels) {
    const auto f = static_cast<Function>(in(0, 6));
    Requant r = simple_requant(0, f, static_cast<unsigned>(in(8, 16)), static_cast<std::int32_t>(in(4, 10)));
    if (f == Function::sigmoid || f == Function::tanh) r.activation.in_exponent = static_cast<std::int32_t>(in(2, 9));
    if (f == Function::table) {  // few different ones, so that some are shared
      r = table_requant(
          0, coin() ? +[](double x) { return x * std::sin(x); } : +[](double x) { return std::exp(-x * x); }, coin() ? 9 : 12, 6);
      r.activation.in_exponent = static_cast<std::int32_t>(in(-3, 3));
    }
    r.shift.assign(coin() ? 1 : static_cast<std::size_t>(channels), 0);
    for (auto& s : r.shift) s = static_cast<std::int32_t>(in(std::max(-3, typical_shift - 4), typical_shift + 4));
    return r;
  }

  /// A window that fits into `image`, any geometry.
  Window window(const Shape& image, bool pools) {
    for (;;) {
      Window w;
      bool fits = true;
      for (std::size_t k = 0; k < 2; ++k) {
        w.kernel[k] = in(1, 4), w.stride[k] = in(1, 3), w.dilation[k] = in(1, 2);
        w.pad_begin[k] = in(0, pools ? w.kernel[k] - 1 : 3), w.pad_end[k] = in(0, pools ? w.kernel[k] - 1 : 3);
        const std::int64_t size = image[k + 1], outputs = window_outputs(w, k, size);
        fits = fits && outputs > 0;
        for (std::int64_t o = 0; fits && pools && o < outputs; ++o) fits = window_taps(w, k, o, 0, size).count() > 0;
      }
      if (fits) return w;
    }
  }
};

/// A Rearrange of x (any rank): permutes a refinement of its axes, or pads, strides, flips, joins it with itself.
TensorId random_rearrange(Builder& b, Draw& d, TensorId x) {
  const TensorSpec s = b.spec(x);
  Rearrange r;
  Shape shape;
  const auto kind = d.in(0, 2);
  if (kind == 0) {  // permutation
    std::vector<std::uint32_t> order(s.shape.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = static_cast<std::uint32_t>(k);
    std::shuffle(order.begin(), order.end(), d.rng);
    Rearrange::Piece piece{x, s.shape, std::vector<AxisMap>(order.size())};
    for (std::uint32_t k = 0; k < order.size(); ++k) {
      shape.push_back(s.shape[order[k]]);
      piece.maps[order[k]] = {0, {{k, 1}}};
    }
    r.pieces = {piece};
  } else if (kind == 1) {  // pad, stride, flip on each axis
    Rearrange::Piece piece{x, s.shape, {}};
    for (std::uint32_t k = 0; k < s.shape.size(); ++k) {
      const std::int64_t coef = d.coin() ? 1 : d.in(-2, 2) | 1, offset = coef < 0 ? s.shape[k] - 1 + d.in(0, 2) : d.in(-2, 1);
      shape.push_back(s.shape[k] + d.in(0, 2));
      piece.maps.push_back({offset, {{k, coef}}});
    }
    r.fill = d.in(s.lo, s.hi);
    r.pieces = {piece};
  } else {  // concatenation along one axis, the second copy in a window of the first axis pair read as one
    const auto axis = static_cast<std::uint32_t>(d.in(0, static_cast<std::int64_t>(s.shape.size()) - 1));
    shape = s.shape;
    shape[axis] = 2 * s.shape[axis] + d.in(0, 1);
    for (std::int64_t copy = 0; copy < 2; ++copy) {
      Rearrange::Piece piece{x, s.shape, {}};
      for (std::uint32_t k = 0; k < s.shape.size(); ++k) piece.maps.push_back({k == axis ? -copy * s.shape[axis] : 0, {{k, 1}}});
      r.pieces.push_back(piece);
    }
    r.fill = d.in(s.lo, s.hi);
  }
  r.y_axes = shape;
  return b.rearrange(r, shape, s.lo, s.hi);
}

/// Element-wise products, products of rows with each other (batched or not), products read askew, all with broadcasting weights.
void random_contract(Builder& b, Draw& d, TensorId x) {
  const TensorSpec s = b.spec(x);
  const auto rank = static_cast<std::uint32_t>(s.shape.size());
  std::vector<std::uint32_t> all(rank);
  for (std::uint32_t k = 0; k < rank; ++k) all[k] = k;
  Contract c;
  Shape shape = s.shape;
  switch (d.in(0, 3)) {
    case 0: {  // with itself, a tensor of its shape, or a weight that repeats
      c.letters = s.shape, c.kept = rank;
      c.a = factor(x, s.shape, all), c.b = c.a;
      for (TensorId other = 0; other < b.program.tensors.size(); ++other)
        if (b.spec(other).shape == s.shape && d.coin()) c.b.id = other;
      if (d.coin()) c.b = weight_factor(b.weight({s.shape.back()}, 2047), {s.shape.back()}, {rank - 1});
      break;
    }
    case 1: {  // rows with rows
      const std::int64_t inner = s.shape.back(), rows = elements(s.shape) / inner, outputs = d.in(1, 20);
      c.letters = {rows, rows, inner}, c.kept = 2;
      c.a = factor(x, {rows, inner}, {0, 2}), c.b = factor(x, {rows, inner}, {1, 2});
      if (d.coin()) {
        c.letters[1] = outputs;
        c.b = weight_factor(b.weight({inner, outputs}, 2047), {inner, outputs}, {2, 1});
      }
      if (d.coin()) std::swap(c.a, c.b);
      shape = {rows, c.letters[1]};
      break;
    }
    case 2: {  // batched, the product of columns with columns
      const std::int64_t batch = s.shape[0], last = s.shape.back(), inner = rank > 1 ? elements(s.shape) / batch / last : 1;
      c.letters = rank > 1 ? Shape{batch, last, last, inner} : Shape{batch, 1, 1, 1};
      c.kept = 3;
      c.a = factor(x, {batch, inner, c.letters[1]}, {0, 3, 1}), c.b = factor(x, {batch, inner, c.letters[1]}, {0, 3, 2});
      if (d.coin()) {  // the batch between the two
        std::swap(c.letters[0], c.letters[1]);
        for (auto* f : {&c.a, &c.b})
          for (auto& m : f->maps)
            if (m.parts[0].first < 2) m.parts[0].first = 1 - m.parts[0].first;
      }
      shape = {c.letters[0], c.letters[1], c.letters[2]};
      break;
    }
    default: {  // read with strides, flips and beyond the ends
      c.letters = s.shape, c.kept = rank;
      c.a = factor(x, s.shape, all), c.b = c.a;
      for (std::uint32_t k = 0; k < rank; ++k)
        c.b.maps[k] = d.coin() ? AxisMap{s.shape[k] - 1 + d.in(0, 1), {{k, -1}}} : AxisMap{d.in(-2, 1), {{k, d.in(1, 2)}}};
      if (rank > 1 && d.coin()) {
        c.letters.push_back(d.in(1, 3));  // a window along the last axis
        c.a.maps[rank - 1].parts.emplace_back(rank, 1);
        c.b.maps[rank - 1].parts.emplace_back(rank, d.in(1, 2));
      }
    }
  }
  b.contract(std::move(c), shape, d.requant(12, shape.back()));
}

/// Sums some axes of x, the rest in order; now and then read askew.
void random_reduce(Builder& b, Draw& d, TensorId x) {
  const TensorSpec s = b.spec(x);
  Reduce r;
  r.x = x, r.axes = s.shape;
  r.maps.resize(s.shape.size());
  for (const bool keep : {true, false}) {
    if (!keep) r.kept = static_cast<std::uint32_t>(r.letters.size());
    for (std::size_t k = 0; k < s.shape.size(); ++k) {
      if (!r.maps[k].parts.empty() || (keep && d.coin())) continue;
      r.maps[k] = {d.in(0, 7) == 0 ? -1 : 0, {{static_cast<std::uint32_t>(r.letters.size()), 1}}};
      r.letters.push_back(s.shape[k]);
    }
  }
  if (r.kept == 0) return;
  const Shape shape(r.letters.begin(), r.letters.begin() + r.kept);
  const bool mean = d.coin();
  r.coef = mean ? 1 + (1 << 16) / (elements(s.shape) / elements(shape)) : d.in(1, 3);
  b.reduce(std::move(r), shape, d.requant(mean ? 16 : 4, shape.back()));
}

void random_op(Builder& b, Draw& d) {
  const auto x = static_cast<TensorId>(d.in(0, static_cast<std::int64_t>(b.program.tensors.size()) - 1));
  const TensorSpec s = b.spec(x);
  const bool image = s.shape.size() == 4 && elements(s.shape) < 4000;
  switch (d.in(0, 8)) {
    case 0:
      if (image) {
        const std::int64_t c = s.shape[3], groups = d.coin() ? 1 : c, outputs = groups * d.in(1, groups == 1 ? 35 : 2);
        if (const Window w = d.window(s.shape, false); outputs < 60)
          b.conv(x, outputs, w, d.requant(12, outputs), groups, d.coin(), d.coin() ? 2047 : 32767);
      }
      break;
    case 1: {
      const std::int64_t n = elements(s.shape), last = s.shape.back();
      const std::int64_t outputs = d.in(1, 40);
      b.gemm(x, d.coin() && n < 3000 ? n : last, outputs, d.requant(12, outputs), d.coin(), d.coin() ? 2047 : 32767);
      break;
    }
    case 2: {
      std::vector<Sum::Term> terms{{false, x, d.in(0, 1) == 0 ? 1 : -16}};
      for (TensorId other = 0; other < b.program.tensors.size(); ++other)
        if (b.spec(other).shape == s.shape && d.coin() && terms.size() < 4)
          terms.push_back({false, other, std::int64_t{1} << d.in(0, 6)});
      if (d.coin()) terms.push_back({true, b.weight({s.shape.back()}, 1 << 18), d.coin() ? 1 : -3});
      if (d.coin()) terms.push_back({true, b.weight({1}, 100), 1});
      b.sum(terms, s.shape, d.requant(3, s.shape.back()));
      break;
    }
    case 3:
      if (image) {
        const Window w = d.window(s.shape, true);
        b.average(x, w, d.coin(), {d.in(0, w.pad_end[0]), d.in(0, w.pad_end[1])}, d.requant(16, s.shape[3]));
      }
      break;
    case 4:
      if (image) b.maximum(x, d.window(s.shape, true));
      break;
    case 5:
      if (elements(s.shape) < 1000) random_contract(b, d, x);
      break;
    case 6:
      random_reduce(b, d, x);
      break;
    case 7:
      random_row_op(b, d.rng, x);
      break;
    default:
      if (elements(s.shape) < 3000) random_rearrange(b, d, x);
  }
}

template <class T>
T extreme_or_uniform(Rng& rng, std::int64_t low, std::int64_t high) {
  Draw d{rng};
  return static_cast<T>(d.in(0, 7) == 0 ? (d.coin() ? low : high) : d.in(low, high));
}

}  // namespace

Program random_program(Rng& rng, std::size_t max_ops) {
  Draw d{rng};
  Builder b;
  const std::int64_t top = (std::int64_t{1} << d.in(7, 15)) - 1;
  b.input({d.in(1, 2), d.in(1, 9), d.in(1, 9), d.in(1, 19)}, d.coin() ? 0 : -top, top);
  if (d.coin()) b.input(b.spec(0).shape, -top, top);
  if (d.coin()) b.input({d.in(1, 4), d.in(1, 70)}, -top, top);
  for (std::size_t tries = 0; b.program.ops.size() < max_ops && tries < 4 * max_ops; ++tries) {
    const Program before = b.program;
    random_op(b, d);
    if (!check_program(b.done())) b.program = before;  // a bound or a broadcast that doesn't hold: draw again
  }
  return b.done();
}

WeightStore random_weights(const Program& program, Rng& rng) {
  WeightStore store(program.weights.size());
  for (std::size_t i = 0; i < store.size(); ++i) {
    const WeightSpec& w = program.weights[i];
    const auto n = static_cast<std::size_t>(elements(w.shape));
    for (std::size_t k = 0; k < n; ++k) {
      if (w.max_abs <= kMaxNarrowWeight)
        store[i].narrow.push_back(extreme_or_uniform<std::int16_t>(rng, -w.max_abs, w.max_abs));
      else
        store[i].wide.push_back(extreme_or_uniform<std::int64_t>(rng, -w.max_abs, w.max_abs));
    }
  }
  return store;
}

TensorStore random_inputs(const Program& program, Rng& rng) {
  TensorStore store(program.tensors.size());
  for (const auto id : program.inputs) {
    const TensorSpec& t = program.tensors[id];
    store[id].resize(static_cast<std::size_t>(elements(t.shape)));
    for (auto& x : store[id]) x = extreme_or_uniform<std::int32_t>(rng, t.lo, t.hi);
  }
  return store;
}

}  // namespace dsperse::quantize::testing
