// RNN, GRU, LSTM, and layers that are handed a state: written out step by step in matrix products, sums and activations.
//
// RNN, GRU, LSTM in expand.cc, the others in states.cc. Sources: ONNX's equations of the operators (opsets 7, 14, 22, 27). Tested
// by ops/expand_test.cc against plain loops.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Most steps of one layer: its expansion has at least 7 nodes a step.
inline constexpr std::int64_t kMaxSteps = 8192;

/// Any direction, layout, activation, clip; initial states and biases may be absent. sequence_lens: a constant, all steps of
/// every sequence. Weights may be computed, but constants are cheaper.
Expanded expand_rnn(const model::InferCall& call);
/// linear_before_reset too.
Expanded expand_gru(const model::InferCall& call);
/// Peepholes and input_forget too.
Expanded expand_lstm(const model::InferCall& call);

/// CausalConvWithState: Conv of the past state and the input, one after the other; Swish.
Expanded expand_causal_conv_with_state(const model::InferCall& call);
/// LinearAttention: each state from the one before by outer products; all update rules, grouped heads, 1024 steps at most.
Expanded expand_linear_attention(const model::InferCall& call);

}  // namespace dsperse::ops
