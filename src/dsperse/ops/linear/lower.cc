// Conv, Gemm and BatchNormalization with constant weights; MatMul, also of two activations.
#include "dsperse/ops/common/lower.h"

#include <algorithm>
#include <cmath>

#include "dsperse/ops/lower.h"

namespace dsperse::ops {

using model::Node;
using model::Shape;
using model::Tensor;
using quantize::Lowering;
using quantize::Value;

namespace {

/// b (K, N), or (N, K) if it is transposed already, as (N, K), times alpha.
std::vector<float> rows_of_weights(const Tensor& b, bool transposed, float alpha) {
  const std::int64_t n = b.shape[transposed ? 0 : 1], k = b.shape[transposed ? 1 : 0];
  std::vector<float> w(b.f.size());
  for (std::int64_t o = 0; o < n; ++o)
    for (std::int64_t i = 0; i < k; ++i)
      w[static_cast<std::size_t>(o * k + i)] = alpha * b.f[static_cast<std::size_t>(transposed ? o * k + i : i * n + o)];
  return w;
}

/// Operand i of a product, with a letter for each of its axes.
Result<quantize::Operand> operand(const Lowering& l, const Node& node, std::size_t i, std::vector<std::uint32_t> letters) {
  quantize::Operand out;
  out.letters = std::move(letters);
  if (l.constant(node, i) != nullptr) {
    DSPERSE_TRY(out.constant, l.float_constant(node, i, "the operands"));
  } else {
    DSPERSE_TRY(out.tensor, l.tensor(node, i));
  }
  return out;
}

/// MatMul of anything by anything: the stack's axes are letters 0, 1, ...; then rows, columns, and what is summed.
Status product(Lowering& l, const Node& node) {
  const std::array<Shape, 2> shapes{l.shape(node.inputs[0]), l.shape(node.inputs[1])};
  const auto stack_of = [](const Shape& s) { return s.size() < 2 ? std::size_t{0} : s.size() - 2; };
  const std::size_t stack = std::max(stack_of(shapes[0]), stack_of(shapes[1]));
  auto next = static_cast<std::uint32_t>(stack);
  std::array<std::vector<std::uint32_t>, 2> letters;
  std::vector<std::uint32_t> out;
  for (std::uint32_t axis = 0; axis < stack; ++axis) {
    std::array<std::int64_t, 2> extent{0, 0};  // 0: the operand does not have the axis
    for (std::size_t i = 0; i < 2; ++i)
      if (axis + stack_of(shapes[i]) >= stack) extent[i] = shapes[i][axis + stack_of(shapes[i]) - stack];
    for (std::size_t i = 0; i < 2; ++i) {
      const bool repeats = extent[i] == 1 && (extent[1 - i] > 1 || (i == 1 && extent[0] == 1));
      if (extent[i] != 0) letters[i].push_back(repeats ? quantize::kNoLetter : axis);
    }
    out.push_back(axis);
  }
  if (shapes[0].size() > 1) letters[0].push_back(next), out.push_back(next++);
  const std::uint32_t inner = next++;
  letters[0].push_back(inner);
  letters[1].push_back(inner);
  if (shapes[1].size() > 1) letters[1].push_back(next), out.push_back(next);
  DSPERSE_TRY(quantize::Operand a, operand(l, node, 0, std::move(letters[0])));
  DSPERSE_TRY(quantize::Operand b, operand(l, node, 1, std::move(letters[1])));
  return l.contract(node, std::move(a), std::move(b), out);
}

std::vector<float> times(std::vector<float> values, float factor) {
  for (float& v : values) v *= factor;
  return values;
}

}  // namespace

Status lower_gemm(Lowering& l, const Node& node) {
  DSPERSE_TRY(Value x, l.tensor(node, 0));
  DSPERSE_TRY(const Tensor* b, l.float_constant(node, 1, "the weights"));
  DSPERSE_TRY(const std::int64_t trans_a, node.int_or("transA", 0));
  DSPERSE_TRY(const std::int64_t trans_b, node.int_or("transB", 0));
  DSPERSE_TRY(const float alpha, node.float_or("alpha", 1));
  DSPERSE_TRY(const float beta, node.float_or("beta", 1));
  if (trans_a != 0) x.view = quantize::transposed(x.view, {1, 0});
  std::vector<float> w = rows_of_weights(*b, trans_b != 0, alpha);
  const std::int64_t outputs = l.shape(node.outputs[0]).back();
  if (!Lowering::has_input(node, 2)) return l.gemm(node, x, std::move(w), {});
  DSPERSE_TRY(const Tensor* c, l.float_constant(node, 2, "the values of C"));
  const auto n = static_cast<std::int64_t>(c->f.size());
  if (n == 1) return l.gemm(node, x, std::move(w), std::vector<float>(static_cast<std::size_t>(outputs), beta * c->f[0]));
  if (n != outputs || c->shape.back() != outputs)
    return fail(ErrorKind::unsupported, "C differs from row to row", "input 2", "use MatMul and Add in the model");
  return l.gemm(node, x, std::move(w), times(c->f, beta));
}

// One constant matrix: a Gemm. Otherwise a contraction, whatever is constant.
Status lower_matmul(Lowering& l, const Node& node) {
  if (const Tensor* b = l.constant(node, 1); b != nullptr && l.constant(node, 0) == nullptr) {
    DSPERSE_CHECK_OK(l.float_constant(node, 1, "the weights"));
    Tensor matrix = *b;
    if (matrix.shape.size() == 1) matrix.shape.push_back(1);
    const std::size_t rank = l.shape(node.inputs[0]).size();
    // One matrix for all rows; what more axes of size 1 would add to the output must not be missing in x.
    while (matrix.shape.size() > 2 && matrix.shape.front() == 1 && rank >= matrix.shape.size())
      matrix.shape.erase(matrix.shape.begin());
    if (matrix.shape.size() == 2) {
      DSPERSE_TRY(const Value v, l.tensor(node, 0));
      return l.gemm(node, v, rows_of_weights(matrix, false, 1), {});
    }
  }
  return product(l, node);
}

Status lower_batch_normalization(Lowering& l, const Node& node) {
  DSPERSE_TRY(const Value x, l.tensor(node, 0));
  std::array<const Tensor*, 4> p{};  // scale, bias, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    DSPERSE_TRY(p[i], l.float_constant(node, i + 1, "the parameters"));
  }
  DSPERSE_TRY(const float epsilon, node.float_or("epsilon", 1e-5F));
  if (x.view.shape.size() < 2) return fail(ErrorKind::unsupported, "batch normalization of a vector", "input 0");
  const std::size_t channels = p[0]->f.size();
  std::vector<float> w(channels), bias(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor =
        static_cast<double>(p[0]->f[c]) / std::sqrt(static_cast<double>(p[3]->f[c]) + static_cast<double>(epsilon));
    w[c] = static_cast<float>(factor);
    bias[c] = static_cast<float>(static_cast<double>(p[1]->f[c]) - static_cast<double>(p[2]->f[c]) * factor);
    if (!std::isfinite(w[c]) || !std::isfinite(bias[c]))
      return fail(ErrorKind::bad_input, "the variance of channel " + std::to_string(c) + " is not positive");
  }
  return l.conv(node, x, {}, static_cast<std::int64_t>(channels), std::move(w), std::move(bias));
}

}  // namespace dsperse::ops
