#include "dsperse/trust/policy/paths.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace dsperse::trust {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFFU;

std::string missing(std::uint32_t slice, std::size_t slices) {
  return "slice " + std::to_string(slice) + " does not exist; there are " + std::to_string(slices);
}

}  // namespace

double risk_weight(double failure) { return -std::log1p(-failure); }
double residual_of(double weight) { return -std::expm1(-weight); }

Status check_graph(std::size_t slices, std::span<const std::pair<std::uint32_t, std::uint32_t>> edges,
                   std::span<const std::uint32_t> outputs) {
  for (const auto& [from, to] : edges) {
    if (std::max(from, to) >= slices) return fail(ErrorKind::usage, missing(std::max(from, to), slices), "edges");
    if (from >= to)
      return fail(ErrorKind::usage, "an edge leads from slice " + std::to_string(from) + " to " + std::to_string(to), "edges",
                  "slices are numbered in topological order");
  }
  for (const std::uint32_t output : outputs)
    if (output >= slices) return fail(ErrorKind::usage, missing(output, slices), "outputs");
  return {};
}

std::vector<OutputRisk> output_risks(std::span<const double> failures,
                                     std::span<const std::pair<std::uint32_t, std::uint32_t>> edges,
                                     std::span<const std::uint32_t> outputs) {
  const std::size_t n = failures.size();
  std::vector<std::vector<std::uint32_t>> before(n);
  for (const auto& [from, to] : edges) before[to].push_back(from);
  for (auto& list : before) std::sort(list.begin(), list.end());

  // The weakest path to each slice: its weight, and the slice before it on that path.
  std::vector<double> heavy(n, 0);
  std::vector<std::uint32_t> previous(n, kNone);
  for (std::uint32_t s = 0; s < n; ++s) {
    for (const std::uint32_t from : before[s])
      if (previous[s] == kNone || heavy[from] > heavy[previous[s]]) previous[s] = from;
    heavy[s] = risk_weight(failures[s]) + (previous[s] == kNone ? 0 : heavy[previous[s]]);
  }

  std::vector<OutputRisk> risks;
  for (const std::uint32_t output : outputs) {
    OutputRisk risk;
    risk.slice = risk.weakest = output;
    risk.path_residual = residual_of(heavy[output]);
    std::vector<bool> needed(n, false);
    needed[output] = true;
    double weight = 0;
    for (std::uint32_t s = output + 1; s-- > 0;) {
      if (!needed[s]) continue;
      for (const std::uint32_t from : before[s]) needed[from] = true;
      weight += risk_weight(failures[s]);
      if (failures[s] >= failures[risk.weakest]) risk.weakest = s;
    }
    risk.residual = residual_of(weight);
    for (std::uint32_t s = output; s != kNone; s = previous[s]) risk.path.push_back(s);
    std::reverse(risk.path.begin(), risk.path.end());
    risks.push_back(std::move(risk));
  }
  return risks;
}

}  // namespace dsperse::trust
