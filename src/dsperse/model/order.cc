#include "dsperse/model/order.h"

#include <queue>
#include <set>

namespace dsperse::model {

namespace {

using Producers = std::map<std::string, std::ptrdiff_t>;  // -1: an input or a constant

Result<Producers> producers_of(const Graph& graph) {
  Producers producers;
  const auto add = [&](const std::string& name, std::ptrdiff_t by) -> Status {
    if (producers.emplace(name, by).second) return {};
    return fail(ErrorKind::bad_input, "duplicate name: more than one producer", "tensor '" + name + "'");
  };
  for (const Port& port : graph.inputs) DSPERSE_CHECK_OK(add(port.name, -1));
  for (const auto& [name, tensor] : graph.constants) DSPERSE_CHECK_OK(add(name, -1));
  for (const std::string& name : graph.captures) DSPERSE_CHECK_OK(add(name, -1));
  std::set<std::string> node_names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!node_names.insert(graph.nodes[i].name).second)
      return fail(ErrorKind::bad_input, "duplicate node name", node_text(graph.nodes[i]),
                  "give every node its own name, or none");
    for (const std::string& name : graph.nodes[i].outputs)
      if (!name.empty()) DSPERSE_CHECK_OK(add(name, static_cast<std::ptrdiff_t>(i)));
  }
  return producers;
}

}  // namespace

Status sort_nodes(Graph& graph) {
  DSPERSE_TRY(const Producers producers, producers_of(graph));
  std::set<std::string> outputs;
  for (const Port& port : graph.outputs) {
    if (!producers.contains(port.name))
      return fail(ErrorKind::bad_input, "nothing produces this output", "output '" + port.name + "'");
    if (!outputs.insert(port.name).second) return fail(ErrorKind::bad_input, "duplicate output", "output '" + port.name + "'");
  }
  const std::size_t n = graph.nodes.size();
  std::vector<std::vector<std::size_t>> consumers(n);
  std::vector<std::size_t> waiting(n, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (const std::string& name : graph.nodes[i].inputs) {
      if (name.empty()) continue;
      const auto it = producers.find(name);
      if (it == producers.end())
        return fail(ErrorKind::bad_input, "nothing produces input '" + name + "'", node_text(graph.nodes[i]));
      if (it->second < 0) continue;
      consumers[static_cast<std::size_t>(it->second)].push_back(i);
      ++waiting[i];
    }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < n; ++i)
    if (waiting[i] == 0) ready.push(i);
  std::vector<Node> sorted;
  sorted.reserve(n);
  std::vector<bool> done(n, false);
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    done[i] = true;
    for (const std::size_t j : consumers[i])
      if (--waiting[j] == 0) ready.push(j);
    sorted.push_back(std::move(graph.nodes[i]));
  }
  for (std::size_t i = 0; i < n; ++i)
    if (!done[i]) return fail(ErrorKind::bad_input, "the graph has a cycle", node_text(graph.nodes[i]));
  graph.nodes = std::move(sorted);
  return {};
}

}  // namespace dsperse::model
