// Transformers written layer by layer, as exporters write them: attention as products of reshaped and transposed tensors,
// normalizations and GELUs node by node where frameworks have them so. Weights of variance 1 / fan-in from a seed.
//
// Not here: the networks (transformers.h). Tested by bench/models_test.cc.
#pragma once

#include <string>
#include <vector>

#include "bench/net.h"

namespace dsperse::bench {

/// How queries, keys and values of an attention are made.
struct Attention {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;  ///< fewer than heads: each serves heads / kv_heads of them
  bool rotary = false;        ///< rotary positions, halves turned against each other
  std::string mask;           ///< constant added to the scores, or selecting them
  bool select = false;        ///< mask is boolean: Where; otherwise it is added
};

/// at() is (1, T, D) unless a method says otherwise.
class Sequence : public Net {
 public:
  /// Input `embeddings`: (1, T, D).
  Sequence(std::string name, std::int64_t tokens, std::int64_t width, std::uint64_t seed);
  /// Input `tokens`: (1, T) integers below `vocabulary`, looked up in a table of (vocabulary, D) that logits() reads again.
  static Sequence of_tokens(std::string name, std::int64_t tokens, std::int64_t vocabulary, std::int64_t width,
                            std::uint64_t seed);

  /// Adds a constant of (T, D).
  Sequence& positions();
  /// One node, opset 17.
  Sequence& layer_norm();
  /// Pow, ReduceMean, Add, Sqrt, Reciprocal, Mul, Mul.
  Sequence& rms_norm();
  /// MatMul and, with a bias, Add; `gain` times the standard deviation.
  Sequence& linear(std::int64_t outputs, bool bias, float gain = 1);
  /// GPT-2's: Reshape to (T, D), Gemm, Reshape.
  Sequence& gemm(std::int64_t outputs, float gain = 1);
  /// With Erf: Div, Erf, Add, Mul, Mul.
  Sequence& gelu();
  /// With Tanh: Pow, Mul, Add, Mul, Tanh, Add, Mul, Mul.
  Sequence& gelu_tanh();
  /// x sigmoid(x).
  Sequence& silu();
  /// q (1, T, H D), k and v (1, T, G D) for heads H and key heads G; becomes (1, T, H D).
  Sequence& attend(const At& q, const At& k, const At& v, const Attention& how);
  /// Three parts of equal width, in order.
  std::vector<At> thirds();
  Sequence& times(const At& other);
  Sequence& plus(const At& other);
  Sequence& back_to(const At& other);
  /// (1, T, vocabulary): the product with the transposed table; a new table unless of_tokens() made one.
  Sequence& logits(std::int64_t vocabulary);

  /// (1, 1, T, T), true where a token may look: itself and those before it.
  std::string causal_select();
  /// The same as numbers to add: 0, or the least float.
  std::string causal_add();
  /// (1, 1, 1, T): 0 for the first `length` tokens, the least float for the others.
  std::string padding_add(std::int64_t length);

 private:
  std::string scalar(float value);
  std::string ints(std::vector<std::int64_t> values);
  Sequence& transpose(const std::vector<std::int64_t>& perm);
  /// (1, T, N D) -> (1, N, T, D).
  Sequence& heads_of(const At& x, std::int64_t heads, std::int64_t width);
  Sequence& rotate(std::int64_t width);
  Sequence& repeat_heads(std::int64_t times);
  std::int64_t tokens_;
  std::string table_;
};

}  // namespace dsperse::bench
