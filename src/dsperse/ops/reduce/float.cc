#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "dsperse/ops/reduce/reduce.h"

namespace dsperse::ops {

using model::DType;
using model::EvaluateCall;
using model::Shape;
using model::Tensor;

namespace {

using Int = std::int64_t;
using Ints = std::vector<Int>;

Int product(const Shape& shape) { return std::accumulate(shape.begin(), shape.end(), Int{1}, std::multiplies<>()); }

Int wrapped(std::uint64_t x) { return static_cast<Int>(x); }
std::uint64_t bits(Int x) { return static_cast<std::uint64_t>(x); }

/// A row of values in double, in row-major order of the reduced axes.
double reduce_reals(const std::string& op, const std::vector<double>& row) {
  double sum = 0;
  if (op == "ReduceMax") return *std::ranges::max_element(row);
  if (op == "ReduceMin") return *std::ranges::min_element(row);
  if (op == "ReduceProd") {
    sum = 1;
    for (const double x : row) sum *= x;
    return sum;
  }
  if (op == "ReduceLogSumExp") {
    if (row.empty()) return -std::numeric_limits<double>::infinity();
    const double top = *std::ranges::max_element(row);
    if (!std::isfinite(top)) return top;
    for (const double x : row) sum += std::exp(x - top);
    return top + std::log(sum);
  }
  const bool square = op == "ReduceL2" || op == "ReduceSumSquare", magnitude = op == "ReduceL1";
  for (const double x : row) sum += square ? x * x : magnitude ? std::fabs(x) : x;
  if (op == "ReduceMean") return sum / static_cast<double>(row.size());
  if (op == "ReduceL2") return std::sqrt(sum);
  return op == "ReduceLogSum" ? std::log(sum) : sum;
}

/// Sums and products wrap; a mean goes towards zero.
Int reduce_integers(const std::string& op, const Ints& row) {
  if (op == "ReduceMax") return std::ranges::max(row);
  if (op == "ReduceMin") return std::ranges::min(row);
  std::uint64_t sum = op == "ReduceProd" ? 1 : 0;
  for (const Int x : row) {
    if (op == "ReduceProd")
      sum *= bits(x);
    else if (op == "ReduceSumSquare")
      sum += bits(x) * bits(x);
    else
      sum += op == "ReduceL1" && x < 0 ? 0 - bits(x) : bits(x);
  }
  return op == "ReduceMean" ? wrapped(sum) / static_cast<Int>(row.size()) : wrapped(sum);
}

/// start(outer index) + step * k are the elements of a row along one axis; `rows` of them in row-major order of the other axes.
struct Lines {
  Lines(const Shape& shape, std::size_t axis) : length(shape[axis]) {
    for (std::size_t k = 0; k < axis; ++k) outer *= shape[k];
    for (std::size_t k = axis + 1; k < shape.size(); ++k) step *= shape[k];
  }
  [[nodiscard]] Int rows() const { return outer * step; }
  [[nodiscard]] std::size_t at(Int row, Int k, Int extent) const {
    return static_cast<std::size_t>((row / step * extent + k) * step + row % step);
  }
  [[nodiscard]] std::size_t at(Int row, Int k) const { return at(row, k, length); }
  Int length, outer = 1, step = 1;
};

/// x[i] before x[j] by value alone.
bool larger(const Tensor& x, std::size_t i, std::size_t j) { return x.dtype == DType::f32 ? x.f[i] > x.f[j] : x.i[i] > x.i[j]; }

}  // namespace

Evaluated evaluate_reduce(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_reduce));
  const KnownInputs known(call);
  DSPERSE_TRY(const Reduction r, reduction_of(known.call()));
  const Tensor& x = *call.inputs[0];
  std::vector<Tensor> out{zeros(infos[0])};
  // Kept axes outside, reduced axes inside.
  const Ints own = strides_of(x.shape);
  Shape kept, gone;
  Ints kept_strides, gone_strides;
  for (std::size_t k = 0; k < x.shape.size(); ++k) {
    const bool reduced = std::ranges::find(r.axes, k) != r.axes.end();
    (reduced ? gone : kept).push_back(x.shape[k]);
    (reduced ? gone_strides : kept_strides).push_back(own[k]);
  }
  std::vector<double> reals(x.dtype == DType::f32 ? static_cast<std::size_t>(product(gone)) : 0);
  Ints integers(x.dtype == DType::f32 ? 0 : static_cast<std::size_t>(product(gone)));
  walk(kept, kept_strides, 0, [&](Int o, Int start) {
    walk(gone, gone_strides, start, [&](Int k, Int i) {
      const auto to = static_cast<std::size_t>(k), from = static_cast<std::size_t>(i);
      if (x.dtype == DType::f32)
        reals[to] = static_cast<double>(x.f[from]);
      else
        integers[to] = x.i[from];
    });
    if (x.dtype == DType::f32)
      out[0].f[static_cast<std::size_t>(o)] = static_cast<float>(reduce_reals(call.node.op, reals));
    else
      out[0].i[static_cast<std::size_t>(o)] = reduce_integers(call.node.op, integers);
  });
  return out;
}

