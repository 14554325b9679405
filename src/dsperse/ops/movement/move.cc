#include "dsperse/ops/movement/move.h"

#include <algorithm>
#include <optional>

namespace dsperse::ops {

using model::Tensor;
using quantize::Lowering;
using quantize::Value;

namespace {

/// Numbers of the elements that constants bring are below this; 0 is the fill, data is numbered from 1 on.
constexpr std::int64_t kFirstConstant = -1;

/// A movement into which constants of several values go: the data alone, with zeros elsewhere, plus the rest.
Status move_and_add(Lowering& l, const model::Node& node, const std::vector<Value>& sources,
                    const std::vector<std::int64_t>& index, std::vector<float> rest, std::size_t output) {
  const std::string& name = node.outputs[output];
  std::vector<std::int64_t> own(index.size());
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = index[i] < 0 ? -1 : static_cast<std::int64_t>(i);
  const model::Node data =
      l.inner(node, output == 0 ? "data" : "data " + std::to_string(output), {l.shape(name), name, own, false});
  DSPERSE_CHECK_OK(l.move(data, sources, index));
  model::Node sum = node;
  sum.outputs = {name};
  if (output > 0) sum.name += " output " + std::to_string(output);
  return l.sum(sum, {{l.value_of(data), {}, {}, 1}, {std::nullopt, l.shape(name), std::move(rest), 1}});
}

}  // namespace

Status lower_moved(Lowering& l, const model::Node& node, const std::vector<std::size_t>& data,
                   Evaluated (*evaluate)(const model::EvaluateCall&), double fill) {
  std::vector<Tensor> numbered(node.inputs.size());
  std::vector<const Tensor*> inputs(node.inputs.size(), nullptr);
  std::vector<Value> sources;
  std::vector<double> constants;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!Lowering::has_input(node, i)) continue;
    const Tensor* known = l.constant(node, i);
    inputs[i] = known;
    if (std::ranges::find(data, i) == data.end()) {
      if (known == nullptr)
        return fail(ErrorKind::unsupported, "depends on the model's input", input_text(node, i),
                    "where elements are moved to must be known when the model is compiled");
      continue;
    }
    Tensor& t = numbered[i];
    t = model::int_tensor(known != nullptr ? known->shape : l.shape(node.inputs[i]), {});
    inputs[i] = &t;
    t.i.resize(static_cast<std::size_t>(quantize::elements(t.shape)));
    if (known == nullptr) {
      DSPERSE_TRY(sources.emplace_back(), l.tensor(node, i));
      for (auto& v : t.i) v = ++count;
      continue;
    }
    for (std::size_t k = 0; k < t.i.size(); ++k) {
      t.i[k] = kFirstConstant - static_cast<std::int64_t>(constants.size());
      constants.push_back(known->dtype == model::DType::f32 ? static_cast<double>(known->f[k])
                                                            : static_cast<double>(known->i[k]));
    }
  }
  DSPERSE_TRY(const auto moved, evaluate({node, l.graph().opset, inputs}));
  for (std::size_t o = 0; o < node.outputs.size() && o < moved.size(); ++o) {
    if (node.outputs[o].empty() || !l.is_read(node.outputs[o])) continue;
    std::vector<std::int64_t> index;
    std::optional<double> value;  // of all that is no data
    bool one = true;
    const auto other = [&](std::int64_t v) { return v == 0 ? fill : constants[static_cast<std::size_t>(kFirstConstant - v)]; };
    for (const std::int64_t v : moved[o].i) {
      index.push_back(v > 0 ? v - 1 : -1);
      if (v > 0) continue;
      one = one && (!value || *value == other(v));
      value = other(v);
    }
    if (one) {
      DSPERSE_CHECK_OK(l.move(node, sources, index, value.value_or(0), o));
      continue;
    }
    std::vector<float> rest;
    for (const std::int64_t v : moved[o].i) rest.push_back(v > 0 ? 0 : static_cast<float>(other(v)));
    DSPERSE_CHECK_OK(move_and_add(l, node, sources, index, std::move(rest), o));
  }
  return {};
}

}  // namespace dsperse::ops
