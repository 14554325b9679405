// Writes an operator's expansion: nodes of simpler operators in the form of the graph's opset, names made on the way.
//
// A value is its tensor's name; shapes are known to whoever calls. Not here: any one operator. Tested by ops/expand_test.cc.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

using Expanded = Result<model::Expansion>;

class Emitter {
 public:
  /// call outlives it.
  explicit Emitter(const model::InferCall& call) : call_(call) {}

  /// Name of input i; empty if it is absent.
  [[nodiscard]] std::string input(std::size_t i) const { return has_input(call_, i) ? call_.node.inputs[i] : std::string(); }
  [[nodiscard]] const model::Shape& shape(std::size_t i) const { return call_.inputs[i]->shape; }
  [[nodiscard]] std::int64_t opset() const { return call_.opset; }
  /// The node has output i, and it has a name.
  [[nodiscard]] bool wants(std::size_t i) const { return i < call_.node.outputs.size() && !call_.node.outputs[i].empty(); }

  std::string constant(model::Tensor tensor);
  std::string scalar(float value) { return constant(model::float_tensor({}, {value})); }
  std::string ints(std::vector<std::int64_t> values);

  /// The new node's only output.
  std::string op(const std::string& type, std::vector<std::string> inputs,
                 std::map<std::string, model::Attribute> attributes = {});

  std::string add(const std::string& a, const std::string& b) { return op("Add", {a, b}); }
  std::string sub(const std::string& a, const std::string& b) { return op("Sub", {a, b}); }
  std::string mul(const std::string& a, const std::string& b) { return op("Mul", {a, b}); }
  std::string reshape(const std::string& x, model::Shape shape) { return op("Reshape", {x, ints(std::move(shape))}); }
  std::string transpose(const std::string& x, std::vector<std::int64_t> perm) {
    return op("Transpose", {x}, {{"perm", std::move(perm)}});
  }
  std::string unsqueeze(const std::string& x, std::int64_t axis);
  std::string squeeze(const std::string& x, std::int64_t axis);
  /// [begin, end) of one axis.
  std::string slice(const std::string& x, std::int64_t axis, std::int64_t begin, std::int64_t end);
  /// One value alone is not joined; many are joined in groups, then these.
  std::string concat(std::vector<std::string> values, std::int64_t axis);
  /// ReduceSum, ReduceMax, ...: axes not negative.
  std::string reduce(const std::string& type, const std::string& x, std::vector<std::int64_t> axes, bool keep);

  /// What was made so far; the work goes on.
  model::Expansion flush() { return std::exchange(out_, {}); }
  /// values[i] is output i of the node; names that are empty are not made. Ends the work.
  model::Expansion finish(const std::vector<std::string>& values);

 private:
  std::string fresh(const std::string& what);
  /// axes as an attribute before opset `since`, as an input from then on.
  std::string with_axes(const std::string& type, const std::string& x, std::vector<std::int64_t> axes, std::int64_t since,
                        std::map<std::string, model::Attribute> attributes);

  const model::InferCall& call_;
  model::Expansion out_;
  std::size_t made_ = 0;
};

}  // namespace dsperse::ops
