#include <algorithm>

#include "dsperse/ops/control/control.h"

namespace dsperse::ops {

using model::DType;
using model::Graph;
using model::InferCall;
using model::Node;
using model::Shape;
using model::Tensor;

namespace {

// State of a Loop that has run for a while; not ONNX. How often, and the node that it comes from. The values that its scan
// outputs collected are inputs between the carried ones and the captured ones.
constexpr const char* kRuns = "dsperse.runs";
constexpr const char* kOrigin = "dsperse.origin";

Result<const Graph*> body_of(const Node& node, const std::string& key) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return fail(ErrorKind::bad_input, "attribute is missing", "attribute '" + key + "'");
  const auto* graph = std::get_if<model::Subgraph>(&it->second);
  if (graph == nullptr || *graph == nullptr)
    return fail(ErrorKind::bad_input, "attribute is not a graph", "attribute '" + key + "'");
  return graph->get();
}

/// Input i as one constant number.
Result<std::int64_t> known(const InferCall& call, std::size_t i, const std::string& what) {
  const Tensor* t = call.inputs[i]->constant;
  if (t == nullptr)
    return fail(ErrorKind::unsupported, what + " depends on the model's input", input_text(call.node, i),
                "control flow works where it is known at import");
  if (t->i.size() != 1) return fail(ErrorKind::bad_input, what + " is not one integer or boolean", input_text(call.node, i));
  return t->i[0];
}

/// Puts bodies into an expansion.
class Inliner {
 public:
  Inliner(const InferCall& call, std::string origin) : call_(call), origin_(std::move(origin)) {}

  /// The body with these tensors as its inputs; its outputs' names. run: part of the new names, which constants do not have.
  Result<std::vector<std::string>> inline_body(const Graph& body, const std::vector<std::string>& inputs, const std::string& run,
                                               bool constants) {
    std::map<std::string, std::string> names;
    const auto& outer = call_.node.inputs;
    if (body.captures.size() > outer.size() || body.inputs.size() != inputs.size())
      return fail(ErrorKind::bad_input, "the body has " + std::to_string(body.inputs.size()) + " inputs, " +
                                            std::to_string(inputs.size()) + " are given");
    for (std::size_t k = 0; k < body.captures.size(); ++k)
      names[body.captures[k]] = outer[outer.size() - body.captures.size() + k];
    for (std::size_t k = 0; k < inputs.size(); ++k) names[body.inputs[k].name] = inputs[k];
    for (const auto& [name, tensor] : body.constants) {
      names[name] = origin_ + "/" + name;
      if (constants) out_.constants.emplace(names[name], tensor);
    }
    const std::string prefix = origin_ + "/" + run;
    for (const Node& node : body.nodes)
      for (const std::string& name : node.outputs)
        if (!name.empty()) names[name] = prefix + name;
    for (const Node& node : body.nodes) {
      Node copy = node;
      copy.name = prefix + node.name;
      for (auto* list : {&copy.inputs, &copy.outputs})
        for (std::string& name : *list)
          if (!name.empty()) {
            const auto it = names.find(name);
            if (it == names.end()) return fail(ErrorKind::bad_input, "nothing produces '" + name + "'", model::node_text(node));
            name = it->second;
          }
      out_.nodes.push_back(std::move(copy));
    }
    std::vector<std::string> outputs;
    for (const model::Port& port : body.outputs) {
      const auto it = names.find(port.name);
      if (it == names.end()) return fail(ErrorKind::bad_input, "nothing produces output '" + port.name + "' of the body");
      outputs.push_back(it->second);
    }
    return outputs;
  }

  std::string integer(const std::string& name, std::int64_t value, DType dtype = DType::i64) {
    out_.constants.emplace(origin_ + "." + name, model::int_tensor({}, {value}, dtype));
    return origin_ + "." + name;
  }
  void pass_on(const std::string& from, std::size_t output) {
    const auto& names = call_.node.outputs;
    if (output >= names.size() || names[output].empty()) return;
    out_.nodes.push_back({call_.node.name + ".output" + std::to_string(output), "Identity", {from}, {names[output]}, {}});
  }
  void add(Node node) { out_.nodes.push_back(std::move(node)); }
  void add(model::Expansion expansion) {
    out_.constants.merge(expansion.constants);
    for (Node& node : expansion.nodes) out_.nodes.push_back(std::move(node));
  }
  model::Expansion take() { return std::move(out_); }

