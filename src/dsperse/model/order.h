// Topological order of a graph's nodes, and that every name is produced exactly once.
//
// Tested by model/graph_test.cc.
#pragma once

#include "dsperse/model/graph.h"

namespace dsperse::model {

/// Sorts the nodes (stable: a node keeps its place where it can). Errors (bad_input): a name produced twice, a name that nothing
/// produces, an output named twice, a cycle, two nodes of one name.
[[nodiscard]] Status sort_nodes(Graph& graph);

}  // namespace dsperse::model
