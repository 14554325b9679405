#include "dsperse/pipeline/greedy.h"

#include <fmt/format.h>

#include <charconv>

#include "dsperse/pipeline/output.h"

namespace dsperse::pipeline {
namespace {

std::optional<std::size_t> position(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// The only tensor of exact integers among the model's inputs or outputs, nullptr if there is none or a choice. size 0: any.
const proof::Edge* tokens_edge(const proof::ModelKey& key, bool input, std::size_t size) {
  const proof::Edge* found = nullptr;
  for (const proof::Edge& e : key.edges) {
    if (input ? !e.is_input : !e.is_output) continue;
    const quantize::TensorSpec spec = edge_spec(key, e);
    if (!quantize::takes_integers(spec) || (size != 0 && static_cast<std::size_t>(quantize::elements(spec.shape)) != size))
      continue;
    if (found != nullptr) return nullptr;
    found = &e;
  }
  return found;
}

Result<std::vector<std::int64_t>> integers(const proof::ModelKey& key, const proof::Edge& edge, const EdgeTensors& values) {
  const auto it = values.find(edge.name);
  if (it == values.end())
    return fail(ErrorKind::usage, "a greedy answer is checked on values, and these are not given", edge.name,
                "give the token ids as a file");
  DSPERSE_TRY(OutputReading r, read_edge(key, edge, it->second));
  return std::move(r.integers);
}

}  // namespace

Result<GreedyAnswer> parse_greedy(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto first = position(std::string_view(text).substr(0, colon));
  std::optional<std::size_t> end;
  if (colon != std::string::npos) end = position(std::string_view(text).substr(colon + 1));
  if (!first || *first == 0 || (colon != std::string::npos && (!end || *end <= *first)))
    return fail(ErrorKind::usage, "not the positions of an answer", text,
                "FIRST or FIRST:END, counted from 0: the first token after the prompt (at least 1), and the one after the last");
  return GreedyAnswer{*first, end};
}

Result<Verdict> check_greedy(const proof::ModelKey& key, const EdgeTensors& inputs, const EdgeTensors& outputs,
                             const GreedyAnswer& answer) {
  const proof::Edge* const input = tokens_edge(key, true, 0);
  const std::size_t size = input == nullptr ? 0 : static_cast<std::size_t>(quantize::elements(edge_spec(key, *input).shape));
  const proof::Edge* const output = input == nullptr ? nullptr : tokens_edge(key, false, size);
  if (output == nullptr)
    return fail(ErrorKind::usage, "a greedy answer needs one input of token ids and one output of as many integers", "",
                "export the model with ArgMax of the logits over the vocabulary as an output");
  DSPERSE_TRY(const std::vector<std::int64_t> tokens, integers(key, *input, inputs));
  DSPERSE_TRY(const std::vector<std::int64_t> likeliest, integers(key, *output, outputs));
  const std::size_t end = answer.end.value_or(tokens.size());
  if (answer.first >= end || end > tokens.size())
    return fail(ErrorKind::usage, "the input does not have these positions", fmt::format("{}:{}", answer.first, end),
                fmt::format("it has {} tokens", tokens.size()));
  for (std::size_t i = answer.first; i < end; ++i)
    if (tokens[i] != likeliest[i - 1])
      return Verdict::reject(fmt::format("greedy: token {} is {}, the model's likeliest is {}", i, tokens[i], likeliest[i - 1]),
                             output->name);
  return Verdict::accept();
}

}  // namespace dsperse::pipeline
