#include "dsperse/ops/lower.h"

namespace dsperse::ops {

const quantize::LowerSet& lowerings() {
  using quantize::Reads;
  static const quantize::LowerSet set{
      {"Add", {lower_add, Reads::along}},
      {"AveragePool", {lower_average_pool, Reads::images}},
      {"BatchNormalization", {lower_batch_normalization, Reads::images}},
      {"CenterCropPad", {lower_center_crop_pad, Reads::along}},
      {"Clip", {lower_clip, Reads::along}},
      {"Compress", {lower_compress, Reads::anything}},
      {"Concat", {lower_concat, Reads::along}},
      {"Conv", {lower_conv, Reads::images}},
      {"ConvTranspose", {lower_conv_transpose, Reads::images}},
      {"DepthToSpace", {lower_depth_to_space, Reads::anything}},
      {"Dropout", {lower_identity, Reads::along}},
      {"Expand", {lower_expand, Reads::anything}},
      {"Einsum", {lower_einsum, Reads::anything}},
      {"Flatten", {lower_reshape, Reads::anything}},
      {"Gather", {lower_gather, Reads::anything}},
      {"GatherElements", {lower_gather_elements, Reads::anything}},
      {"GatherND", {lower_gather_nd, Reads::anything}},
      {"Gemm", {lower_gemm, Reads::anything}},
      {"GlobalAveragePool", {lower_global_average_pool, Reads::images}},
      {"Identity", {lower_identity, Reads::along}},
      {"LeakyRelu", {lower_leaky_relu, Reads::along}},
      {"MaskedSoftmax", {lower_masked_softmax, Reads::anything}},
      {"MatMul", {lower_matmul, Reads::anything}},
      {"MaxPool", {lower_max_pool, Reads::images}},
      {"Pad", {lower_pad, Reads::along}},
      {"Relu", {lower_relu, Reads::along}},
      {"Reshape", {lower_reshape, Reads::anything}},
      {"Resize", {lower_resize, Reads::along}},
      {"ReverseSequence", {lower_reverse_sequence, Reads::anything}},
      {"Scatter", {lower_scatter_elements, Reads::anything}},
      {"ScatterElements", {lower_scatter_elements, Reads::anything}},
      {"ScatterND", {lower_scatter_nd, Reads::anything}},
      {"Sigmoid", {lower_sigmoid, Reads::along}},
      {"Slice", {lower_slice, Reads::along}},
      {"SpaceToDepth", {lower_space_to_depth, Reads::anything}},
      {"Split", {lower_split, Reads::along}},
      {"Squeeze", {lower_reshape, Reads::anything}},
      {"Sub", {lower_sub, Reads::along}},
      {"Tanh", {lower_tanh, Reads::along}},
      {"Tile", {lower_tile, Reads::along}},
      {"Transpose", {lower_transpose, Reads::anything}},
      {"Trilu", {lower_trilu, Reads::anything}},
      {"Unsqueeze", {lower_reshape, Reads::anything}},
      {"Upsample", {lower_resize, Reads::along}},
  };
  return set;
}

}  // namespace dsperse::ops
