// Spatial windows of Conv and the pools as ONNX states them: attributes, auto_pad and ceil_mode resolved to numbers.
//
// Lists have one entry per spatial axis (1 to 3). Not here: loops over data. Tested by ops/schema_test.cc.
#pragma once

#include "dsperse/model/operator.h"

namespace dsperse::ops {

/// pad_begin, pad_end: the padding that the file states or auto_pad implies. With ceil_mode the last window may reach
/// `overhang` positions beyond it; those positions never count (not even with count_include_pad).
struct SpatialWindow {
  std::vector<std::int64_t> kernel, stride, dilation, pad_begin, pad_end, overhang;
  std::vector<std::int64_t> out;  ///< output positions, >= 1
};

/// x: shape (N, C, spatial...); kernel: its spatial extents. An error if the window does not fit.
[[nodiscard]] Result<SpatialWindow> conv_window(const model::Node& node, const model::Shape& x,
                                                const std::vector<std::int64_t>& kernel);
/// kernel_shape and ceil_mode come from the node. Every window has a tap inside the image, or it is refused.
[[nodiscard]] Result<SpatialWindow> pool_window(const model::Node& node, const model::Shape& x);

}  // namespace dsperse::ops
