// Attention and RotaryEmbedding written out in matrix products and softmax; the softmax with hidden entries that they, and masks
// added before a Softmax (model/masks.cc), become.
//
// Expansions in expand.cc, the masked softmax in masked.cc and lower.cc. Sources: ONNX's Attention (opsets 23 to 25),
// RotaryEmbedding (23). Tested by ops/attention_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Q, K, V with three or four axes; grouped heads; softcap; causal and windowed; boolean and float masks; past keys and values.
/// Constant masks hide entries exactly; a computed boolean mask multiplies the exponentials.
Expanded expand_attention(const model::InferCall& call);
/// Halves or pairs rotated, all features or the first ones.
Expanded expand_rotary_embedding(const model::InferCall& call);

/// Not ONNX: softmax over the last axis of input 0 among the entries where input 1 (a constant, boolean, broadcasts to input 0)
/// is true, 0 elsewhere. Every row has a visible entry.
Inferred infer_masked_softmax(const model::InferCall& call);
Evaluated evaluate_masked_softmax(const model::EvaluateCall& call);

}  // namespace dsperse::ops
