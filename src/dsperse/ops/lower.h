// From ONNX operators to integer ops: the lower.cc files of the families, listed once in ops/lower.cc.
//
// Not here: layouts and numbers (quantize/lowering.h). Tested by ops/lower_test.cc.
#pragma once

#include "dsperse/quantize/lowering.h"

namespace dsperse::ops {

/// All operators that have an integer form, for quantize_model.
const quantize::LowerSet& lowerings();

// attention
[[nodiscard]] Status lower_masked_softmax(quantize::Lowering& l, const model::Node& node);

// einsum: two operands
[[nodiscard]] Status lower_einsum(quantize::Lowering& l, const model::Node& node);

// linear: the weights must be constants (MatMul: anything).
[[nodiscard]] Status lower_conv(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_conv_transpose(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_gemm(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_matmul(quantize::Lowering& l, const model::Node& node);
/// Alone (not folded into a layer): a depthwise 1x1 convolution.
[[nodiscard]] Status lower_batch_normalization(quantize::Lowering& l, const model::Node& node);

// elementwise
[[nodiscard]] Status lower_sub(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_relu(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_leaky_relu(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_clip(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_sigmoid(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_tanh(quantize::Lowering& l, const model::Node& node);
/// Identity, Dropout.
[[nodiscard]] Status lower_identity(quantize::Lowering& l, const model::Node& node);
/// A function of one tensor, other operands numbers: a table.
[[nodiscard]] Status lower_point(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_mul(quantize::Lowering& l, const model::Node& node);
/// Tensors over tensors: positive divisors.
[[nodiscard]] Status lower_div(quantize::Lowering& l, const model::Node& node);
/// Add, Sum.
[[nodiscard]] Status lower_sum(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_cast(quantize::Lowering& l, const model::Node& node);

// reduce
/// ReduceSum, ReduceMean; ReduceMax, ReduceMin along one axis.
[[nodiscard]] Status lower_reduce(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_arg(quantize::Lowering& l, const model::Node& node);
/// Refuses: k = 1 has become ReduceMax and ArgMax.
[[nodiscard]] Status lower_top_k(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_cum_sum(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_one_hot(quantize::Lowering& l, const model::Node& node);

// normalize: scales and biases must be constants.
[[nodiscard]] Status lower_softmax(quantize::Lowering& l, const model::Node& node);
/// LayerNormalization, RMSNormalization, SimplifiedLayerNormalization.
[[nodiscard]] Status lower_layer_normalization(quantize::Lowering& l, const model::Node& node);

// pool
[[nodiscard]] Status lower_max_pool(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_average_pool(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_global_average_pool(quantize::Lowering& l, const model::Node& node);

// movement
/// Reshape, Flatten, Squeeze, Unsqueeze.
[[nodiscard]] Status lower_reshape(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_transpose(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_concat(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_pad(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_slice(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_split(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_expand(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_tile(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_center_crop_pad(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_trilu(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_reverse_sequence(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_depth_to_space(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_space_to_depth(quantize::Lowering& l, const model::Node& node);
/// Constant indices only, these and the next ones.
[[nodiscard]] Status lower_gather(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_gather_elements(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_gather_nd(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_compress(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_scatter_elements(quantize::Lowering& l, const model::Node& node);
[[nodiscard]] Status lower_scatter_nd(quantize::Lowering& l, const model::Node& node);

// resize
[[nodiscard]] Status lower_resize(quantize::Lowering& l, const model::Node& node);

}  // namespace dsperse::ops
