#include "bench/transformers.h"

#include <cmath>

#include "bench/sequence.h"

namespace dsperse::bench {
namespace {

/// A residual's branch adds this part of its input's deviation: deep sums grow slowly, as in trained networks.
constexpr float kBranch = 0.5F;

/// Deviation of a projection whose input has mean square `power`, so that its output has kBranch.
float branch_gain(const Sequence& net) { return kBranch / std::sqrt(net.at().power); }

/// Normalization first, in GPT-2's form or (erf) with plain products and Erf.
void gpt_block(Sequence& net, std::int64_t width, const Attention& how, bool erf) {
  const auto dense = [&](std::int64_t outputs, float gain) { erf ? net.linear(outputs, true, gain) : net.gemm(outputs, gain); };
  At x = net.at();
  net.layer_norm();
  dense(3 * width, 1);
  const std::vector<At> parts = net.thirds();
  net.attend(parts[0], parts[1], parts[2], how);
  dense(width, branch_gain(net));
  net.plus(x);
  x = net.at();
  net.layer_norm();
  dense(4 * width, 1);
  erf ? net.gelu() : net.gelu_tanh();
  dense(width, branch_gain(net));
  net.plus(x);
}

}  // namespace

model::Graph nanogpt() {
  constexpr std::int64_t width = 64, characters = 65;
  Sequence net = Sequence::of_tokens("nanogpt", 64, characters, width, 30);
  net.positions();
  const Attention how{.heads = 4, .kv_heads = 4, .mask = net.causal_select(), .select = true};
  for (int i = 0; i < 4; ++i) gpt_block(net, width, how, true);
  return net.layer_norm().logits(characters).done();
}

model::Graph gpt2(std::int64_t tokens) {
  constexpr std::int64_t width = 768;
  Sequence net("gpt2_" + std::to_string(tokens), tokens, width, 31);
  const Attention how{.heads = 12, .kv_heads = 12, .mask = net.causal_select(), .select = true};
  for (int i = 0; i < 12; ++i) gpt_block(net, width, how, false);
  return net.layer_norm().logits(50257).done();
}

model::Graph bert_base() {
  constexpr std::int64_t width = 768;
  Sequence net("bert_base", 128, width, 32);
  const Attention how{.heads = 12, .kv_heads = 12, .mask = net.padding_add(100)};
  net.layer_norm();
  for (int i = 0; i < 12; ++i) {
    At x = net.at();
    const At q = net.linear(width, true).at(), k = net.back_to(x).linear(width, true).at();
    const At v = net.back_to(x).linear(width, true).at();
    net.attend(q, k, v, how);
    net.linear(width, true, branch_gain(net)).plus(x);
    x = net.layer_norm().at();
    net.linear(4 * width, true).gelu();
    net.linear(width, true, branch_gain(net)).plus(x);
    net.layer_norm();
  }
  return net.done();
}

model::Graph llama_block(const char* name, std::uint64_t seed, const LlamaShape& shape) {
  Sequence net(name, shape.tokens, shape.width, seed);
  const Attention how{.heads = shape.heads, .kv_heads = shape.kv_heads, .rotary = true, .mask = net.causal_add()};
  const std::int64_t kv_width = shape.width / shape.heads * shape.kv_heads;
  At x = net.at();
  const At n = net.rms_norm().at();
  const At q = net.linear(shape.width, false).at(), k = net.back_to(n).linear(kv_width, false).at();
  const At v = net.back_to(n).linear(kv_width, false).at();
  net.attend(q, k, v, how);
  net.linear(shape.width, false, branch_gain(net)).plus(x);
  x = net.at();
  const At m = net.rms_norm().at();
  const At up = net.linear(shape.inner, false).at();
  net.back_to(m).linear(shape.inner, false).silu().times(up);
  return net.linear(shape.width, false, branch_gain(net)).plus(x).done();
}

}  // namespace dsperse::bench
