// ConvTranspose: schema, values, and the convolution that it is.
//
// Tested by ops/spatial_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/schema.h"
#include "dsperse/ops/common/window.h"

namespace dsperse::ops {

/// Attributes resolved, one entry per spatial axis. Output position i s + k d - pad_begin receives tap k of input position i.
struct TransposedWindow {
  std::vector<std::int64_t> kernel, stride, dilation, pad_begin, out;
};
[[nodiscard]] Result<TransposedWindow> conv_transpose_window(const model::InferCall& call);

/// x (N, C, spatial...) with 1 to 3 spatial axes, w (C, O / group, spatial...), optional bias (O).
Inferred infer_conv_transpose(const model::InferCall& call);
Evaluated evaluate_conv_transpose(const model::EvaluateCall& call);

/// A convolution of stride 1 that makes, per group, the output channels of every phase (row major over the axes' strides): output
/// position q s + r - cut of the transposed one is position q of phase r.
struct PhasedConv {
  SpatialWindow window;
  std::int64_t phases = 1;
  std::vector<std::int64_t> cut;
  model::Tensor weights;  ///< (group phases channels, input channels of a group, taps)
};
/// x: shape of the data; w: (C, O / group, kernel).
PhasedConv phased_conv(const TransposedWindow& t, const model::Shape& x, const model::Tensor& w, std::int64_t group);
/// Element of the phased convolution's output for every element of the transposed one's, whose shape is y.
std::vector<std::int64_t> phased_index(const TransposedWindow& t, const PhasedConv& p, const model::Shape& y, std::int64_t group);

}  // namespace dsperse::ops
