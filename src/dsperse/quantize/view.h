// Where the elements of a float (ONNX) tensor lie in the flat order of an integer tensor: layouts as data, so that Reshape,
// Transpose, Flatten, Squeeze move nothing.
//
// The logical axes are refined into factors; `order` says in which order the factors lie in storage. An image (N, C, H, W)
// stored channels-last has factors N, C, H, W and order 0, 2, 3, 1; flattened to (N, C H W) it keeps factors and order.
// Not here: tensors and their shapes in the Program (quantize/lowering.h). Tested by quantize/view_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Always normal: no factor is 1, and neighbours of one axis that lie side by side in storage are one factor. So two Views of
/// equal shape place their elements alike exactly when they are equal.
struct View {
  Shape shape;                       ///< logical axes
  Shape factors;                     ///< row major refinement of `shape`
  std::vector<std::uint32_t> order;  ///< factors from the outermost in storage to the innermost
  friend bool operator==(const View&, const View&) = default;
};

/// Storage axis k is logical axis perm[k].
View stored_as(const Shape& shape, const std::vector<std::uint32_t>& perm);
View row_major(const Shape& shape);
/// The same elements under another shape (equal number of elements); nothing if they would have to move.
std::optional<View> reshaped(const View& view, const Shape& shape);
/// Axis k of the result is axis perm[k] of the view.
View transposed(const View& view, const std::vector<std::uint32_t>& perm);
/// The perm for which stored_as gives this view, size-1 axes first; nothing if an axis does not lie in one piece.
std::optional<std::vector<std::uint32_t>> axis_order(const View& view);
/// Number of factors of each logical axis.
std::vector<std::size_t> factors_of_axes(const View& view);
/// Storage index of every logical (row major) index.
std::vector<std::int64_t> storage_index(const View& view);

}  // namespace dsperse::quantize
