#include "dsperse/ops/testing/single.h"

#include <gtest/gtest.h>

#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::ops::testing {

using model::Tensor;

Single::Single(const std::string& op, const std::vector<std::optional<Tensor>>& operands, std::size_t outputs,
               Attributes attributes, std::int64_t opset, std::size_t variables) {
  graph.opset = opset;
  model::Node node{"it", op, {}, {}, std::move(attributes)};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    node.inputs.push_back(operands[i] ? "in" + std::to_string(i) : "");
    if (!operands[i]) continue;
    all[node.inputs[i]] = *operands[i];
    if (i < variables)
      graph.inputs.push_back({node.inputs[i], operands[i]->dtype, operands[i]->shape});
    else
      graph.constants[node.inputs[i]] = *operands[i];
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back("out" + std::to_string(i));
    graph.outputs.push_back({node.outputs[i], model::DType::f32, {}});
  }
  graph.nodes = {std::move(node)};
}

std::vector<Tensor> Single::run() {
  const auto status = model::prepare(graph, float_operators());
  EXPECT_TRUE(status) << status.error().text();
  if (!status) return {};
  std::map<std::string, Tensor> inputs;
  for (const auto& port : graph.inputs) inputs[port.name] = all[port.name];
  const auto values = run::run_float(graph, float_operators(), inputs);
  EXPECT_TRUE(values) << values.error().text();
  std::vector<Tensor> out;
  if (values)
    for (const auto& port : graph.outputs) out.push_back(values->at(port.name));
  return out;
}

std::string Single::error() {
  const auto status = model::prepare(graph, float_operators());
  return status ? "accepted" : status.error().text();
}

}  // namespace dsperse::ops::testing