Evaluated evaluate_arg(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_arg));
  const Tensor& x = *call.inputs[0];
  DSPERSE_TRY(const Int given, call.node.int_or("axis", 0));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.shape.size(), "attribute 'axis'"));
  DSPERSE_TRY(const Int last, call.node.int_or("select_last_index", 0));
  const bool max = call.node.op == "ArgMax";
  const Lines lines(x.shape, axis);
  std::vector<Tensor> out{zeros(infos[0])};
  for (Int row = 0; row < lines.rows(); ++row) {
    Int best = 0;
    for (Int k = 1; k < lines.length; ++k) {
      const std::size_t a = lines.at(row, k), b = lines.at(row, best);
      const bool better = max ? larger(x, a, b) : larger(x, b, a);
      if (better || (last != 0 && !larger(x, a, b) && !larger(x, b, a))) best = k;
    }
    out[0].i[static_cast<std::size_t>(row)] = best;
  }
  return out;
}

Evaluated evaluate_cum_sum(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_cum_sum));
  const Tensor& x = *call.inputs[0];
  DSPERSE_TRY(const std::size_t axis, normal_axis(call.inputs[1]->i[0], x.shape.size(), "axis"));
  DSPERSE_TRY(const Int exclusive, call.node.int_or("exclusive", 0));
  DSPERSE_TRY(const Int reverse, call.node.int_or("reverse", 0));
  const Lines lines(x.shape, axis);
  std::vector<Tensor> out{zeros(infos[0])};
  for (Int row = 0; row < lines.rows(); ++row) {
    double sum = 0;
    std::uint64_t whole = 0;
    for (Int k = 0; k < lines.length; ++k) {
      const std::size_t i = lines.at(row, reverse != 0 ? lines.length - 1 - k : k);
      if (x.dtype == DType::f32) {
        const double before = sum;
        sum += static_cast<double>(x.f[i]);
        out[0].f[i] = static_cast<float>(exclusive != 0 ? before : sum);
      } else {
        const std::uint64_t before = whole;
        whole += bits(x.i[i]);
        out[0].i[i] = wrapped(exclusive != 0 ? before : whole);
      }
    }
  }
  return out;
}

Evaluated evaluate_top_k(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_top_k));
  const KnownInputs known(call);
  DSPERSE_TRY(const TopK form, top_k_of(known.call()));
  DSPERSE_TRY(const Int largest, call.node.int_or("largest", 1));
  const Tensor& x = *call.inputs[0];
  const Lines lines(x.shape, form.axis);
  std::vector<Tensor> out{zeros(infos[0]), zeros(infos[1])};
  Ints order(static_cast<std::size_t>(lines.length));
  for (Int row = 0; row < lines.rows(); ++row) {
    std::iota(order.begin(), order.end(), Int{0});
    std::ranges::stable_sort(order, [&](Int a, Int b) {
      const std::size_t i = lines.at(row, a), j = lines.at(row, b);
      return largest != 0 ? larger(x, i, j) : larger(x, j, i);
    });
    for (Int k = 0; k < form.k; ++k) {
      const std::size_t to = lines.at(row, k, form.k), from = lines.at(row, order[static_cast<std::size_t>(k)]);
      if (x.dtype == DType::f32)
        out[0].f[to] = x.f[from];
      else
        out[0].i[to] = x.i[from];
      out[1].i[to] = order[static_cast<std::size_t>(k)];
    }
  }
  return out;
}

Evaluated evaluate_one_hot(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_one_hot));
  const KnownInputs known(call);
  DSPERSE_TRY(const OneHotForm form, one_hot_of(known.call()));
  const Tensor &x = *call.inputs[0], &values = *call.inputs[2];
  std::vector<Tensor> out{zeros(infos[0])};
  const Lines lines(infos[0].shape, form.axis);
  for (Int row = 0; row < lines.rows(); ++row) {
    const auto i = static_cast<std::size_t>(row);
    const double index = x.dtype == DType::f32 ? std::trunc(static_cast<double>(x.f[i])) : static_cast<double>(x.i[i]);
    const double at = index < 0 ? index + static_cast<double>(form.depth) : index;
    for (Int k = 0; k < form.depth; ++k) {
      const std::size_t on = static_cast<double>(k) == at ? 1 : 0, to = lines.at(row, k);
      if (values.dtype == DType::f32)
        out[0].f[to] = values.f[on];
      else
        out[0].i[to] = values.i[on];
    }
  }
  return out;
}

}  // namespace dsperse::ops
