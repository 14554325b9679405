// Einsum: the evaluation against numbers worked out by hand, the expansion against the evaluation on random equations.
#include "dsperse/ops/einsum/einsum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dsperse/model/execute.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::ops {
namespace {

using model::float_tensor;
using model::Graph;
using model::Shape;
using model::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

model::Node einsum(const std::string& equation, std::size_t operands) {
  model::Node node{"it", "Einsum", {}, {"y"}, {{"equation", equation}}};
  for (std::size_t i = 0; i < operands; ++i) node.inputs.push_back("x" + std::to_string(i));
  return node;
}

Result<Tensor> evaluate(const std::string& equation, const std::vector<Tensor>& operands) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& t : operands) pointers.push_back(&t);
  DSPERSE_TRY(auto out, model::evaluate_node(einsum(equation, operands.size()), 17, float_operators(), pointers));
  return std::move(out[0]);
}

std::string error(const std::string& equation, const std::vector<Tensor>& operands) {
  const auto out = evaluate(equation, operands);
  return out ? "accepted" : out.error().text();
}

const Tensor kMatrix = float_tensor({2, 2}, {1, 2, 3, 4});

TEST(Einsum, MeansWhatItSays) {
  EXPECT_THAT(evaluate("ij,jk->ik", {kMatrix, kMatrix})->f, ElementsAre(7, 10, 15, 22));
  EXPECT_THAT(evaluate("ij,jk", {kMatrix, kMatrix})->f, ElementsAre(7, 10, 15, 22)) << "letters that occur once, in order";
  EXPECT_THAT(evaluate("ba", {kMatrix})->f, ElementsAre(1, 3, 2, 4)) << "without an arrow the output is sorted";
  EXPECT_THAT(evaluate("ii", {kMatrix})->f, ElementsAre(5));
  EXPECT_THAT(evaluate("ii->i", {kMatrix})->f, ElementsAre(1, 4));
  EXPECT_THAT(evaluate("ij->", {kMatrix})->f, ElementsAre(10));
  EXPECT_THAT(evaluate("i,j->ij", {float_tensor({2}, {1, 2}), float_tensor({2}, {3, 4})})->f, ElementsAre(3, 4, 6, 8));
  EXPECT_THAT(evaluate(" ... j , j k -> ... k ", {kMatrix, kMatrix})->f, ElementsAre(7, 10, 15, 22));
  EXPECT_THAT(evaluate("...,...", {kMatrix, float_tensor({2}, {1, 10})})->f, ElementsAre(1, 20, 3, 40));
  EXPECT_THAT(evaluate("ij,j,ij->i", {kMatrix, float_tensor({2}, {1, 10}), kMatrix})->f, ElementsAre(41, 169));
}

TEST(Einsum, RefusesMalformedEquations) {
  EXPECT_THAT(error("ij,jk->ik", {kMatrix}), HasSubstr("2 operands, but the node has 1 inputs"));
  EXPECT_THAT(error("i->i", {kMatrix}), HasSubstr("does not have the equation's axes"));
  EXPECT_THAT(error("ij->ik", {kMatrix}), HasSubstr("a letter of the output is in no operand"));
  EXPECT_THAT(error("ij->ii", {kMatrix}), HasSubstr("a letter is twice in the output"));
  EXPECT_THAT(error("i1->i", {kMatrix}), HasSubstr("not letters and one ellipsis"));
  EXPECT_THAT(error("......ij", {kMatrix}), HasSubstr("not letters and one ellipsis"));
  EXPECT_THAT(error("ij,jk", {kMatrix, float_tensor({3, 1}, {1, 2, 3})}), HasSubstr("axis 0 has 3 elements where another one"));
}

/// Random operands and equations over letters a to e: repeated letters, ellipses, axes of size 1 that repeat.
TEST(Einsum, ExpansionsKeepTheValues) {
  std::mt19937 rng(3);
  const auto draw = [&](std::size_t n) { return static_cast<std::size_t>(rng() % n); };
  std::size_t changed = 0;
  for (int round = 0; round < 400; ++round) {
    const std::size_t count = 1 + draw(3), dots = draw(3);
    const std::vector<std::int64_t> extent{2, 3, 2, 1, 4};
    std::string equation, seen;
    Graph graph;
    graph.opset = 17;
    std::map<std::string, Tensor> inputs;
    for (std::size_t i = 0; i < count; ++i) {
      std::string term;
      Shape shape;
      for (std::size_t k = draw(4); k > 0; --k) {
        const std::size_t l = draw(extent.size());
        term += static_cast<char>('a' + l);
        shape.push_back(draw(6) == 0 ? 1 : extent[l]);
      }
      for (const char c : term)
        if (seen.find(c) == std::string::npos) seen += c;
      if (dots > 0) {
        const std::size_t at = draw(term.size() + 1), width = draw(dots + 1);
        term.insert(at, "...");
        shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(at), width, 2);
      }
      equation += (i > 0 ? "," : "") + term;
      std::vector<float> values(static_cast<std::size_t>(model::element_count(shape).value()));
      for (float& v : values) v = static_cast<float>(draw(9)) - 4;
      const std::string name = "x" + std::to_string(i);
      graph.inputs.push_back({name, model::DType::f32, shape});
      inputs[name] = float_tensor(shape, std::move(values));
    }
    if (draw(4) != 0) {
      std::ranges::shuffle(seen, rng);
      seen.resize(draw(seen.size() + 1));
      equation += "->" + seen;
      if (dots > 0) equation += "...";
    }
    graph.nodes = {einsum(equation, count)};
    graph.outputs = {{"y", model::DType::f32, {}}};
    Graph plain = graph;
    // ReduceSum may not be there yet: what needs it is left out.
    if (!float_operators().contains("ReduceSum") && count == 1) continue;
    ASSERT_TRUE(model::infer_shapes(plain, float_operators())) << equation;
    const auto status = model::prepare(graph, float_operators());
    ASSERT_TRUE(status) << equation << ": " << status.error().text();
    changed += graph.nodes.size() != 1 || graph.nodes[0].op != "Einsum" ? 1 : 0;
    for (const model::Node& node : graph.nodes) EXPECT_TRUE(node.op != "Einsum" || node.inputs.size() == 2);
    const auto want = run::run_float(plain, float_operators(), inputs), got = run::run_float(graph, float_operators(), inputs);
    ASSERT_TRUE(want && got) << equation;
    EXPECT_EQ(got->at("y").shape, want->at("y").shape) << equation;
    EXPECT_EQ(got->at("y").f, want->at("y").f) << equation;
  }
  EXPECT_GT(changed, 100U);
}

}  // namespace
}  // namespace dsperse::ops
