// If, Loop and Scan that are known at import, and the errors of those that are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::ops {
namespace {

using model::DType;
using model::float_tensor;
using model::Graph;
using model::int_tensor;
using model::Node;
using model::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Names = std::vector<std::string>;

Graph body(const Names& inputs, std::vector<Node> nodes, const Names& outputs, Names captures = {}) {
  Graph g;
  g.opset = 17;
  for (const auto& name : inputs) g.inputs.push_back({name, DType::f32, {}});
  for (const auto& name : outputs) g.outputs.push_back({name, DType::f32, {}});
  g.nodes = std::move(nodes);
  g.captures = std::move(captures);
  return g;
}
model::Subgraph shared(Graph g) { return std::make_shared<Graph>(std::move(g)); }

Graph outer(Node node, const Names& outputs) {
  Graph g;
  g.opset = 17;
  g.inputs = {{"x", DType::f32, {2}}};
  g.constants["w"] = float_tensor({2}, {10, 20});
  g.constants["three"] = int_tensor({}, {3});
  g.constants["yes"] = int_tensor({}, {1}, DType::boolean);
  g.constants["no"] = int_tensor({}, {0}, DType::boolean);
  g.nodes = {std::move(node)};
  for (const auto& name : outputs) g.outputs.push_back({name, DType::f32, {}});
  return g;
}

std::map<std::string, Tensor> run(Graph g, const std::vector<float>& x = {1, 2}) {
  const auto status = model::prepare(g, float_operators());
  EXPECT_TRUE(status) << status.error().text();
  if (!status) return {};
  const auto values = run::run_float(g, float_operators(), {{"x", float_tensor({2}, x)}});
  EXPECT_TRUE(values) << values.error().text();
  return values ? *values : std::map<std::string, Tensor>{};
}
std::string error(Graph g) {
  const auto status = model::prepare(g, float_operators());
  return status ? "accepted" : status.error().text();
}

Node choice(const std::string& condition) {
  Node node{"choose", "If", {condition, "x", "w"}, {"y"}, {}};
  node.attributes["then_branch"] =
      shared(body({}, {{"a", "Add", {"x", "w"}, {"t"}, {}}, {"r", "Relu", {"t"}, {"s"}, {}}}, {"s"}, {"x", "w"}));
  node.attributes["else_branch"] = shared(body({}, {}, {"x"}, {"x", "w"}));
  return node;
}

TEST(Control, IfTakesTheBranchThatIsKnown) {
  EXPECT_THAT(run(outer(choice("yes"), {"y"}))["y"].f, ElementsAre(11, 22));
  EXPECT_THAT(run(outer(choice("no"), {"y"}))["y"].f, ElementsAre(1, 2));
  Graph open = outer(choice("c"), {"y"});
  open.inputs.push_back({"c", DType::boolean, {}});
  EXPECT_THAT(error(open), HasSubstr("the condition depends on the model's input (node 'choose' (If)"));
}

TEST(Control, NestedBodiesReachThroughTheirCaptures) {
  // The outer branch renames t; the inner If reads it under its old name.
  Node inner{"inner", "If", {"yes", "t"}, {"u"}, {}};
  inner.attributes["then_branch"] = shared(body({}, {{"n", "Add", {"t", "t"}, {"v"}, {}}}, {"v"}, {"t"}));
  inner.attributes["else_branch"] = shared(body({}, {}, {"t"}, {"t"}));
  Node node{"choose", "If", {"yes", "x", "yes"}, {"y"}, {}};
  node.attributes["then_branch"] = shared(body({}, {{"a", "Add", {"x", "x"}, {"t"}, {}}, inner}, {"u"}, {"x", "yes"}));
  node.attributes["else_branch"] = shared(body({}, {}, {"x"}, {"x", "yes"}));
  EXPECT_THAT(run(outer(node, {"y"}))["y"].f, ElementsAre(4, 8));
}

/// h <- h + w + run; the scan output is h before.
Node counting(const std::string& count, const std::string& condition, Names outputs = {"h", "all"}) {
  Node node{"loop", "Loop", {count, condition, "x", "w"}, std::move(outputs), {}};
  Graph g = body({"i", "go", "before"},
                 {{"c", "Cast", {"i"}, {"f"}, {{"to", std::int64_t{1}}}},
                  {"a", "Add", {"before", "w"}, {"t"}, {}},
                  {"b", "Add", {"t", "f"}, {"after"}, {}},
                  {"k", "Identity", {"go"}, {"next"}, {}},
                  {"o", "Identity", {"before"}, {"out"}, {}}},
                 {"next", "after", "out"}, {"w"});
  node.attributes["body"] = shared(std::move(g));
  return node;
}

TEST(Control, LoopRunsAsOftenAsItSays) {
  auto values = run(outer(counting("three", "yes"), {"h", "all"}));
  EXPECT_THAT(values["h"].f, ElementsAre(1 + 30 + 3, 2 + 60 + 3));
  EXPECT_EQ(values["all"].shape, (model::Shape{3, 2}));
  EXPECT_THAT(values["all"].f, ElementsAre(1, 2, 11, 22, 22, 43));
  EXPECT_THAT(run(outer(counting("three", ""), {"h"}))["h"].f, ElementsAre(34, 65)) << "no condition";
  EXPECT_THAT(run(outer(counting("three", "no", {"h"}), {"h"}))["h"].f, ElementsAre(1, 2)) << "not once";
  EXPECT_THAT(error(outer(counting("three", "no"), {"h", "all"})), HasSubstr("tensors without elements"));
}

TEST(Control, LoopEndsWithItsCondition) {
  // go while run + 1 < 3, which folds run by run.
  Node node{"loop", "Loop", {"", "yes", "x", "three"}, {"h"}, {}};
  Graph g = body({"i", "go", "before"},
                 {{"d", "Add", {"before", "before"}, {"after"}, {}},
                  {"s", "Sub", {"three", "i"}, {"left"}, {}},
                  {"n", "Sub", {"left", "one"}, {"more"}, {}},
                  {"k", "Cast", {"more"}, {"next"}, {{"to", std::int64_t{9}}}}},
                 {"next", "after"}, {"three"});
  g.constants["one"] = int_tensor({}, {1});
  node.attributes["body"] = shared(std::move(g));
  EXPECT_THAT(run(outer(node, {"h"}))["h"].f, ElementsAre(8, 16));
}

TEST(Control, LoopsThatAreNotKnownOrEndlessAreRefused) {
  Graph open = outer(counting("n", "yes"), {"h"});
  open.inputs.push_back({"n", DType::i64, {}});
  EXPECT_THAT(error(open), HasSubstr("the number of runs depends on the model's input (node 'loop' (Loop) > input 0 'n')"));
  EXPECT_THAT(error(outer(counting("", "yes"), {"h"})), HasSubstr("the loop runs more than 1024 times (node 'loop' (Loop)"));
  Node wrong = counting("three", "yes", {"h", "all", "more"});
  EXPECT_THAT(error(outer(wrong, {"h"})), HasSubstr("does not fit the node's inputs and outputs"));
  Node forged = counting("three", "yes");
  forged.attributes["dsperse.runs"] = std::int64_t{2};
  EXPECT_THAT(error(outer(forged, {"h"})), HasSubstr("does not fit"));
}

TEST(Control, ScanGoesThroughItsInputs) {
  // sum <- sum + row; outputs the sums. Rows of m (3 x 2), forwards and backwards.
  const auto scan = [&](std::int64_t backwards, std::int64_t axis) {
    Node node{"scan", "Scan", {"x", "m"}, {"sum", "sums"}, {}};
    node.attributes["num_scan_inputs"] = std::int64_t{1};
    node.attributes["scan_input_directions"] = std::vector<std::int64_t>{backwards};
    node.attributes["scan_output_axes"] = std::vector<std::int64_t>{axis};
    node.attributes["body"] =
        shared(body({"s", "row"}, {{"a", "Add", {"s", "row"}, {"t"}, {}}, {"o", "Identity", {"t"}, {"u"}, {}}}, {"t", "u"}));
    Graph g = outer(node, {"sum", "sums"});
    g.constants["m"] = float_tensor({3, 2}, {1, 2, 3, 4, 5, 6});
    return g;
  };
  auto values = run(scan(0, 0));
  EXPECT_THAT(values["sum"].f, ElementsAre(10, 14));
  EXPECT_THAT(values["sums"].f, ElementsAre(2, 4, 5, 8, 10, 14));
  values = run(scan(1, -1));
  EXPECT_EQ(values["sums"].shape, (model::Shape{2, 3}));
  EXPECT_THAT(values["sums"].f, ElementsAre(6, 9, 10, 8, 12, 14));
  Graph old = scan(0, 0);
  old.opset = 8;
  EXPECT_THAT(error(old), HasSubstr("Scan of opset 8"));
}

}  // namespace
}  // namespace dsperse::ops
