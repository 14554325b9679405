#include "dsperse/trust/lottery/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust::lottery {
namespace {

Digest id(std::uint64_t n) {
  ByteWriter w;
  w.u64(n);
  return crypto::hash(w.bytes());
}

Published a_lottery(std::size_t jobs, Probability p, Late late = Late::user_nonce, std::uint64_t which = 0) {
  Published pub{id(1 + which), commitment_of(id(1 + which), id(2)), late, {}, {}};
  if (late != Late::none) pub.late_part = id(3);
  for (std::size_t i = 0; i < jobs; ++i) pub.entries.push_back({id(1000 + i), id(500000 + i), p});
  std::ranges::sort(pub.entries, {}, &Entry::job);
  return pub;
}

Outcome honest(const Published& p) { return {id(2), draw(seed_of(p.run, id(2), p.entries, p.late, p.late_part), p.entries)}; }

TEST(Draw, AnyoneAcceptsTheHonestOutcome) {
  for (const Late late : {Late::none, Late::user_nonce, Late::beacon}) {
    const Published p = a_lottery(100, *Probability::ratio(1, 3), late);
    EXPECT_TRUE(verify_draw(p, honest(p)));
    EXPECT_FALSE(assumption(late).empty());
  }
  EXPECT_NE(assumption(Late::none).find("collude"), std::string_view::npos);
}

TEST(Draw, EveryWrongPartIsNamed) {
  const Published p = a_lottery(50, *Probability::ratio(1, 2));
  const Outcome good = honest(p);
  const auto reason = [&](Published q, Outcome o) { return verify_draw(q, o).reason; };
  Published q = p;
  std::swap(q.entries[3], q.entries[4]);
  EXPECT_EQ(reason(q, good), "jobs are not strictly ascending");
  q = p;
  q.entries[4] = q.entries[3];
  EXPECT_EQ(reason(q, good), "jobs are not strictly ascending");
  q = p;
  q.late_part.reset();
  EXPECT_EQ(reason(q, good), "late part is missing");
  q = p;
  q.late = Late::none;
  EXPECT_EQ(reason(q, good), "late part was not announced");
  q = p;
  q.run[0] ^= 1;
  EXPECT_EQ(reason(q, good), "secret does not open the commitment");
  Outcome o = good;
  o.secret[31] ^= 1;
  EXPECT_EQ(reason(p, o), "secret does not open the commitment");
  o = good;
  o.drawn.pop_back();
  const Verdict missing = verify_draw(p, o);
  EXPECT_EQ(missing.reason, "drawn jobs differ");
  EXPECT_EQ(missing.where, to_hex(good.drawn.back()));
  o = good;
  o.drawn.push_back(id(77));
  EXPECT_EQ(verify_draw(p, o).where, to_hex(id(77)));
  // Every input of the seed matters: with 50 jobs at 1/2 another seed draws the same set with chance 2^-50.
  q = p;
  q.entries[0].salt[0] ^= 1;
  EXPECT_EQ(reason(q, good), "drawn jobs differ");
  q = p;
  (*q.late_part)[0] ^= 1;
  EXPECT_EQ(reason(q, good), "drawn jobs differ");
  q = p;
  q.late = Late::beacon;
  EXPECT_EQ(reason(q, good), "drawn jobs differ");
}

TEST(Draw, EntriesAreNamedByAllOfThem) {
  const Published p = a_lottery(3, Probability::of_threshold(5));
  std::set<Digest> seen = {entries_digest(p.entries), entries_digest({})};
  EXPECT_EQ(seen.size(), 2U);
  for (std::size_t i = 0; i < 3; ++i) {
    auto job = p.entries, salt = p.entries, probability = p.entries, less = p.entries;
    job[i].job[9] ^= 1, salt[i].salt[9] ^= 1, probability[i].probability = Probability::of_threshold(6);
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    for (const auto& other : {job, salt, probability, less}) EXPECT_TRUE(seen.insert(entries_digest(other)).second);
  }
}

TEST(Draw, NeverAndAlwaysAreExact) {
  const Published none = a_lottery(1000, Probability::never()), all = a_lottery(1000, Probability::always());
  EXPECT_TRUE(honest(none).drawn.empty());
  EXPECT_EQ(honest(all).drawn.size(), 1000U);
}

TEST(Draw, EmptyLotteryDrawsNothing) {
  const Published p = a_lottery(0, Probability::always());
  EXPECT_TRUE(verify_draw(p, {id(2), {}}));
}

// Counts over 200000 jobs stay within 3 sigma; words look uniform in their top four bits (chi-square, 15 degrees of freedom, 37.7
// is the 0.001 tail). Seeds are fixed: the test can't flake.
TEST(Draw, FrequenciesAreThoseOfTheProbability) {
  constexpr std::size_t kJobs = 20000, kRuns = 10;
  for (const auto& [num, den] : {std::pair{1U, 2U}, {1U, 20U}, {1U, 1000U}, {83U, 100U}}) {
    std::size_t hits = 0;
    for (std::uint64_t run = 0; run < kRuns; ++run)
      hits += honest(a_lottery(kJobs, *Probability::ratio(num, den), Late::user_nonce, run)).drawn.size();
    const double n = kJobs * kRuns, p = static_cast<double>(num) / den;
    EXPECT_LE(std::abs(static_cast<double>(hits) - n * p), 3 * std::sqrt(n * p * (1 - p))) << num << "/" << den;
  }
  std::array<double, 16> bins{};
  for (std::uint64_t i = 0; i < 160000; ++i) bins[word_of(id(5), id(i)) >> 60U] += 1;
  double chi = 0;
  for (const double b : bins) chi += (b - 10000) * (b - 10000) / 10000;
  EXPECT_LT(chi, 37.7);
}

TEST(Draw, KnownAnswer) {
  const Digest zero{};
  EXPECT_EQ(to_hex(commitment_of(zero, zero)), to_hex(crypto::hash_tagged("dsperse lottery commitment v1", {zero, zero})));
  const Digest h = crypto::hash_tagged("dsperse lottery draw v1", {zero, zero});
  std::uint64_t word = 0;
  for (std::size_t i = 8; i-- > 0;) word = word << 8U | h[i];
  EXPECT_EQ(word_of(zero, zero), word);
}

}  // namespace
}  // namespace dsperse::trust::lottery
