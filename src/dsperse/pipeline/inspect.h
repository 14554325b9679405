// What of a model cannot be proved, node by node, and what can be around it.
//
// Tested by pipeline/inspect_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/model/operator.h"
#include "dsperse/quantize/lower.h"

namespace dsperse::pipeline {

/// A node (or output) that stands in the way.
struct Obstacle {
  std::string node, op;  ///< op empty: `node` is an output of the model
  std::string why, hint;
};

/// Nodes that hang together and have an integer form; tensors that it reads from outside and gives to it.
struct Part {
  std::size_t nodes = 0;
  std::map<std::string, std::size_t> operators;
  std::vector<model::Port> inputs, outputs;
};

struct Inspection {
  std::vector<Obstacle> obstacles;      ///< in the order of the nodes
  std::vector<std::string> unexamined;  ///< nodes behind a tensor whose shape an obstacle leaves open
  std::vector<Part> parts;              ///< empty if there are no obstacles; the largest first
};

/// graph: as loaded (not prepared), unknown operators kept; its `values` may hold shapes that the file states. Total: whatever
/// fails becomes an obstacle.
Inspection inspect_graph(model::Graph graph, const model::OperatorSet& operators, const quantize::LowerSet& lowerings);

}  // namespace dsperse::pipeline
