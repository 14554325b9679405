// What may make each output wrong, over the graph of slices. Pure. Source: docs/trust/economics.md. Tested by
// policy/planner_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dsperse/base/result.h"

namespace dsperse::trust {

/// What may make one output wrong.
struct OutputRisk {
  std::uint32_t slice = 0;
  double residual = 0;              ///< 1 - prod(1 - failure) over all slices that the output depends on
  std::uint32_t weakest = 0;        ///< slice with the greatest failure among them
  std::vector<std::uint32_t> path;  ///< from a first slice to the output, with the greatest 1 - prod(1 - failure)
  double path_residual = 0;
};

/// Errors (usage): an edge that does not lead from a smaller to a larger slice number, a slice that does not exist.
[[nodiscard]] Status check_graph(std::size_t slices, std::span<const std::pair<std::uint32_t, std::uint32_t>> edges,
                                 std::span<const std::uint32_t> outputs);
/// Of a checked graph; failures by slice. Cost: outputs * edges.
[[nodiscard]] std::vector<OutputRisk> output_risks(std::span<const double> failures,
                                                   std::span<const std::pair<std::uint32_t, std::uint32_t>> edges,
                                                   std::span<const std::uint32_t> outputs);
/// -log(1 - failure): adds up where failures multiply. Infinite at 1.
[[nodiscard]] double risk_weight(double failure);
/// Its inverse: 1 - exp(-weight).
[[nodiscard]] double residual_of(double weight);

}  // namespace dsperse::trust
