// Tensors put together from the elements of another one: what the values of movement operators are made with.
//
// Tested by ops/movement_test.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// Element i is element index[i] of x, or zero where index[i] < 0.
model::Tensor pick(const model::Tensor& x, model::Shape shape, const std::vector<std::int64_t>& index);
/// y[i] = x[j].
void set(model::Tensor& y, std::int64_t i, const model::Tensor& x, std::int64_t j);

/// Row-major index of every element of `out`, axis by axis: the sum over the axes of along[k][position]; -1 where one of these is
/// negative.
std::vector<std::int64_t> index_along(const std::vector<std::vector<std::int64_t>>& along);

/// Elements before, on and after an axis.
struct AxisSplit {
  std::int64_t outer = 1, extent = 1, inner = 1;
};
AxisSplit split_at(const model::Shape& shape, std::size_t axis);

/// index in [-extent, extent) as one in [0, extent); an error names input i.
[[nodiscard]] Result<std::int64_t> normal_index(const model::Node& node, std::size_t i, std::int64_t index, std::int64_t extent);

}  // namespace dsperse::ops
