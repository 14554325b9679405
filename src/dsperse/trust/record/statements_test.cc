#include "dsperse/trust/record/statements.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/record/testing/samples.h"

namespace dsperse::trust {
namespace {

using testing::bytes_of;
using testing::named;
using testing::text_of;

/// Reads a payload and gives what it encodes to again, if it is taken.
template <auto decode, auto encode>
std::optional<std::string> again(std::string_view text) {
  const auto value = decode(bytes_of(text));
  if (!value) return std::nullopt;
  return text_of(encode(*value));
}

struct Kind {
  const char* name;
  Bytes sample;
  std::function<std::optional<std::string>(std::string_view)> again;
  std::size_t members;
};
std::vector<Kind> kinds() {
  return {
      {"opening", encode_opening(testing::sample_opening()), again<decode_opening, encode_opening>, 8},
      {"closing", encode_closing(testing::sample_closing()), again<decode_closing, encode_closing>, 4},
      {"draw", encode_draw(testing::sample_draw()), again<decode_draw, encode_draw>, 5},
      {"verdict", encode_verdict_note(testing::sample_verdict()), again<decode_verdict_note, encode_verdict_note>, 5},
      {"strike", encode_strike(testing::sample_strike()), again<decode_strike, encode_strike>, 6},
      {"payout", encode_payout(testing::sample_payout()), again<decode_payout, encode_payout>, 5},
  };
}

TEST(Statements, ReturnAsTheyWere) {
  EXPECT_EQ(decode_opening(encode_opening(testing::sample_opening())), testing::sample_opening());
  EXPECT_EQ(decode_closing(encode_closing(testing::sample_closing())), testing::sample_closing());
  EXPECT_EQ(decode_draw(encode_draw(testing::sample_draw())), testing::sample_draw());
  EXPECT_EQ(decode_verdict_note(encode_verdict_note(testing::sample_verdict())), testing::sample_verdict());
  EXPECT_EQ(decode_strike(encode_strike(testing::sample_strike())), testing::sample_strike());
  EXPECT_EQ(decode_payout(encode_payout(testing::sample_payout())), testing::sample_payout());
  DrawNote none = testing::sample_draw();
  none.late_part.reset(), none.drawn.clear();
  EXPECT_EQ(decode_draw(encode_draw(none)), none);
  RunOpening empty;
  EXPECT_EQ(decode_opening(encode_opening(empty)), empty);
}

TEST(Statements, OneTextEach) {
  for (const Kind& kind : kinds()) {
    const std::string text = text_of(kind.sample);
    EXPECT_EQ(kind.again(text), text) << kind.name;
    EXPECT_EQ(testing::members(text).size(), kind.members) << kind.name;
    for (const std::string& other : testing::respelled(text)) EXPECT_FALSE(kind.again(other)) << kind.name << ": " << other;
    for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(kind.again(text.substr(0, n))) << kind.name;
    // Whatever a changed byte makes of it: refused, or another value that has just this text.
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ 1);
      EXPECT_EQ(kind.again(other).value_or(other), other) << kind.name;
    }
    for (const Kind& other : kinds())
      EXPECT_EQ(other.again(text).has_value(), other.name == kind.name) << kind.name << " as " << other.name;
  }
}

TEST(Statements, WhatAnOpeningHolds) {
  const auto refused = [](const std::function<void(RunOpening&)>& change, const char* what) {
    RunOpening o = testing::sample_opening();
    change(o);
    ASSERT_FALSE(check_opening(o)) << what;
    EXPECT_EQ(check_opening(o).error().what, what);
    EXPECT_FALSE(decode_opening(encode_opening(o))) << what;
  };
  refused([](RunOpening& o) { std::swap(o.nodes[0], o.nodes[1]); }, "workers that do not ascend by key");
  refused([](RunOpening& o) { o.nodes[1] = o.nodes[0]; }, "workers that do not ascend by key");
  refused([](RunOpening& o) { o.nodes[0].region = "a\"b"; }, "a label that is no word");
  refused([](RunOpening& o) { o.nodes[0].engine = std::string(kMaxLabelBytes + 1, 'e'); }, "a label that is no word");
  refused([](RunOpening& o) { o.nodes.resize(kMaxOpeningNodes + 1); }, "more workers than an opening holds");
  refused([](RunOpening& o) { o.treatments.resize(kMaxOpeningSlices + 1); }, "more slices than an opening holds");
  refused([](RunOpening& o) { o.time_ms = kMaxNumber + 1; }, "a time beyond 2^53");
  refused([](RunOpening& o) { o.treatments[0].replicate = Replicate{65}; }, "replicate takes 2 to 64 replicas, not 65");
}

