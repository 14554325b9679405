// A float model of one node, written out and run, for tests.
//
// Product targets don't link this.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::ops::testing {

using Attributes = std::map<std::string, model::Attribute>;

/// The first `variables` operands are the model's inputs, the others constants; an operand may be absent.
struct Single {
  model::Graph graph;
  std::map<std::string, model::Tensor> all;  ///< operands by name: in0, in1, ...

  Single(const std::string& op, const std::vector<std::optional<model::Tensor>>& operands, std::size_t outputs,
         Attributes attributes, std::int64_t opset = 14, std::size_t variables = 1);

  /// Outputs after prepare(); nothing, and a failed test, if that or the run fails.
  std::vector<model::Tensor> run();
  /// Of prepare(); "accepted" if there is none.
  std::string error();
};

}  // namespace dsperse::ops::testing
