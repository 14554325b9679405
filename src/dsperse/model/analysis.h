// One walk over a Graph: shapes, known values, expansions. The passes and nodes without schema of their own are made of it.
//
// Tested by model/passes_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/model/operator.h"

namespace dsperse::model {

struct Analysis {
  std::map<std::string, Port> values;
  std::map<std::string, Tensor> known;  ///< outputs whose value does not depend on the model's inputs
  std::vector<Node> nodes;              ///< what remains (rewrite only)
};

enum class Walk : std::uint8_t {
  look,     ///< shapes, and values as far as shape arithmetic needs them (small ones)
  rewrite,  ///< expansions take their nodes' places, all values that are known are made
};

/// Limits of one walk: values made by folding, nodes made by expansions.
inline constexpr std::int64_t kMaxFoldedElements = std::int64_t{1} << 28;
inline constexpr std::size_t kMaxExpandedNodes = std::size_t{1} << 16;

/// Errors name the node of the graph, and the inner one where an expansion's is at fault. resource: beyond the limits.
[[nodiscard]] Result<Analysis> analyse(const Graph& graph, const OperatorSet& operators, Walk walk);

}  // namespace dsperse::model
