// How factors lie in panels of 16 outputs (PanelTile, kernels.h), and how many panels a tile takes.
//
// Private to this room: weights are packed once (linear_panels.cc), an activation's columns in every run (contract.cc). Tested by
// run/integer_test.cc through its users.
#pragma once

#include <cstdint>
#include <cstring>

#include "dsperse/run/kernels/kernels.h"

namespace dsperse::run {

/// Writes a row of n factors to the lane that begins at `to`, in pairs; the partner of an odd last one stays as it is.
inline void pack_lane(const std::int16_t* row, std::int64_t n, std::int16_t* to) {
  for (std::int64_t i = 0; i + 1 < n; i += 2, to += 2 * kLanes) std::memcpy(to, row + i, 2 * sizeof *to);
  if (n % 2 != 0) *to = row[n - 1];
}

/// Tiles as equal as possible: 5 panels are 3 + 2, not 4 + 1.
inline std::int64_t panels_of_a_tile(std::int64_t panels) {
  const std::int64_t tiles = (panels + kMaxPanels - 1) / kMaxPanels;
  return (panels + tiles - 1) / tiles;
}

}  // namespace dsperse::run