 private:
  const InferCall& call_;
  const std::string origin_;
  model::Expansion out_;
};

std::unexpected<Error> no_runs() {
  return fail(ErrorKind::unsupported, "a loop that does not run collects tensors without elements");
}

/// The runs' values side by side along a new axis.
std::string stacked(Emitter& e, const std::vector<std::string>& values, std::int64_t axis) {
  std::vector<std::string> parts;
  for (const std::string& v : values) parts.push_back(e.unsqueeze(v, axis));
  return e.concat(std::move(parts), axis);
}

}  // namespace

Expanded expand_if(const InferCall& call) {
  if (!has_input(call, 0)) return fail(ErrorKind::bad_input, "input is missing", input_text(call.node, 0));
  DSPERSE_TRY(const std::int64_t condition, known(call, 0, "the condition"));
  DSPERSE_TRY(const Graph* branch, body_of(call.node, condition != 0 ? "then_branch" : "else_branch"));
  if (branch->outputs.size() != call.node.outputs.size())
    return fail(ErrorKind::bad_input, "the branch has " + std::to_string(branch->outputs.size()) + " outputs");
  Inliner inliner(call, call.node.name);
  DSPERSE_TRY(const auto outputs, inliner.inline_body(*branch, {}, "", true));
  for (std::size_t i = 0; i < outputs.size(); ++i) inliner.pass_on(outputs[i], i);
  return inliner.take();
}

Expanded expand_loop(const InferCall& call) {
  const Node& node = call.node;
  DSPERSE_TRY(const Graph* body, body_of(node, "body"));
  DSPERSE_TRY(const std::int64_t runs, node.int_or(kRuns, 0));
  DSPERSE_TRY(const std::string origin, node.string_or(kOrigin, node.name));
  const std::size_t outer = body->captures.size();
  if (body->inputs.size() < 2 || body->outputs.size() + 1 < body->inputs.size())
    return fail(ErrorKind::bad_input, "the body lacks inputs or outputs", "attribute 'body'");
  const std::size_t carried = body->inputs.size() - 2, scans = body->outputs.size() - 1 - carried;
  if (runs < 0 || runs > kMaxIterations || node.inputs.size() != 2 + carried + scans * static_cast<std::size_t>(runs) + outer ||
      node.outputs.size() > carried + scans)
    return fail(ErrorKind::bad_input, "the body does not fit the node's inputs and outputs", "attribute 'body'");
  for (std::size_t i = 2; i < node.inputs.size(); ++i)
    if (!has_input(call, i)) return fail(ErrorKind::bad_input, "input is missing", input_text(node, i));
  bool goes_on = true;
  if (has_input(call, 0)) {
    DSPERSE_TRY(const std::int64_t count, known(call, 0, "the number of runs"));
    goes_on = runs < count;
  }
  if (goes_on && has_input(call, 1)) {
    DSPERSE_TRY(const std::int64_t condition, known(call, 1, "the condition"));
    goes_on = condition != 0;
  }
  const auto first = node.inputs.begin() + 2, collected = first + static_cast<std::ptrdiff_t>(carried);
  Inliner inliner(call, origin);
  if (!goes_on) {
    for (std::size_t i = 0; i < carried; ++i) inliner.pass_on(first[static_cast<std::ptrdiff_t>(i)], i);
    Emitter e(call);
    std::vector<std::string> values(carried + scans);
    for (std::size_t k = 0; k < scans; ++k) {
      if (!e.wants(carried + k)) continue;
      if (runs == 0) return no_runs();
      std::vector<std::string> of_runs;
      for (std::size_t r = 0; r < static_cast<std::size_t>(runs); ++r)
        of_runs.push_back(collected[static_cast<std::ptrdiff_t>(r * scans + k)]);
      values[carried + k] = stacked(e, of_runs, 0);
    }
    inliner.add(e.finish(values));
    return inliner.take();
  }
  if (runs == kMaxIterations) return fail(ErrorKind::resource, "the loop runs more than 1024 times");
  const std::string number = std::to_string(runs);
  std::vector<std::string> inputs{inliner.integer("run" + number, runs),
                                  has_input(call, 1) ? node.inputs[1] : inliner.integer("go" + number, 1, DType::boolean)};
  inputs.insert(inputs.end(), first, collected);
  DSPERSE_TRY(const auto outputs, inliner.inline_body(*body, inputs, number + "/", runs == 0));
  Node rest = node;
  rest.name = origin + ".after" + number;
  rest.inputs = {node.inputs[0]};
  rest.inputs.insert(rest.inputs.end(), outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(1 + carried));
  rest.inputs.insert(rest.inputs.end(), collected, node.inputs.end() - static_cast<std::ptrdiff_t>(outer));
  rest.inputs.insert(rest.inputs.end(), outputs.begin() + static_cast<std::ptrdiff_t>(1 + carried), outputs.end());
  rest.inputs.insert(rest.inputs.end(), node.inputs.end() - static_cast<std::ptrdiff_t>(outer), node.inputs.end());
  rest.attributes[kRuns] = runs + 1;
  rest.attributes[kOrigin] = origin;
  inliner.add(std::move(rest));
  return inliner.take();
}

