#include <algorithm>

#include "dsperse/ops/einsum/einsum.h"

namespace dsperse::ops {

using model::EvaluateCall;
using model::Shape;
using model::Tensor;

Evaluated evaluate_einsum(const EvaluateCall& call) {
  DSPERSE_TRY(const auto infos, infer_outputs(call, infer_einsum));
  const KnownInputs known(call);
  DSPERSE_TRY(const Equation e, equation_of(known.call()));
  // Letters of the output first, then the ones that are summed, in their order.
  std::vector<std::uint32_t> letters = e.out, summed;
  for (std::uint32_t l = 0; l < e.extent.size(); ++l)
    if (e.extent[l] != -1 && std::ranges::find(e.out, l) == e.out.end()) summed.push_back(l);
  letters.insert(letters.end(), summed.begin(), summed.end());
  Shape all, sums;
  for (const std::uint32_t l : letters) all.push_back(e.extent[l]);
  for (const std::uint32_t l : summed) sums.push_back(e.extent[l]);
  DSPERSE_CHECK_OK(model::element_count(all));
  DSPERSE_TRY(const std::int64_t summands, model::element_count(sums));
  if (summands > kMaxSummands) return fail(ErrorKind::resource, "sums of more than 2^26 products", "attribute 'equation'");
  // Of every operand the stride of each letter: a repeated one (a diagonal) has the sum of its axes' strides.
  std::vector<std::vector<std::int64_t>> strides;
  for (std::size_t i = 0; i < e.operands.size(); ++i) {
    const Shape& shape = call.inputs[i]->shape;
    const auto step = strides_of(shape);
    auto& of = strides.emplace_back(letters.size(), 0);
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (shape[axis] != 1)
        of[static_cast<std::size_t>(std::ranges::find(letters, e.operands[i][axis]) - letters.begin())] += step[axis];
  }
  const auto tail = static_cast<std::ptrdiff_t>(e.out.size());
  std::vector<Tensor> out{zeros(infos[0])};
  std::vector<std::vector<std::int64_t>> inner;  // where each operand's summand lies, from its first
  for (const auto& of : strides) {
    auto& list = inner.emplace_back();
    walk(sums, {of.begin() + tail, of.end()}, 0, [&](std::int64_t, std::int64_t at) { list.push_back(at); });
  }
  std::vector<std::vector<std::int64_t>> outer(strides.size());
  for (std::size_t i = 0; i < strides.size(); ++i)
    walk(infos[0].shape, {strides[i].begin(), strides[i].begin() + tail}, 0,
         [&](std::int64_t, std::int64_t at) { outer[i].push_back(at); });
  for (std::size_t o = 0; o < out[0].f.size(); ++o) {
    double sum = 0;
    for (std::size_t k = 0; k < inner[0].size(); ++k) {
      double product = 1;
      for (std::size_t i = 0; i < strides.size(); ++i)
        product *= static_cast<double>(call.inputs[i]->f[static_cast<std::size_t>(outer[i][o] + inner[i][k])]);
      sum += product;
    }
    out[0].f[o] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace dsperse::ops
