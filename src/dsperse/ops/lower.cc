#include "dsperse/ops/lower.h"

namespace dsperse::ops {

const quantize::LowerSet& lowerings() {
  using quantize::Reads;
  static const quantize::LowerSet set{
      {"Add", {lower_add, Reads::along}},
      {"AveragePool", {lower_average_pool, Reads::images}},
      {"BatchNormalization", {lower_batch_normalization, Reads::images}},
      {"Clip", {lower_clip, Reads::along}},
      {"Concat", {lower_concat, Reads::along}},
      {"Conv", {lower_conv, Reads::images}},
      {"Dropout", {lower_identity, Reads::along}},
      {"Einsum", {lower_einsum, Reads::anything}},
      {"Flatten", {lower_reshape, Reads::anything}},
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
      {"Sigmoid", {lower_sigmoid, Reads::along}},
      {"Squeeze", {lower_reshape, Reads::anything}},
      {"Sub", {lower_sub, Reads::along}},
      {"Tanh", {lower_tanh, Reads::along}},
      {"Transpose", {lower_transpose, Reads::anything}},
      {"Unsqueeze", {lower_reshape, Reads::anything}},
  };
  return set;
}

}  // namespace dsperse::ops
