// Which ops to split into how many tiles, so that each fits: as few parts as it takes, rows where values are what is large,
// channels where weights are, and the same parts for neighbours, whose tiles then feed each other.
//
// Not here: how an op is split (tile.h), cuts (search.h). Source: docs/design/0016. Tested by slice/plan_test.cc.
#pragma once

#include <map>
#include <vector>

#include "dsperse/slice/cost.h"
#include "dsperse/slice/tile.h"

namespace dsperse::slice {

class TileChoice {
 public:
  /// Both outlive this.
  TileChoice(const quantize::Program& program, const Costing& costing);
  /// By op, ascending.
  [[nodiscard]] const std::vector<TileRequest>& requests() const { return requests_; }
  /// More parts for every op of which some tile (tiled: as the requests so far made it; null: there are none) needs more than
  /// `bytes` by itself. False: all that are too large are in as many parts as they can be.
  bool grow(const Tiled* tiled, std::uint64_t bytes);

 private:
  [[nodiscard]] const TileAxis* choose_axis(std::uint32_t op, std::uint64_t bytes) const;
  void share_parts();
  [[nodiscard]] bool can(std::uint32_t op, std::uint32_t axis, std::uint32_t parts) const;

  const quantize::Program& program_;
  const Costing& costing_;
  std::vector<std::vector<TileAxis>> axes_;      ///< by op
  std::map<std::uint32_t, TileRequest> wanted_;  ///< by op
  std::vector<TileRequest> requests_;
};

}  // namespace dsperse::slice
