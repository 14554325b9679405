#include "dsperse/ops/movement/move.h"

#include <algorithm>
#include <optional>

namespace dsperse::ops {

using model::Tensor;
using quantize::Lowering;
using quantize::Value;

namespace {

/// Names of inputs that must be constants, for errors.
std::string role(const model::Node& node, std::size_t i) { return input_text(node, i); }

/// The one value of a constant, if it has one.
std::optional<double> only_value(const Tensor& t) {
  const auto same = [](const auto& v) { return !v.empty() && std::ranges::all_of(v, [&](auto x) { return x == v.front(); }); };
  if (same(t.f)) return static_cast<double>(t.f[0]);
  if (same(t.i)) return static_cast<double>(t.i[0]);
  return std::nullopt;
}

}  // namespace

Status lower_moved(Lowering& l, const model::Node& node, const std::vector<std::size_t>& data,
                   Evaluated (*evaluate)(const model::EvaluateCall&), double fill) {
  std::vector<Tensor> numbered(node.inputs.size());
  std::vector<const Tensor*> inputs(node.inputs.size(), nullptr);
  std::vector<Value> sources;
  std::int64_t count = 0;
  std::optional<double> constants;  // the value of all constants that are moved
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!Lowering::has_input(node, i)) continue;
    const Tensor* known = l.constant(node, i);
    inputs[i] = known;
    if (std::ranges::find(data, i) == data.end()) {
      if (known == nullptr)
        return fail(ErrorKind::unsupported, "depends on the model's input", role(node, i),
                    "where elements are moved to must be known when the model is compiled");
      continue;
    }
    // Elements are numbered from 1 on; 0 is what no data is moved to.
    Tensor& t = numbered[i];
    t = model::int_tensor(known != nullptr ? known->shape : l.shape(node.inputs[i]), {});
    const auto n = static_cast<std::size_t>(quantize::elements(t.shape));
    inputs[i] = &t;
    t.i.assign(n, 0);
    if (known != nullptr) {
      const auto value = only_value(*known);
      if (n == 0) continue;
      if (!value || (constants && *constants != *value))
        return fail(ErrorKind::unsupported, "a constant of different values is joined with computed data", role(node, i),
                    "move the data alone and add the constant");
      constants = value;
      continue;
    }
    DSPERSE_TRY(sources.emplace_back(), l.tensor(node, i));
    for (auto& v : t.i) v = ++count;
  }
  DSPERSE_TRY(const auto moved, evaluate({node, l.graph().opset, inputs}));
  for (std::size_t o = 0; o < node.outputs.size() && o < moved.size(); ++o) {
    if (node.outputs[o].empty() || !l.is_read(node.outputs[o])) continue;
    std::vector<std::int64_t> index = moved[o].i;
    for (auto& v : index) --v;
    DSPERSE_CHECK_OK(l.move(node, sources, index, constants.value_or(fill), o));
  }
  return {};
}

}  // namespace dsperse::ops