TEST(Statements, TheLargestOpeningFitsAnEnvelope) {
  RunOpening o;
  Treatment longest;
  longest.replicate = Replicate{kMostReplicas, Distinct::engines};
  longest.audit = Audit{0x1.fffffffffffffp-29, AuditBy::proof};
  o.treatments.assign(kMaxOpeningSlices, longest);
  const std::string label(kMaxLabelBytes, 'x');
  for (std::size_t i = 0; i < kMaxOpeningNodes; ++i)
    o.nodes.push_back({PublicKey{static_cast<std::uint8_t>(i)}, label, label, label});
  o.time_ms = kMaxNumber;
  const Bytes text = encode_opening(o);
  EXPECT_LE(text.size(), kMaxPayloadBytes);
  EXPECT_EQ(decode_opening(text), o);
}

TEST(Statements, TreatmentsAreCanonicalTexts) {
  const std::string text = text_of(encode_opening(testing::sample_opening()));
  const auto with = [&](const std::string& treatment) {
    std::string other = text;
    const std::size_t at = other.find("\"proof\"");
    other.replace(at, 7, "\"" + treatment + "\"");
    return decode_opening(bytes_of(other)).has_value();
  };
  EXPECT_TRUE(with("proof"));
  EXPECT_TRUE(with("replicate(3, distinct=region)+audit(0.25, by=proof)"));
  for (const char* other : {"", " proof", "proof ", "replicate(3,distinct=region)", "audit(0.250)", "audit(0.25)+replicate(3)",
                            "replicate(2, distinct=operator)", "audit(2)", "maybe"})
    EXPECT_FALSE(with(other)) << other;
}

TEST(Statements, WordsOfTheOthers) {
  const auto changed = [](Bytes sample, const std::string& from, const std::string& to) {
    std::string text = text_of(sample);
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const Bytes strike = encode_strike(testing::sample_strike());
  EXPECT_TRUE((again<decode_strike, encode_strike>(changed(strike, "\"liveness\"", "\"pardon correctness\""))));
  EXPECT_FALSE((again<decode_strike, encode_strike>(changed(strike, "\"liveness\"", "\"laziness\""))));
  const Bytes payout = encode_payout(testing::sample_payout());
  EXPECT_TRUE((again<decode_payout, encode_payout>(changed(payout, "\"wage\"", "\"refund\""))));
  EXPECT_FALSE((again<decode_payout, encode_payout>(changed(payout, "\"wage\"", "\"gift\""))));
  const Bytes verdict = encode_verdict_note(testing::sample_verdict());
  EXPECT_FALSE((again<decode_verdict_note, encode_verdict_note>(changed(verdict, "\"slice\":3", "\"slice\":1024"))));
  const Bytes opening = encode_opening(testing::sample_opening());
  EXPECT_FALSE((again<decode_opening, encode_opening>(changed(opening, "\"user-nonce\"", "\"moon\""))));
  DrawNote twice = testing::sample_draw();
  twice.drawn.push_back(twice.drawn.back());
  EXPECT_FALSE(decode_draw(encode_draw(twice)));
}

TEST(Statements, AnOpeningIsNamedByAllOfIt) {
  const RunOpening o = testing::sample_opening();
  RunOpening other = o;
  other.nodes[0].operated_by += "2";
  EXPECT_NE(opening_digest(o), opening_digest(other));
  EXPECT_EQ(opening_digest(o), opening_digest(testing::sample_opening()));
}

}  // namespace
}  // namespace dsperse::trust
