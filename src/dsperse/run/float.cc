#include "dsperse/run/float.h"

#include "dsperse/model/execute.h"

namespace dsperse::run {

using model::Tensor;

Result<std::map<std::string, Tensor>> run_float(const model::Graph& graph, const model::OperatorSet& operators,
                                                const std::map<std::string, Tensor>& inputs) {
  std::map<std::string, Tensor> values;
  for (const model::Port& port : graph.inputs) {
    const std::string where = "input '" + port.name + "'";
    const auto it = inputs.find(port.name);
    if (it == inputs.end()) return fail(ErrorKind::bad_input, "no value given", where);
    if (const auto fits = model::check_tensor(it->second); !fits) return std::unexpected(fits.error().within(where));
    if (it->second.dtype != port.dtype || it->second.shape != port.shape)
      return fail(ErrorKind::bad_input,
                  model::dtype_text(it->second.dtype) + " " + model::shape_text(it->second.shape) + " given, the model takes " +
                      model::dtype_text(port.dtype) + " " + model::shape_text(port.shape),
                  where);
    values.emplace(port.name, it->second);
  }
  if (inputs.size() > graph.inputs.size())
    for (const auto& [name, tensor] : inputs)
      if (!values.contains(name)) return fail(ErrorKind::bad_input, "the model has no such input", "input '" + name + "'");
  const auto find = [&](const std::string& name) -> const Tensor* {
    if (const auto it = values.find(name); it != values.end()) return &it->second;
    const auto it = graph.constants.find(name);
    return it == graph.constants.end() ? nullptr : &it->second;
  };
  for (const model::Node& node : graph.nodes) {
    std::vector<const Tensor*> arguments(node.inputs.size(), nullptr);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (node.inputs[i].empty()) continue;
      arguments[i] = find(node.inputs[i]);
      if (arguments[i] == nullptr)
        return fail(ErrorKind::internal, "input '" + node.inputs[i] + "' has no value", model::node_text(node));
    }
    DSPERSE_TRY(std::vector<Tensor> outputs, model::evaluate_node(node, graph.opset, operators, arguments));
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) values.insert_or_assign(node.outputs[i], std::move(outputs[i]));
  }
  for (const model::Port& port : graph.outputs) {
    const Tensor* value = find(port.name);
    if (value == nullptr) return fail(ErrorKind::internal, "output has no value", "output '" + port.name + "'");
    if (!values.contains(port.name)) values.emplace(port.name, *value);
  }
  return values;
}

}  // namespace dsperse::run
