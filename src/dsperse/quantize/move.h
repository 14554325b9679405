// Data movements as pieces: from "element i of y is element index[i] of its sources" to the boxes and axis maps of a Rearrange,
// or to a View where nothing need move.
//
// Pure functions on index arrays; layouts and graphs are quantize/lowering.h's. Tested by quantize/move_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/quantize/program.h"
#include "dsperse/quantize/view.h"

namespace dsperse::quantize {

/// A tensor that is read, and axes by which it is likely to be read: a refinement of its flat index.
struct MoveSource {
  TensorId id = 0;
  Shape axes;
};

/// Letters of an axis map together, where several letters read one axis: what a verifier spends on it.
inline constexpr std::int64_t kMaxJointLetters = std::int64_t{1} << 18;

/// A Rearrange (y and fill not set) for which element i of y's flat order, read over `axes`, is element index[i] of the sources'
/// flat orders, counted through all of them, or the fill where index[i] < 0. Errors (unsupported): more than kMaxPieces pieces,
/// letters beyond kMaxJointLetters, nothing but fill.
[[nodiscard]] Result<Rearrange> find_pieces(const Shape& axes, const std::vector<std::int64_t>& index,
                                            const std::vector<MoveSource>& sources);

/// A View of this shape whose logical element i lies at storage place place[i]; nothing if there is none.
std::optional<View> find_view(const Shape& shape, const std::vector<std::int64_t>& place);

/// index = base + sum of along[k][position on axis k], or a hole where any of these is kHole; nothing if the map is no such sum.
struct SeparableMap {
  static constexpr std::int64_t kHole = INT64_MIN;
  std::int64_t base = 0;
  std::vector<std::vector<std::int64_t>> along;
};
std::optional<SeparableMap> separate(const Shape& axes, const std::vector<std::int64_t>& index);

}  // namespace dsperse::quantize
