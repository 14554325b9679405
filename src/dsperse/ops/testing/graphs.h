// Float graphs written in code, for tests: names, shapes and constants are filled in while nodes are added.
//
// Product targets don't link this. Tested through ops/lower_test.cc.
#pragma once

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::ops::testing {

using Rng = std::mt19937_64;
using Names = std::vector<std::string>;

class GraphBuilder {
 public:
  explicit GraphBuilder(std::int64_t opset = 17) { graph.opset = opset; }
  model::Graph graph;

  std::string input(model::Shape shape, model::DType dtype = model::DType::f32);
  std::string constant(model::Shape shape, std::vector<float> values);
  std::string integers(std::vector<std::int64_t> values);
  /// A node and its only output's name; the schema must take it (aborts with the error otherwise).
  std::string node(const std::string& op, Names inputs, std::map<std::string, model::Attribute> attributes = {});
  void output(const std::string& name);
};

/// Values -limit..limit, whole numbers.
std::vector<float> whole_numbers(Rng& rng, const model::Shape& shape, int limit);
/// Normal with this deviation.
std::vector<float> normal_numbers(Rng& rng, const model::Shape& shape, double deviation);

}  // namespace dsperse::ops::testing
