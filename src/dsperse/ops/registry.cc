#include "dsperse/ops/registry.h"

#include <array>

#include "dsperse/ops/attention/attention.h"
#include "dsperse/ops/composite/composite.h"
#include "dsperse/ops/control/control.h"
#include "dsperse/ops/einsum/einsum.h"
#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/elementwise/points.h"
#include "dsperse/ops/elementwise/real.h"
#include "dsperse/ops/elementwise/split.h"
#include "dsperse/ops/linear/conv_transpose.h"
#include "dsperse/ops/linear/linear.h"
#include "dsperse/ops/movement/movement.h"
#include "dsperse/ops/movement/parts.h"
#include "dsperse/ops/movement/select.h"
#include "dsperse/ops/normalize/expand.h"
#include "dsperse/ops/normalize/normalize.h"
#include "dsperse/ops/pool/pool.h"
#include "dsperse/ops/quantized/expand.h"
#include "dsperse/ops/quantized/quantized.h"
#include "dsperse/ops/recurrent/recurrent.h"
#include "dsperse/ops/reduce/expand.h"
#include "dsperse/ops/reduce/reduce.h"
#include "dsperse/ops/resize/grid.h"
#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

namespace {

using model::Folding;

struct Entry {
  const char* name;
  Folding folding;
  Inferred (*infer)(const model::InferCall&);
  Evaluated (*evaluate)(const model::EvaluateCall&);
};

constexpr std::array kOperators = {
    Entry{"Add", Folding::ordinary, infer_binary, evaluate_add},
    Entry{"AveragePool", Folding::ordinary, infer_average_pool, evaluate_average_pool},
    Entry{"BatchNormalization", Folding::ordinary, infer_batch_normalization, evaluate_batch_normalization},
    Entry{"Cast", Folding::ordinary, infer_cast, evaluate_cast},
    Entry{"CenterCropPad", Folding::ordinary, infer_center_crop_pad, evaluate_center_crop_pad},
    Entry{"Clip", Folding::ordinary, infer_clip, evaluate_clip},
    Entry{"Compress", Folding::ordinary, infer_compress, evaluate_compress},
    Entry{"Concat", Folding::ordinary, infer_concat, evaluate_concat},
    Entry{"Constant", Folding::fold_only, infer_constant, evaluate_constant},
    Entry{"ConstantOfShape", Folding::fold_only, infer_constant_of_shape, evaluate_constant_of_shape},
    Entry{"Conv", Folding::ordinary, infer_conv, evaluate_conv},
    Entry{"ConvTranspose", Folding::ordinary, infer_conv_transpose, evaluate_conv_transpose},
    Entry{"DepthToSpace", Folding::ordinary, infer_depth_to_space, evaluate_depth_to_space},
    Entry{"Div", Folding::ordinary, infer_binary, evaluate_div},
    Entry{"Dropout", Folding::ordinary, infer_dropout, evaluate_dropout},
    Entry{"Einsum", Folding::ordinary, infer_einsum, evaluate_einsum},
    Entry{"Expand", Folding::ordinary, infer_expand, evaluate_expand},
    Entry{"EyeLike", Folding::shape_only, infer_eye_like, evaluate_eye_like},
    Entry{"Flatten", Folding::ordinary, infer_flatten, evaluate_flatten},
    Entry{"Gather", Folding::ordinary, infer_gather, evaluate_gather},
    Entry{"GatherElements", Folding::ordinary, infer_gather_elements, evaluate_gather_elements},
    Entry{"GatherND", Folding::ordinary, infer_gather_nd, evaluate_gather_nd},
    Entry{"Gemm", Folding::ordinary, infer_gemm, evaluate_gemm},
    Entry{"GlobalAveragePool", Folding::ordinary, infer_global_average_pool, evaluate_global_average_pool},
    Entry{"Identity", Folding::ordinary, infer_identity, evaluate_identity},
    Entry{"LeakyRelu", Folding::ordinary, infer_unary, evaluate_leaky_relu},
    Entry{"MaskedSoftmax", Folding::ordinary, infer_masked_softmax, evaluate_masked_softmax},
    Entry{"MatMul", Folding::ordinary, infer_matmul, evaluate_matmul},
    Entry{"MaxPool", Folding::ordinary, infer_max_pool, evaluate_max_pool},
    Entry{"Mul", Folding::ordinary, infer_binary, evaluate_mul},
    Entry{"NonZero", Folding::fold_only, infer_non_zero, evaluate_non_zero},
    Entry{"Pad", Folding::ordinary, infer_pad, evaluate_pad},
    Entry{"Range", Folding::fold_only, infer_range, evaluate_range},
    Entry{"Relu", Folding::ordinary, infer_unary, evaluate_relu},
    Entry{"Reshape", Folding::ordinary, infer_reshape, evaluate_reshape},
    Entry{"Resize", Folding::ordinary, infer_resize, evaluate_resize},
    Entry{"ReverseSequence", Folding::ordinary, infer_reverse_sequence, evaluate_reverse_sequence},
    Entry{"Scatter", Folding::ordinary, infer_scatter_elements, evaluate_scatter_elements},
    Entry{"ScatterElements", Folding::ordinary, infer_scatter_elements, evaluate_scatter_elements},
    Entry{"ScatterND", Folding::ordinary, infer_scatter_nd, evaluate_scatter_nd},
    Entry{"Shape", Folding::shape_only, infer_shape_of, evaluate_shape_of},
    Entry{"Sigmoid", Folding::ordinary, infer_unary, evaluate_sigmoid},
    Entry{"Size", Folding::shape_only, infer_size, evaluate_size},
    Entry{"Slice", Folding::ordinary, infer_slice, evaluate_slice},
    Entry{"SpaceToDepth", Folding::ordinary, infer_space_to_depth, evaluate_space_to_depth},
    Entry{"Split", Folding::ordinary, infer_split, evaluate_split},
    Entry{"Squeeze", Folding::ordinary, infer_squeeze, evaluate_squeeze},
    Entry{"Sub", Folding::ordinary, infer_binary, evaluate_sub},
    Entry{"Tanh", Folding::ordinary, infer_unary, evaluate_tanh},
    Entry{"Tile", Folding::ordinary, infer_tile, evaluate_tile},
    Entry{"Transpose", Folding::ordinary, infer_transpose, evaluate_transpose},
    Entry{"Trilu", Folding::ordinary, infer_trilu, evaluate_trilu},
    Entry{"Unique", Folding::fold_only, infer_unique, evaluate_unique},
    Entry{"Unsqueeze", Folding::ordinary, infer_unsqueeze, evaluate_unsqueeze},
    Entry{"Upsample", Folding::ordinary, infer_resize, evaluate_resize},
};

/// Functions of one number and what works element by element, reductions, rows, quantized tensors.
constexpr std::array kPointOperators = {
    Entry{"Abs", Folding::ordinary, infer_signed, evaluate_signed},
    Entry{"Acos", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Acosh", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"And", Folding::ordinary, infer_logical, evaluate_logical},
    Entry{"ArgMax", Folding::ordinary, infer_arg, evaluate_arg},
    Entry{"ArgMin", Folding::ordinary, infer_arg, evaluate_arg},
    Entry{"Asin", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Asinh", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Atan", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Atanh", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"BitShift", Folding::fold_only, infer_bitwise, evaluate_bitwise},
    Entry{"BitwiseAnd", Folding::fold_only, infer_bitwise, evaluate_bitwise},
    Entry{"BitwiseOr", Folding::fold_only, infer_bitwise, evaluate_bitwise},
    Entry{"BitwiseXor", Folding::fold_only, infer_bitwise, evaluate_bitwise},
    Entry{"CastLike", Folding::ordinary, infer_cast_like, evaluate_cast_like},
    Entry{"Ceil", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Celu", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Cos", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Cosh", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"CumSum", Folding::ordinary, infer_cum_sum, evaluate_cum_sum},
    Entry{"DequantizeLinear", Folding::ordinary, infer_dequantize_linear, evaluate_dequantize_linear},
    Entry{"DynamicQuantizeLinear", Folding::ordinary, infer_dynamic_quantize, evaluate_dynamic_quantize},
    Entry{"Elu", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Equal", Folding::ordinary, infer_compare, evaluate_compare},
    Entry{"Erf", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Exp", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Floor", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Gelu", Folding::ordinary, infer_gelu, evaluate_gelu},
    Entry{"Greater", Folding::ordinary, infer_compare, evaluate_compare},
    Entry{"GreaterOrEqual", Folding::ordinary, infer_compare, evaluate_compare},
    Entry{"HardSigmoid", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"HardSwish", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"IsInf", Folding::ordinary, infer_test, evaluate_test},
    Entry{"IsNaN", Folding::ordinary, infer_test, evaluate_test},
    Entry{"LayerNormalization", Folding::ordinary, infer_layer_normalization, evaluate_layer_normalization},
    Entry{"Less", Folding::ordinary, infer_compare, evaluate_compare},
    Entry{"LessOrEqual", Folding::ordinary, infer_compare, evaluate_compare},
    Entry{"Log", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"MatMulInteger", Folding::ordinary, infer_matmul_integer, evaluate_matmul_integer},
    Entry{"Max", Folding::ordinary, infer_variadic, evaluate_variadic},
    Entry{"Mean", Folding::ordinary, infer_variadic, evaluate_variadic},
    Entry{"Min", Folding::ordinary, infer_variadic, evaluate_variadic},
    Entry{"Mish", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Mod", Folding::ordinary, infer_mod, evaluate_mod},
    Entry{"Neg", Folding::ordinary, infer_signed, evaluate_signed},
    Entry{"Not", Folding::ordinary, infer_not, evaluate_not},
    Entry{"OneHot", Folding::ordinary, infer_one_hot, evaluate_one_hot},
    Entry{"Or", Folding::ordinary, infer_logical, evaluate_logical},
    Entry{"PRelu", Folding::ordinary, infer_prelu, evaluate_prelu},
    Entry{"Points", Folding::ordinary, infer_points, evaluate_points},
    Entry{"Pow", Folding::ordinary, infer_pow, evaluate_pow},
    Entry{"QuantizeLinear", Folding::ordinary, infer_quantize_linear, evaluate_quantize_linear},
    Entry{"RMSNormalization", Folding::ordinary, infer_layer_normalization, evaluate_layer_normalization},
    Entry{"Reciprocal", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"ReduceL1", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceL2", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceLogSum", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceLogSumExp", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceMax", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceMean", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceMin", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceProd", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceSum", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"ReduceSumSquare", Folding::ordinary, infer_reduce, evaluate_reduce},
    Entry{"Round", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Selu", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Shrink", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Sign", Folding::ordinary, infer_signed, evaluate_signed},
    Entry{"SimplifiedLayerNormalization", Folding::ordinary, infer_layer_normalization, evaluate_layer_normalization},
    Entry{"Sin", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Sinh", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Softmax", Folding::ordinary, infer_softmax, evaluate_softmax},
    Entry{"Softplus", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Softsign", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Sqrt", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Sum", Folding::ordinary, infer_variadic, evaluate_variadic},
    Entry{"Swish", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"Tan", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"ThresholdedRelu", Folding::ordinary, infer_unary, evaluate_unary},
    Entry{"TopK", Folding::ordinary, infer_top_k, evaluate_top_k},
    Entry{"Where", Folding::ordinary, infer_where, evaluate_where},
    Entry{"Xor", Folding::ordinary, infer_logical, evaluate_logical},
};

/// What becomes simpler nodes: operators of the table above that do in some forms, and operators that are nothing else.
struct Expander {
  const char* name;
  Expanded (*expand)(const model::InferCall&);
};
constexpr std::array kExpanders = {
    Expander{"AffineGrid", expand_affine_grid},
    Expander{"Attention", expand_attention},
    Expander{"CausalConvWithState", expand_causal_conv_with_state},
    Expander{"Einsum", expand_einsum},
    Expander{"GRU", expand_gru},
    Expander{"Gemm", expand_gemm},
    Expander{"GridSample", expand_grid_sample},
    Expander{"GroupNormalization", expand_group_normalization},
    Expander{"Hardmax", expand_hardmax},
    Expander{"If", expand_if},
    Expander{"InstanceNormalization", expand_instance_normalization},
    Expander{"LRN", expand_lrn},
    Expander{"LSTM", expand_lstm},
    Expander{"LinearAttention", expand_linear_attention},
    Expander{"LogSoftmax", expand_log_softmax},
    Expander{"Loop", expand_loop},
    Expander{"LpNormalization", expand_lp_normalization},
    Expander{"MeanVarianceNormalization", expand_mean_variance_normalization},
    Expander{"NegativeLogLikelihoodLoss", expand_negative_log_likelihood_loss},
    Expander{"RNN", expand_rnn},
    Expander{"RotaryEmbedding", expand_rotary_embedding},
    Expander{"Scan", expand_scan},
    Expander{"SoftmaxCrossEntropyLoss", expand_softmax_cross_entropy_loss},
};

constexpr std::array kPointExpanders = {
    Expander{"CastLike", expand_cast_like},
    Expander{"ConvInteger", expand_conv_integer},
    Expander{"CumProd", expand_cum_prod},
    Expander{"DynamicQuantizeLinear", expand_dynamic_quantize},
    Expander{"GlobalLpPool", expand_global_lp_pool},
    Expander{"GlobalMaxPool", expand_global_max_pool},
    Expander{"LayerNormalization", expand_layer_normalization},
    Expander{"LpPool", expand_lp_pool},
    Expander{"MatMulInteger", expand_matmul_integer},
    Expander{"OneHot", expand_one_hot},
    Expander{"QLinearConv", expand_qlinear_conv},
    Expander{"QLinearMatMul", expand_qlinear_matmul},
    Expander{"RMSNormalization", expand_layer_normalization},
    Expander{"ReduceL1", expand_reduce},
    Expander{"ReduceL2", expand_reduce},
    Expander{"ReduceLogSum", expand_reduce},
    Expander{"ReduceLogSumExp", expand_reduce},
    Expander{"ReduceMax", expand_reduce},
    Expander{"ReduceMean", expand_reduce},
    Expander{"ReduceMin", expand_reduce},
    Expander{"ReduceProd", expand_reduce},
    Expander{"ReduceSum", expand_reduce},
    Expander{"ReduceSumSquare", expand_reduce},
    Expander{"SimplifiedLayerNormalization", expand_layer_normalization},
    Expander{"Softmax", expand_softmax},
    Expander{"SwiGLU", expand_swiglu},
    Expander{"TopK", expand_top_k},
};
/// What remains of element-wise operators with several tensors (model/points.h).
constexpr std::array kSplitters = {
    Expander{"And", split_logical},     Expander{"DequantizeLinear", split_dequantize_linear},
    Expander{"Div", split_div},         Expander{"Equal", split_compare},
    Expander{"Greater", split_compare}, Expander{"GreaterOrEqual", split_compare},
    Expander{"Less", split_compare},    Expander{"LessOrEqual", split_compare},
    Expander{"Max", split_extreme},     Expander{"Mean", split_mean},
    Expander{"Min", split_extreme},     Expander{"Or", split_logical},
    Expander{"PRelu", split_prelu},     Expander{"QuantizeLinear", split_quantize_linear},
    Expander{"Where", split_where},     Expander{"Xor", split_logical},
};

}  // namespace

const model::OperatorSet& float_operators() {
  static const model::OperatorSet set = [] {
    model::OperatorSet out;
    const auto add = [&](const auto& entries) {
      for (const Entry& e : entries) {
        out.emplace(e.name, model::OperatorSchema{e.name, e.folding, e.infer, e.evaluate});
        out.at(e.name).elementwise = is_elementwise(e.name);
      }
    };
    const auto expand = [&](const auto& entries) {
      for (const Expander& e : entries) {
        model::OperatorSchema& schema = out[e.name];
        schema.name = e.name;
        schema.expand = e.expand;
      }
    };
    add(kOperators);
    add(kPointOperators);
    expand(kExpanders);
    expand(kPointExpanders);
    for (const Expander& e : kSplitters) out.at(e.name).split = e.expand;
    return out;
  }();
  return set;
}

}  // namespace dsperse::ops
