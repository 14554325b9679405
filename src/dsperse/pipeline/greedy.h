// Greedy answers of language models: one certified pass over prompt and answer shows that every token of the answer is the one
// that the model finds likeliest.
//
// The model's only input holds T token ids, an output (ArgMax over the logits) at each position the likeliest next token. A check
// on values that a certificate binds, so it is worth what the certificate is; and it needs a causal model, whose output at a
// position does not depend on later tokens. Tested by pipeline/greedy_test.cc.
#pragma once

#include <optional>
#include <string>

#include "dsperse/pipeline/edges.h"

namespace dsperse::pipeline {

/// Positions first <= i < end of the input are the answer; end absent: up to the last token.
struct GreedyAnswer {
  std::size_t first = 1;
  std::optional<std::size_t> end;
  friend bool operator==(const GreedyAnswer&, const GreedyAnswer&) = default;
};

/// "FIRST" or "FIRST:END", positions counted from 0. Errors: usage.
[[nodiscard]] Result<GreedyAnswer> parse_greedy(const std::string& text);

/// Rejects if a token of the answer is not what the output says at the position before it. Errors (usage): a model without
/// exactly one input of exact integers, known to the verifier, and one output of as many; positions that the input does not have.
[[nodiscard]] Result<Verdict> check_greedy(const proof::ModelKey& key, const EdgeTensors& inputs, const EdgeTensors& outputs,
                                           const GreedyAnswer& answer);

}  // namespace dsperse::pipeline
