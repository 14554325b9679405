#include "dsperse/trust/audit/book.h"

#include <gtest/gtest.h>

#include <random>

namespace dsperse::trust::audit {
namespace {

Subject subject(std::uint8_t n, std::string engine = "native") {
  Subject s;
  s.worker[0] = n;
  s.engine = std::move(engine);
  return s;
}
const Rules kRules{*Probability::ratio(1, 50), 1000, 10};

Book with_valid(std::uint64_t n) {
  Book b;
  EXPECT_TRUE(step(b, Enrol{subject(1), 0}));
  for (std::uint64_t i = 0; i < n; ++i) EXPECT_TRUE(step(b, Valid{subject(1)}));
  return b;
}

TEST(Book, NewIdentitiesWait) {
  Book b;
  EXPECT_EQ(decide(b, subject(1), kRules, 5000).mode, Mode::wait);
  ASSERT_TRUE(step(b, Enrol{subject(1), 500}));
  EXPECT_EQ(decide(b, subject(1), kRules, 499).mode, Mode::wait) << "a clock that went back";
  EXPECT_EQ(decide(b, subject(1), kRules, 1499).mode, Mode::wait);
  EXPECT_EQ(decide(b, subject(1), kRules, 1500).mode, Mode::replicate);
  EXPECT_EQ(decide(b, subject(2), kRules, 1500).mode, Mode::wait);
  EXPECT_EQ(decide(b, subject(1, "other"), kRules, 1500).mode, Mode::wait) << "confidence is per engine";
  EXPECT_FALSE(step(b, Enrol{subject(1), 0})) << "no second start";
}

TEST(Book, ProbabilityFallsWithConfidenceDownToItsFloor) {
  for (std::uint64_t cv = 0; cv < 120; ++cv) {
    const Decision d = decide(with_valid(cv), subject(1), kRules, 1000);
    if (cv < 10) {
      EXPECT_EQ(d, (Decision{Mode::replicate, Probability::always()}));
    } else {
      EXPECT_EQ(d, (Decision{Mode::audit, *Probability::ratio(1, cv < 50 ? cv : 50)})) << cv;
    }
  }
  const Rules certain{Probability::always(), 0, 10};
  EXPECT_TRUE(decide(with_valid(30), subject(1), certain, 0).probability.is_always());
  const Rules careless{Probability::never(), 0, 0};
  EXPECT_EQ(decide(with_valid(0), subject(1), careless, 0).mode, Mode::replicate) << "1/0 is no probability";
}

TEST(Book, OnlyWhatTouchesResultsZeroesConfidence) {
  for (const StrikeKind kind : {StrikeKind::liveness, StrikeKind::commitment, StrikeKind::correctness}) {
    Book b = with_valid(12);
    ASSERT_TRUE(step(b, Struck{subject(1), kind}));
    EXPECT_EQ(b.at(subject(1)).cv, kind == StrikeKind::liveness ? 12U : 0U);
    EXPECT_EQ(b.at(subject(1)).strikes[static_cast<std::size_t>(kind)], 1U);
    EXPECT_EQ(decide(b, subject(1), kRules, 1000).mode, kind == StrikeKind::liveness ? Mode::audit : Mode::replicate);
  }
}

TEST(Book, ImpossibleEventsChangeNothing) {
  Book b = with_valid(3);
  const Book before = b;
  EXPECT_FALSE(step(b, Valid{subject(2)}));
  EXPECT_FALSE(step(b, Struck{subject(2), StrikeKind::liveness}));
  EXPECT_FALSE(step(b, Struck{subject(1), static_cast<StrikeKind>(3)}));
  EXPECT_FALSE(step(b, Enrol{subject(3, std::string(256, 'x')), 0}));
  EXPECT_EQ(b, before);
}

// CV is the length of the run of valid results since the last strike that touches results, whatever the order of events.
TEST(Book, RandomHistoriesMatchTheDefinition) {
  std::mt19937_64 random(4);
  for (int run = 0; run < 200; ++run) {
    Book b;
    std::map<Subject, std::vector<int>> seen;
    for (std::uint8_t n = 1; n <= 3; ++n) ASSERT_TRUE(step(b, Enrol{subject(n), n}));
    for (int i = 0; i < 200; ++i) {
      const Subject s = subject(static_cast<std::uint8_t>(1 + random() % 3));
      const int what = static_cast<int>(random() % 24);
      if (what > 2) {
        ASSERT_TRUE(step(b, Valid{s}));
      } else {
        ASSERT_TRUE(step(b, Struck{s, static_cast<StrikeKind>(what)}));
      }
      seen[s].push_back(what);
    }
    for (const auto& [s, history] : seen) {
      std::uint64_t cv = 0;
      for (auto at = history.rbegin(); at != history.rend() && *at != 1 && *at != 2; ++at) cv += *at > 2 ? 1 : 0;
      ASSERT_EQ(b.at(s).cv, cv);
    }
    const Bytes bytes = encode(b);
    ASSERT_EQ(*decode(bytes), b);
    for (std::size_t n = 0; n < bytes.size(); ++n) ASSERT_FALSE(decode(ByteView(bytes).first(n)));
  }
}

}  // namespace
}  // namespace dsperse::trust::audit
