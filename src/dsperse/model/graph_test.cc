#include "dsperse/model/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsperse/model/order.h"

namespace dsperse::model {
namespace {

using ::testing::HasSubstr;

TEST(Graph, ElementCountsAreChecked) {
  EXPECT_EQ(element_count({}).value(), 1);
  EXPECT_EQ(element_count({2, 3, 4}).value(), 24);
  EXPECT_EQ(element_count({2, 0, std::int64_t{1} << 62}).value(), 0);
  EXPECT_EQ(element_count({std::int64_t{1} << 31}).value(), kMaxElements);
  EXPECT_EQ(element_count({(std::int64_t{1} << 31) + 1}).error().kind, ErrorKind::resource);
  EXPECT_EQ(element_count({std::int64_t{1} << 40, std::int64_t{1} << 40}).error().kind, ErrorKind::resource);
  EXPECT_EQ(element_count({2, -1}).error().kind, ErrorKind::bad_input);
  EXPECT_EQ(element_count(Shape(17, 1)).error().kind, ErrorKind::unsupported);
}

TEST(Graph, TensorsHoldWhatTheirShapeSays) {
  EXPECT_TRUE(check_tensor(float_tensor({2}, {1, 2})));
  EXPECT_FALSE(check_tensor(float_tensor({2}, {1})));
  EXPECT_FALSE(check_tensor({DType::f32, {1}, {1}, {1}})) << "values of two kinds";
  EXPECT_FALSE(check_tensor({DType::i64, {1}, {1}, {}}));
  EXPECT_EQ(shape_text({1, 3, 32}), "1x3x32");
  EXPECT_EQ(shape_text({}), "scalar");
}

TEST(Graph, AttributesHaveTheirTypeOrAreErrors) {
  Node node;
  node.attributes["n"] = std::int64_t{3};
  EXPECT_EQ(node.int_or("n", 1).value(), 3);
  EXPECT_EQ(node.int_or("absent", 1).value(), 1);
  EXPECT_THAT(node.float_or("n", 1).error().text(), HasSubstr("attribute 'n'"));
  EXPECT_FALSE(node.ints_or("n", {}));
  EXPECT_FALSE(node.string_or("n", ""));
}

Node node(const std::string& name, std::vector<std::string> inputs, std::vector<std::string> outputs) {
  return {name, "Op", std::move(inputs), std::move(outputs), {}};
}

TEST(Order, SortsStably) {
  Graph graph;
  graph.inputs = {{"x", DType::f32, {1}}};
  graph.outputs = {{"d", DType::f32, {}}};
  graph.nodes = {node("4", {"c", "b"}, {"d"}), node("1", {"x"}, {"a"}), node("3", {"a"}, {"c"}), node("2", {"x", ""}, {"b"})};
  ASSERT_TRUE(sort_nodes(graph));
  std::string order;
  for (const Node& n : graph.nodes) order += n.name;
  EXPECT_EQ(order, "1324");
}

TEST(Order, NamesTheNodeOfACycle) {
  Graph graph;
  graph.inputs = {{"x", DType::f32, {1}}};
  graph.nodes = {node("first", {"x"}, {"a"}), node("loop", {"a", "c"}, {"b"}), node("back", {"b"}, {"c"})};
  const auto status = sort_nodes(graph);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().text(), HasSubstr("cycle (node 'loop' (Op))"));
}

}  // namespace
}  // namespace dsperse::model
