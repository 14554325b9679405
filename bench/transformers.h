// Transformers of bench/models.h: real shapes, random weights. Tested by bench/models_test.cc.
#pragma once

#include "dsperse/model/graph.h"

namespace dsperse::bench {

/// 0.2 M parameters: 4 layers of width 64 with 4 heads, 65 characters, 64 tokens in, the logits of each out.
model::Graph nanogpt();
/// 124 M parameters: 12 layers of width 768 with 12 heads. The token table (50257 rows) gives the logits of all tokens; looking
/// tokens up in it, and adding positions, is left to who embeds: the input is (1, tokens, 768).
model::Graph gpt2(std::int64_t tokens);
/// 85 M parameters of the encoder of BERT-base: 12 layers of width 768, normalization last, 128 tokens of which the last 28
/// are padding. From embeddings to the last hidden state.
model::Graph bert_base();
/// A decoder block with RMSNorm, rotary positions, grouped queries and a SiLU gate; no biases.
struct LlamaShape {
  std::int64_t tokens, width, heads, kv_heads, inner;
};
model::Graph llama_block(const char* name, std::uint64_t seed, const LlamaShape& shape);

}  // namespace dsperse::bench
