#include "dsperse/ops/common/emit.h"

#include <algorithm>
#include <set>

namespace dsperse::ops {

namespace {
/// Values that one Concat joins: a Rearrange takes no more than 256 pieces.
constexpr std::ptrdiff_t kMostJoined = 64;
}  // namespace

std::string Emitter::fresh(const std::string& what) { return call_.node.name + "." + std::to_string(made_++) + "." + what; }

std::string Emitter::constant(model::Tensor tensor) {
  std::string name = fresh("constant");
  out_.constants.emplace(name, std::move(tensor));
  return name;
}

std::string Emitter::ints(std::vector<std::int64_t> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return constant(model::int_tensor({n}, std::move(values)));
}

std::string Emitter::op(const std::string& type, std::vector<std::string> inputs,
                        std::map<std::string, model::Attribute> attributes) {
  std::string name = fresh(type);
  out_.nodes.push_back({name, type, std::move(inputs), {name}, std::move(attributes)});
  return name;
}

std::string Emitter::with_axes(const std::string& type, const std::string& x, std::vector<std::int64_t> axes, std::int64_t since,
                               std::map<std::string, model::Attribute> attributes) {
  if (call_.opset >= since) return op(type, {x, ints(std::move(axes))}, std::move(attributes));
  attributes["axes"] = std::move(axes);
  return op(type, {x}, std::move(attributes));
}

std::string Emitter::unsqueeze(const std::string& x, std::int64_t axis) { return with_axes("Unsqueeze", x, {axis}, 13, {}); }
std::string Emitter::squeeze(const std::string& x, std::int64_t axis) { return with_axes("Squeeze", x, {axis}, 13, {}); }

std::string Emitter::slice(const std::string& x, std::int64_t axis, std::int64_t begin, std::int64_t end) {
  if (call_.opset >= 10) return op("Slice", {x, ints({begin}), ints({end}), ints({axis})});
  using Ints = std::vector<std::int64_t>;
  return op("Slice", {x}, {{"starts", Ints{begin}}, {"ends", Ints{end}}, {"axes", Ints{axis}}});
}

std::string Emitter::concat(std::vector<std::string> values, std::int64_t axis) {
  while (values.size() > kMostJoined) {
    std::vector<std::string> groups;
    for (auto it = values.begin(); it != values.end();) {
      const auto end = it + std::min<std::ptrdiff_t>(values.end() - it, kMostJoined);
      groups.push_back(concat({it, end}, axis));
      it = end;
    }
    values = std::move(groups);
  }
  if (values.size() == 1) return values[0];
  return op("Concat", std::move(values), {{"axis", axis}});
}

std::string Emitter::reduce(const std::string& type, const std::string& x, std::vector<std::int64_t> axes, bool keep) {
  return with_axes(type, x, std::move(axes), type == "ReduceSum" ? 13 : 18, {{"keepdims", std::int64_t{keep ? 1 : 0}}});
}

model::Expansion Emitter::finish(const std::vector<std::string>& values) {
  std::map<std::string, std::string> names;
  std::set<std::string> made;
  for (const model::Node& node : out_.nodes) made.insert(node.outputs[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!wants(i) || values[i].empty()) continue;
    if (made.contains(values[i]) && !names.contains(values[i]))
      names[values[i]] = call_.node.outputs[i];
    else
      out_.nodes.push_back({fresh("Identity"), "Identity", {values[i]}, {call_.node.outputs[i]}, {}});
  }
  for (model::Node& node : out_.nodes)
    for (auto* list : {&node.inputs, &node.outputs})
      for (std::string& name : *list)
        if (const auto it = names.find(name); it != names.end()) name = it->second;
  return std::move(out_);
}

}  // namespace dsperse::ops
