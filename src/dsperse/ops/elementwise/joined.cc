// Points: a chain of element-wise nodes as one function (model/points.h).
#include <limits>
#include <map>
#include <memory>

#include "dsperse/model/points.h"
#include "dsperse/ops/elementwise/points.h"
#include "dsperse/ops/elementwise/real.h"

namespace dsperse::ops {

using model::Graph;
using model::InferCall;
using model::Tensor;
using model::ValueInfo;

namespace {

/// One node of a body: its function, and where its arguments lie.
struct Step {
  Real f;
  std::vector<std::size_t> arguments;
};

/// Slot 0 is not a number (absent inputs), slot 1 the tensor, then constants and nodes.
struct Steps {
  std::vector<double> slots;
  std::vector<Step> steps;
  std::size_t first = 0;   ///< slot of the first step
  std::size_t result = 0;  ///< slot of the output
};

double value_of(const Tensor& t) { return t.f.empty() ? static_cast<double>(t.i[0]) : static_cast<double>(t.f[0]); }

Result<Steps> steps_of(const Graph& body) {
  const auto malformed = [](const std::string& what) { return fail(ErrorKind::bad_input, what, "attribute 'body'"); };
  if (body.inputs.size() != 1 || body.outputs.size() != 1 || body.nodes.size() > model::kMaxPoints)
    return malformed("is not a function of one number");
  Steps out{{std::numeric_limits<double>::quiet_NaN(), 0}, {}, 0, 0};
  std::map<std::string, std::size_t> slot{{body.inputs[0].name, 1}};
  std::map<std::string, ValueInfo> infos{{body.inputs[0].name, {body.inputs[0].dtype, {}, nullptr}}};
  for (const auto& [name, tensor] : body.constants) {
    if (tensor.f.size() + tensor.i.size() != 1) return malformed("has a constant that is not one number");
    slot.emplace(name, out.slots.size());
    infos.insert_or_assign(name, ValueInfo{tensor.dtype, {}, &tensor});
    out.slots.push_back(value_of(tensor));
  }
  out.first = out.slots.size();
  for (const model::Node& node : body.nodes) {
    std::vector<const ValueInfo*> views;
    Step step;
    for (const std::string& name : node.inputs) {
      const auto from = slot.find(name);
      if (!name.empty() && from == slot.end()) return malformed("reads '" + name + "' before it is made");
      step.arguments.push_back(name.empty() ? 0 : from->second);
      views.push_back(name.empty() ? nullptr : &infos.at(name));
    }
    DSPERSE_TRY(auto f, real_function({node, body.opset, views}));
    const auto made = node.outputs.size() == 1 ? body.values.find(node.outputs[0]) : body.values.end();
    if (!f || made == body.values.end()) return malformed("has a node that is not element-wise: " + node.op);
    step.f = std::move(*f);
    slot.insert_or_assign(node.outputs[0], out.first + out.steps.size());
    infos.insert_or_assign(node.outputs[0], ValueInfo{made->second.dtype, {}, nullptr});
    out.steps.push_back(std::move(step));
  }
  const auto result = slot.find(body.outputs[0].name);
  if (result == slot.end()) return malformed("does not make its output");
  out.result = result->second;
  return out;
}

Result<model::Subgraph> body_of(const model::Node& node) {
  const auto it = node.attributes.find(model::kPointsBody);
  const auto* body = it == node.attributes.end() ? nullptr : std::get_if<model::Subgraph>(&it->second);
  if (body == nullptr || *body == nullptr) return fail(ErrorKind::bad_input, "is missing", "attribute 'body'");
  return *body;
}

}  // namespace

Result<Real> joined_function(const InferCall& call) {
  DSPERSE_TRY(const model::Subgraph body, body_of(call.node));
  DSPERSE_TRY(Steps made, steps_of(*body));
  return Real{[steps = std::make_shared<const Steps>(std::move(made))](std::span<const double> x) {
    std::vector<double> slots = steps->slots, arguments;
    slots[1] = x[0];
    for (const Step& step : steps->steps) {
      arguments.clear();
      for (const std::size_t from : step.arguments) arguments.push_back(slots[from]);
      slots.push_back(step.f(arguments));
    }
    return slots[steps->result];
  }};
}

Inferred infer_points(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_TRY(const model::Subgraph body, body_of(call.node));
  DSPERSE_CHECK_OK(steps_of(*body));
  return one_output(body->outputs[0].dtype, call.inputs[0]->shape);
}

}  // namespace dsperse::ops
