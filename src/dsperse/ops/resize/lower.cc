// Resize and Upsample: mode nearest moves data, the others are products with one constant matrix an axis.
#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/move.h"
#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

using model::Node;
using quantize::Lowering;
using quantize::Value;

namespace {

/// For each element of the output: `value` where one of its positions is outside of the crop, else 0.
std::vector<float> outside_of(const Resizing& r, float value) {
  std::vector<float> out;
  const auto n = quantize::elements(r.out);
  for (std::int64_t i = 0; i < n; ++i) {
    bool outside = false;
    std::int64_t rest = i;
    for (std::size_t k = r.out.size(); k-- > 0; rest /= r.out[k])
      outside = outside || (!r.axes[k].empty() && r.axes[k][static_cast<std::size_t>(rest % r.out[k])].empty());
    out.push_back(outside ? value : 0.0F);
  }
  return out;
}

}  // namespace

Status lower_resize(Lowering& l, const Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const Resizing r, resolve_resize(inputs.call()));
  if (r.nearest) return lower_moved(l, node, {0}, evaluate_resize, static_cast<double>(r.extrapolation));
  const bool extrapolated = r.has_outside() && r.extrapolation != 0;
  DSPERSE_TRY(Value x, l.tensor(node, 0));
  std::vector<std::size_t> changed;
  for (std::size_t k = 0; k < r.axes.size(); ++k)
    if (!r.axes[k].empty()) changed.push_back(k);
  if (changed.empty()) {
    l.alias(node, x, x.view);
    return {};
  }
  const std::string source = x.name;
  for (const std::size_t k : changed) {
    model::Shape shape = x.view.shape;
    const std::int64_t from = shape[k], to = static_cast<std::int64_t>(r.axes[k].size());
    shape[k] = to;
    model::Tensor matrix = zeros({model::DType::f32, {to, from}, nullptr});
    for (std::size_t o = 0; o < r.axes[k].size(); ++o)
      for (const auto& [i, w] : r.axes[k][o])
        matrix.f[o * static_cast<std::size_t>(from) + static_cast<std::size_t>(i)] += static_cast<float>(w);
    quantize::Operand data{x, nullptr, {}}, by{std::nullopt, &matrix, {}};
    std::vector<std::uint32_t> out;
    for (std::uint32_t a = 0; a < shape.size(); ++a) data.letters.push_back(a), out.push_back(a);
    out[k] = static_cast<std::uint32_t>(shape.size());
    by.letters = {out[k], static_cast<std::uint32_t>(k)};
    const bool last = k == changed.back();
    if (last && !extrapolated) return l.contract(node, data, by, out);
    // The last step is the output itself, but for what lies outside: the product leaves zeros there.
    const std::vector<std::int64_t> none(static_cast<std::size_t>(quantize::elements(shape)), -1);
    const Node step = l.inner(node, "axis " + std::to_string(k), {shape, last ? node.outputs[0] : source, none, false});
    DSPERSE_CHECK_OK(l.contract(step, data, by, out));
    x = l.value_of(step);
  }
  return l.sum(node, {{x, {}, {}, 1}, {{}, r.out, outside_of(r, r.extrapolation), 1}});
}

}  // namespace dsperse::ops
