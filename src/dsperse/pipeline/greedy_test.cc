#include "dsperse/pipeline/greedy.h"

#include <gtest/gtest.h>

namespace dsperse::pipeline {
namespace {

/// Five tokens of a vocabulary of ten, the likeliest next ones, and logits, which are no integers.
proof::ModelKey language_model() {
  proof::ModelKey key;
  key.slices.resize(1);
  key.chunks = {{"tokens", {1, 5}, 0, 0, 9, true}, {"logits", {5, 10}, 6, -2047, 2047, true}, {"next", {1, 5}, 0, 0, 9, true}};
  key.edges = {{"tokens", {0}, true, false, quantize::IoMapping{"tokens", {1, 5}, {0, 1}, {}, {}}},
               {"logits", {1}, false, true, quantize::IoMapping{"logits", {1, 5, 10}, {0, 1, 2}, {}, {}}},
               {"next", {2}, false, true, quantize::IoMapping{"next", {1, 5}, {0, 1}, {}, {}}}};
  return key;
}

const EdgeTensors kTokens = {{"tokens", {3, 1, 4, 1, 5}}};
EdgeTensors likeliest(quantize::IntTensor next) { return {{"next", std::move(next)}}; }

TEST(Greedy, PositionsAreParsed) {
  EXPECT_EQ(*parse_greedy("2"), (GreedyAnswer{2, std::nullopt}));
  EXPECT_EQ(*parse_greedy("1:3"), (GreedyAnswer{1, 3}));
  for (const char* text : {"", "0", "-1", "x", "1:", ":3", "3:3", "3:2", "1:2:3", "1x", "99999999999999999999"})
    EXPECT_EQ(parse_greedy(text).error().kind, ErrorKind::usage) << text;
}

TEST(Greedy, EveryTokenOfTheAnswerIsCompared) {
  const proof::ModelKey key = language_model();
  // What the model says after the last token, and inside of the prompt, does not matter.
  EXPECT_TRUE(*check_greedy(key, kTokens, likeliest({9, 4, 1, 5, 0}), {2, std::nullopt}));
  for (std::size_t i = 0; i < 5; ++i) {
    quantize::IntTensor next{1, 4, 1, 5, 0};
    next[i] += 1;
    const auto verdict = check_greedy(key, kTokens, likeliest(next), {2, std::nullopt});
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->accepted, i == 0 || i == 4) << i;
  }
  const auto verdict = check_greedy(key, kTokens, likeliest({1, 4, 7, 5, 0}), {1, std::nullopt});
  EXPECT_EQ(verdict->reason, "greedy: token 3 is 1, the model's likeliest is 7");
  EXPECT_TRUE(*check_greedy(key, kTokens, likeliest({1, 4, 7, 5, 0}), {1, 3}));
}

TEST(Greedy, WhatHasNoAnswerIsAnError) {
  proof::ModelKey key = language_model();
  const EdgeTensors next = likeliest({1, 4, 1, 5, 0});
  EXPECT_FALSE(check_greedy(key, kTokens, next, {5, std::nullopt}));
  EXPECT_FALSE(check_greedy(key, kTokens, next, {1, 6}));
  EXPECT_FALSE(check_greedy(key, {}, next, {1, std::nullopt})) << "a committed input";
  key.edges[2].is_output = false;
  EXPECT_FALSE(check_greedy(key, kTokens, next, {1, std::nullopt})) << "logits are no tokens";
  key = language_model();
  key.chunks[0] = {"tokens", {1, 5}, 4, -2047, 2047, true};
  EXPECT_FALSE(check_greedy(key, kTokens, next, {1, std::nullopt})) << "an image is no text";
}

}  // namespace
}  // namespace dsperse::pipeline