Expanded expand_scan(const InferCall& call) {
  const Node& node = call.node;
  if (call.opset < 9)
    return fail(ErrorKind::unsupported, "Scan of opset 8 (over a batch)", {}, "export the model with opset 9 or later");
  DSPERSE_TRY(const Graph* body, body_of(node, "body"));
  DSPERSE_TRY(const std::int64_t scanned, node.int_or("num_scan_inputs", 0));
  const std::size_t outer = body->captures.size(), all = body->inputs.size();
  if (scanned < 1 || std::cmp_greater(scanned, all) || node.inputs.size() != all + outer)
    return fail(ErrorKind::bad_input, "the body does not fit the node's inputs", "attribute 'num_scan_inputs'");
  const auto inputs = static_cast<std::size_t>(scanned), states = all - inputs;
  if (body->outputs.size() < states || node.outputs.size() > body->outputs.size())
    return fail(ErrorKind::bad_input, "the body does not fit the node's outputs", "attribute 'body'");
  const std::size_t outputs = body->outputs.size() - states;
  const auto list = [&](const std::string& key, std::size_t n) -> Result<std::vector<std::int64_t>> {
    DSPERSE_TRY(auto values, node.ints_or(key, std::vector<std::int64_t>(n, 0)));
    if (values.size() != n)
      return fail(ErrorKind::bad_input, "not one value for each of " + std::to_string(n), "attribute '" + key + "'");
    return values;
  };
  DSPERSE_TRY(auto axes, list("scan_input_axes", inputs));
  DSPERSE_TRY(const auto backwards, list("scan_input_directions", inputs));
  DSPERSE_TRY(const auto output_axes, list("scan_output_axes", outputs));
  DSPERSE_TRY(const auto output_backwards, list("scan_output_directions", outputs));
  std::int64_t runs = -1;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (!has_input(call, i)) return fail(ErrorKind::bad_input, "input is missing", input_text(node, i));
  for (std::size_t k = 0; k < inputs; ++k) {
    const Shape& shape = call.inputs[states + k]->shape;
    DSPERSE_TRY(const std::size_t axis, normal_axis(axes[k], shape.size(), "attribute 'scan_input_axes'"));
    axes[k] = static_cast<std::int64_t>(axis);
    if (runs != -1 && shape[axis] != runs)
      return fail(ErrorKind::bad_input, "the scanned inputs differ in length", input_text(node, states + k));
    runs = shape[axis];
  }
  if (runs > kMaxIterations) return fail(ErrorKind::resource, "the scan runs more than 1024 times");
  if (runs == 0) return no_runs();

  Inliner inliner(call, node.name);
  Emitter e(call);
  std::vector<std::string> state(node.inputs.begin(), node.inputs.begin() + static_cast<std::ptrdiff_t>(states));
  std::vector<std::vector<std::string>> collected(outputs);
  // Slices come first: the emitter's nodes before the bodies', the stacking after them.
  std::vector<std::vector<std::string>> slices(static_cast<std::size_t>(runs));
  for (std::int64_t r = 0; r < runs; ++r)
    for (std::size_t k = 0; k < inputs; ++k) {
      const std::int64_t at = backwards[k] != 0 ? runs - 1 - r : r;
      slices[static_cast<std::size_t>(r)].push_back(e.squeeze(e.slice(node.inputs[states + k], axes[k], at, at + 1), axes[k]));
    }
  inliner.add(e.flush());
  for (std::size_t r = 0; r < slices.size(); ++r) {
    std::vector<std::string> given = state;
    given.insert(given.end(), slices[r].begin(), slices[r].end());
    DSPERSE_TRY(const auto made, inliner.inline_body(*body, given, std::to_string(r) + "/", r == 0));
    state.assign(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(states));
    for (std::size_t k = 0; k < outputs; ++k) collected[k].push_back(made[states + k]);
  }
  for (std::size_t i = 0; i < states; ++i) inliner.pass_on(state[i], i);
  std::vector<std::string> values(states + outputs);
  for (std::size_t k = 0; k < outputs; ++k) {
    if (!e.wants(states + k)) continue;
    auto& of_runs = collected[k];
    if (output_backwards[k] != 0) std::ranges::reverse(of_runs);
    values[states + k] = stacked(e, of_runs, output_axes[k]);
  }
  inliner.add(e.finish(values));
  return inliner.take();
}

}  // namespace dsperse::ops
