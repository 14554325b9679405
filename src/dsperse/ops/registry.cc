#include "dsperse/ops/registry.h"

#include <array>

#include "dsperse/ops/attention/attention.h"
#include "dsperse/ops/composite/composite.h"
#include "dsperse/ops/control/control.h"
#include "dsperse/ops/einsum/einsum.h"
#include "dsperse/ops/elementwise/elementwise.h"
#include "dsperse/ops/linear/conv_transpose.h"
#include "dsperse/ops/linear/linear.h"
#include "dsperse/ops/movement/movement.h"
#include "dsperse/ops/movement/parts.h"
#include "dsperse/ops/movement/select.h"
#include "dsperse/ops/pool/pool.h"
#include "dsperse/ops/recurrent/recurrent.h"
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
    Entry{"Cast", Folding::fold_only, infer_cast, evaluate_cast},
    Entry{"CenterCropPad", Folding::ordinary, infer_center_crop_pad, evaluate_center_crop_pad},
    Entry{"Clip", Folding::ordinary, infer_clip, evaluate_clip},
    Entry{"Compress", Folding::ordinary, infer_compress, evaluate_compress},
    Entry{"Concat", Folding::ordinary, infer_concat, evaluate_concat},
    Entry{"Constant", Folding::fold_only, infer_constant, evaluate_constant},
    Entry{"ConstantOfShape", Folding::fold_only, infer_constant_of_shape, evaluate_constant_of_shape},
    Entry{"Conv", Folding::ordinary, infer_conv, evaluate_conv},
    Entry{"ConvTranspose", Folding::ordinary, infer_conv_transpose, evaluate_conv_transpose},
    Entry{"DepthToSpace", Folding::ordinary, infer_depth_to_space, evaluate_depth_to_space},
    Entry{"Div", Folding::fold_only, infer_binary, evaluate_div},
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
    Entry{"Mul", Folding::fold_only, infer_binary, evaluate_mul},
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

/// What becomes simpler nodes: operators of the table above that do in some forms, and operators that are nothing else.
struct Expander {
  const char* name;
  Expanded (*expand)(const model::InferCall&);
};
constexpr std::array kExpanders = {
    Expander{"Attention", expand_attention},
    Expander{"Einsum", expand_einsum},
    Expander{"GRU", expand_gru},
    Expander{"Gemm", expand_gemm},
    Expander{"GroupNormalization", expand_group_normalization},
    Expander{"Hardmax", expand_hardmax},
    Expander{"If", expand_if},
    Expander{"InstanceNormalization", expand_instance_normalization},
    Expander{"LRN", expand_lrn},
    Expander{"LSTM", expand_lstm},
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

}  // namespace

const model::OperatorSet& float_operators() {
  static const model::OperatorSet set = [] {
    model::OperatorSet out;
    for (const Entry& e : kOperators) out.emplace(e.name, model::OperatorSchema{e.name, e.folding, e.infer, e.evaluate});
    for (const Expander& e : kExpanders) {
      model::OperatorSchema& schema = out[e.name];
      schema.name = e.name;
      schema.expand = e.expand;
    }
    return out;
  }();
  return set;
}

}  // namespace dsperse::ops
