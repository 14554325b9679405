// Queries, geometries and the soundness budget, recomputed from their definitions.
#include "dsperse/proof/profile.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dsperse/proof/security.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/testing/harness.h"
#include "dsperse/proof/testing/model.h"

namespace dsperse::proof {
namespace {

using quantize::testing::Builder;
using quantize::testing::simple_requant;

long double query_error_bits(const Geometry& g) {
  const long double rate = static_cast<long double>(g.code.k()) / static_cast<long double>(g.code.n());
  return -static_cast<long double>(g.t) * std::log2l((1 + rate) / 2);
}

TEST(Profile, QueriesReachTheBits) {
  EXPECT_EQ(queries(Profile::bits100, 256, 10), 138U);  // rate 1/4, 93 bits beside 12 of work
  EXPECT_EQ(queries({Profile::bits100, 2, 0}, 256, 10), 151U);
  for (const SecurityParams& p : {SecurityParams(Profile::bits100), SecurityParams(Profile::bits128),
                                  SecurityParams(Profile::bits100, 9, 0), SecurityParams(Profile::bits128, 17, 20)})
    for (unsigned log_n = 5; log_n <= 20; ++log_n)
      for (const double rate : {0.01, 0.1, 0.2, 0.25, 0.3, 0.4999, 0.5}) {
        const auto k = static_cast<std::uint64_t>(std::max(1.0, rate * std::exp2(log_n)));
        const auto t = static_cast<long double>(queries(p, k, log_n));
        const long double per_query = 1 - std::log2l(1 + static_cast<long double>(k) / std::exp2l(log_n));
        const int want = bits(p.profile) + p.slack - p.work;
        EXPECT_GE(t * per_query, want - 1e-9L);
        EXPECT_LT((t - 1) * per_query, want + 1e-9L) << "one query less is too few";
      }
}

TEST(Profile, QueriesAreDecidedInIntegers) {
  // 1/2 a query for k = 0, 3/4 for k = n / 2: exact powers, and their neighbours.
  EXPECT_TRUE(queries_reach(100, 0, 10, 100));
  EXPECT_FALSE(queries_reach(99, 0, 10, 100));
  EXPECT_TRUE(queries_reach(0, 5, 10, 0));
  for (std::uint32_t t = 1; t < 400; ++t) {
    const long double reached = t * std::log2l(4.0L / 3.0L);
    EXPECT_TRUE(queries_reach(t, 512, 10, static_cast<int>(reached)));
    EXPECT_FALSE(queries_reach(t, 512, 10, static_cast<int>(reached) + 1));
  }
}

TEST(Profile, SlackCoversEverySlice) {
  EXPECT_EQ(slack_of(0), 5);
  EXPECT_EQ(slack_of(1), 5);
  EXPECT_EQ(slack_of(2), 6);
  EXPECT_EQ(slack_of(3), 7);
  EXPECT_EQ(slack_of(4), 7);
  EXPECT_EQ(slack_of(5), 8);
  EXPECT_EQ(slack_of(4096), 17);
  for (std::size_t slices = 1; slices <= 4096; ++slices)  // 13 lines of queries a slice
    EXPECT_LE(13 * static_cast<double>(slices) * std::exp2(-slack_of(slices)), 0.41);
}

TEST(Profile, GeometriesAreFixpoints) {
  for (const Profile p : {Profile::bits100, Profile::bits128})
    for (const std::uint32_t openings : {1U, kBoundaryUses, kWeightBudget})
      for (const std::uint64_t symbols : {1ULL, 100ULL, 5000ULL, 123456ULL, 10000000ULL, 400000000ULL})
        for (const Optimize goal : {Optimize::time, Optimize::size, Optimize::verify}) {
          const Geometry g = solve_geometry(p, symbols, openings, goal);
          SCOPED_TRACE(std::to_string(symbols) + " symbols, " + std::to_string(openings) + " openings");
          EXPECT_TRUE(sound_geometry(p, g, openings));
          EXPECT_EQ(g.code.r, std::size_t{g.t} * openings);
          EXPECT_LE(2 * g.code.k(), g.code.n());
          EXPECT_EQ(g.t, queries(p, g.code.k(), g.code.log_n));
          EXPECT_GE(query_error_bits(g), bits(p) + 5 - 12 - 1e-9L);
          EXPECT_EQ(g, solve_geometry(p, symbols, openings, goal)) << "deterministic";
          // Anything weaker is refused.
          Geometry weak = g;
          --weak.t;
          EXPECT_FALSE(sound_geometry(p, weak, openings)) << "one query less";
          weak = g;
          --weak.code.r;
          EXPECT_FALSE(sound_geometry(p, weak, openings)) << "one pad less";
          EXPECT_FALSE(sound_geometry(p, g, openings + 1)) << "one opening more";
          weak = g;
          --weak.code.log_n;
          EXPECT_FALSE(sound_geometry(p, weak, openings)) << "half the columns";
          if (p == Profile::bits100) {
            EXPECT_FALSE(sound_geometry(Profile::bits128, g, openings)) << "the other profile";
          }
        }
}

/// Bytes of one tree without paths, encoded and hashed words, and field elements that a verifier evaluates: each goal has least
/// of its own.
TEST(Profile, GoalsPullTheirWay) {
  for (const std::uint64_t symbols : {3000ULL, 50000ULL, 1000000ULL, 20000000ULL}) {
    const auto figures = [&](Optimize goal) {
      const Geometry g = solve_geometry(Profile::bits100, symbols, 1, goal);
      const double rows = std::ceil(static_cast<double>(symbols) / static_cast<double>(g.code.kd())) + 2;
      const auto k = static_cast<double>(g.code.k()), n = static_cast<double>(g.code.n());
      struct Figures {
        double bytes, encoded, checked;
      };
      return Figures{16 * k + g.t * (8 * rows + 32), n * (std::ceil(rows / 8) + 1), 44 * k + g.t * (20 + 6 * rows)};
    };
    const auto time = figures(Optimize::time), size = figures(Optimize::size), verify = figures(Optimize::verify);
    EXPECT_LE(size.bytes, time.bytes) << symbols;
    EXPECT_LE(time.encoded, size.encoded) << symbols;
    EXPECT_LE(time.encoded, verify.encoded) << symbols;
    EXPECT_LE(verify.checked, time.checked * 1.02) << symbols;  // paths are not counted here
  }
}

TEST(Profile, BoundsOfSizes) {
  Geometry g = solve_geometry(Profile::bits100, 1000, 1);
  for (const auto& spoil : std::vector<std::function<void(Geometry&)>>{
           [](Geometry& x) { x.code.c = 3; }, [](Geometry& x) { x.code.c = 17; }, [](Geometry& x) { x.code.log_n = 21; },
           [](Geometry& x) { x.code.log_n = 63; }, [](Geometry& x) { x.t = 0; }, [](Geometry& x) { x.t = 1U << 21; },
           [](Geometry& x) { x = {{4, 2000, 20}, 2000}; },  // more columns than any profile needs
           [](Geometry& x) { x.code.r = SIZE_MAX; }, [](Geometry& x) { x.code.c = 63; }}) {
    Geometry bad = g;
    spoil(bad);
    EXPECT_FALSE(sound_geometry(Profile::bits100, bad, 1));
  }
  for (unsigned vars = 1; vars < 40; ++vars) {
    const Geometry end = solve_end_geometry(Profile::bits100, vars);
    EXPECT_GE(end.code.kd(), 2 * vars) << "a pad for each of the last sumcheck's messages";
    EXPECT_TRUE(sound_geometry(Profile::bits100, end, 1));
  }
}

quantize::Program security_program() {
  Builder b;
  const auto x = b.input({2, 6}, -127, 127);
  const auto y = b.gemm(x, 6, 5, simple_requant(7, quantize::Function::relu, 8), true, 127);
  const auto t = b.rearrange({0, {5, 2}, 0, {{y, {2, 5}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {5, 2}, 0, 127);
  b.gemm(t, 10, 3, simple_requant(7, quantize::Function::identity, 8), true, 127);
  return b.done();
}

TEST(Security, TablesAreTheBudget) {
  for (const Profile profile : {Profile::bits100, Profile::bits128}) {
    const SliceKey key = testing::make_case(security_program(), {.profile = profile, .work = kWorkBits})->key;
    const long double field = 64.0L * degree(profile);
    const auto relation = slice_relation(key).value();
    const Layout layout = profile == Profile::bits100 ? slice_layout<2>(slice_spec(key, relation), relation)
                                                      : slice_layout<3>(slice_spec(key, relation), relation);
    // N: elements of all lookups and rows of all tables, counted here.
    long double n = 0;
    for (const auto& l : relation.lookups) n += static_cast<long double>(quantize::elements(l.shape));
    for (const auto& t : relation.tables) n += static_cast<long double>(t.rows.size());
    const SecurityTable table = security_of_slice(key).value();
    const auto event = [&](const std::string& name) {
      for (const SecurityEvent& e : table.events)
        if (e.name == name) return e;
      ADD_FAILURE() << "no event " << name;
      return SecurityEvent{};
    };
    EXPECT_NEAR(event("lookups").bits, static_cast<double>(12 + field - std::log2l(5 * n)), 1e-6);
    EXPECT_NEAR(event("sumcheck round").bits, static_cast<double>(field - 1), 1e-6);
    const unsigned leaf_vars = relation::leaf_cube(relation).vars;
    EXPECT_EQ(event("fraction tree, two claims as one").times, 2 * leaf_vars);
    // Levels have 0, 1, ... variables; products share 6 = 3 bits and 10 = 4 bits.
    EXPECT_EQ(event("sumcheck round").times, leaf_vars * (leaf_vars - 1) / 2 + 3 + 4 + layout.vars);
    EXPECT_EQ(event("identity at a random point").times, 3U + 1U);
    EXPECT_EQ(event("product slots").bits, static_cast<double>(field));
    EXPECT_EQ(layout.groups.size(), 3U);
    for (const auto& g : layout.groups) {
      EXPECT_NEAR(event("queries, " + g.label).bits, static_cast<double>(12 + query_error_bits(g.geometry)), 1e-6);
      EXPECT_NEAR(event("proximity, " + g.label).bits, static_cast<double>(field) - g.geometry.code.log_n, 1e-6);
    }
    EXPECT_NEAR(event("queries, end").bits, static_cast<double>(12 + query_error_bits(layout.end)), 1e-6);
    EXPECT_NEAR(event("proximity, end").bits,
                static_cast<double>(field) - std::log2(static_cast<double>(layout.end.code.n()) + 1), 1e-6);
    long double sum = 0, worst = 1000;
    for (const SecurityEvent& e : table.events) {
      EXPECT_GE(e.bits, bits(profile)) << e.name;
      sum += static_cast<long double>(e.times) * std::exp2l(-static_cast<long double>(e.bits));
      worst = std::min(worst, static_cast<long double>(e.bits));
    }
    EXPECT_NEAR(table.worst(), static_cast<double>(worst), 1e-6);
    EXPECT_NEAR(table.total(), static_cast<double>(-std::log2l(sum)), 1e-6);
    EXPECT_GE(table.total(), bits(profile) + 2) << "a union bound over one small proof keeps the profile with two bits to spare";
    for (const auto& other : {security_of_ranges(key).value(), security_of_link(key).value()}) {
      EXPECT_GE(other.worst(), bits(profile));
      EXPECT_GE(other.total(), bits(profile) + 2);
    }
  }
}

/// A key whose codes or queries don't reach its profile is refused, whoever proves under it, honestly.
TEST(Security, KeysBelowTheProfileAreRefused) {
  for (const Profile profile : {Profile::bits100, Profile::bits128}) {
    const testing::SliceCase honest = *testing::make_case(security_program(), {.profile = profile});
    EXPECT_TRUE(honest.verify(*honest.prove()));
    EXPECT_TRUE(verify_ranges(honest.key));
    for (Geometry SliceKey::* which : {&SliceKey::witness, &SliceKey::end}) {
      testing::SliceCase c = *testing::make_case(security_program(), {.profile = profile});
      (c.key.*which).t -= 16;
      c.statement.key = c.key.digest();
      const Verdict v = c.verify(*c.prove());
      EXPECT_FALSE(v);
      EXPECT_EQ(v.reason, "key: below the profile");
    }
    SliceKey weak = honest.key;
    weak.weights.t -= 16;
    EXPECT_EQ(verify_ranges(weak).reason, "key: below the profile");
    EXPECT_EQ(verify_link(weak, {{1}, {2}, 1, 1, {}}).reason, "key: below the profile");
    for (Geometry SliceKey::* which : {&SliceKey::range_witness, &SliceKey::range_end}) {
      weak = honest.key;
      (weak.*which).t -= 16;
      EXPECT_EQ(verify_ranges(weak).reason, "key: below the profile");
    }
    for (Geometry SliceKey::* which : {&SliceKey::link_witness, &SliceKey::link_end}) {
      weak = honest.key;
      (weak.*which).t -= 16;
      EXPECT_EQ(verify_link(weak, {{1}, {2}, 1, 1, {}}).reason, "key: below the profile");
    }
  }
}

TEST(Security, CertificatesAddUp) {
  const testing::ModelCase m = testing::make_model(testing::chunk_model());
  std::set<std::uint32_t> all;
  for (std::uint32_t i = 0; i < m.key.slices.size(); ++i) all.insert(i);
  const SecurityTable whole = security_of_certificate(m.key, all, {{0, 1}}).value();
  long double sum = 0;
  double worst = 1000;
  std::size_t events = 0;
  for (const SliceKey& key : m.key.slices)
    for (const SecurityTable& t : {security_of_slice(key).value(), security_of_ranges(key).value()}) {
      sum += std::exp2l(-static_cast<long double>(t.total()));
      worst = std::min(worst, t.worst());
      events += t.events.size();
    }
  const SecurityTable link = security_of_link(m.key.slices[0]).value();
  sum += std::exp2l(-static_cast<long double>(link.total()));
  EXPECT_EQ(whole.events.size(), events + link.events.size());
  EXPECT_EQ(whole.worst(), std::min(worst, link.worst()));
  EXPECT_EQ(whole.weakest().bits, whole.worst());
  EXPECT_NEAR(whole.total(), static_cast<double>(-std::log2l(sum)), 1e-6);
  EXPECT_FALSE(security_of_certificate(m.key, {7}).has_value());
}

TEST(Security, LargestSliceKeepsTheProfile) {  // the caps of lookups, columns and checks
  const double lookups = 128 - std::log2(static_cast<double>(relation::kMaxLookups) * (relation::kMaxWidth + 2));
  EXPECT_GE(lookups, 100) << "without the work";
  EXPECT_GE(128 - 20 - std::log2(2.0), 100) << "proximity of the longest code";
  EXPECT_GE(128 - 28, 100) << "2^28 checks folded by powers of one challenge";
}

}  // namespace
}  // namespace dsperse::proof
