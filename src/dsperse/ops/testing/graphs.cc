#include "dsperse/ops/testing/graphs.h"

#include <cstdio>
#include <cstdlib>

#include "dsperse/model/execute.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/program.h"

namespace dsperse::ops::testing {

std::string GraphBuilder::input(model::Shape shape, model::DType dtype) {
  const std::string name = "input" + std::to_string(graph.inputs.size());
  graph.inputs.push_back({name, dtype, std::move(shape)});
  graph.values[name] = graph.inputs.back();
  return name;
}

std::string GraphBuilder::constant(model::Shape shape, std::vector<float> values) {
  const std::string name = "constant" + std::to_string(graph.constants.size());
  graph.values[name] = {name, model::DType::f32, shape};
  graph.constants[name] = {model::DType::f32, std::move(shape), std::move(values), {}};
  return name;
}

std::string GraphBuilder::integers(std::vector<std::int64_t> values) {
  const std::string name = "constant" + std::to_string(graph.constants.size());
  const model::Shape shape{static_cast<std::int64_t>(values.size())};
  graph.values[name] = {name, model::DType::i64, shape};
  graph.constants[name] = {model::DType::i64, shape, {}, std::move(values)};
  return name;
}

std::string GraphBuilder::node(const std::string& op, Names inputs, std::map<std::string, model::Attribute> attributes) {
  const std::string number = std::to_string(graph.nodes.size()), name = op + number;
  model::Node n{name, op, std::move(inputs), {"out" + number}, std::move(attributes)};
  std::vector<model::ValueInfo> infos(n.inputs.size());
  std::vector<const model::ValueInfo*> pointers;
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    pointers.push_back(n.inputs[i].empty() ? nullptr : &infos[i]);
    if (n.inputs[i].empty()) continue;
    const model::Port& port = graph.values.at(n.inputs[i]);
    const auto constant_value = graph.constants.find(n.inputs[i]);
    infos[i] = {port.dtype, port.shape, constant_value == graph.constants.end() ? nullptr : &constant_value->second};
  }
  const auto made = model::infer_node(n, graph.opset, float_operators(), pointers);
  if (!made) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), made.error().text().c_str());
    std::abort();
  }
  graph.values[n.outputs[0]] = {n.outputs[0], (*made)[0].dtype, (*made)[0].shape};
  graph.nodes.push_back(std::move(n));
  return graph.nodes.back().outputs[0];
}

void GraphBuilder::output(const std::string& name) { graph.outputs.push_back(graph.values.at(name)); }

std::vector<float> whole_numbers(Rng& rng, const model::Shape& shape, int limit) {
  std::vector<float> v(static_cast<std::size_t>(quantize::elements(shape)));
  for (float& x : v) x = static_cast<float>(std::uniform_int_distribution<int>(-limit, limit)(rng));
  return v;
}

std::vector<float> normal_numbers(Rng& rng, const model::Shape& shape, double deviation) {
  std::vector<float> v(static_cast<std::size_t>(quantize::elements(shape)));
  std::normal_distribution<double> normal(0, deviation);
  for (float& x : v) x = static_cast<float>(normal(rng));
  return v;
}

}  // namespace dsperse::ops::testing
