#include "dsperse/trust/receipt/job.h"

#include <gtest/gtest.h>

#include <set>

#include "dsperse/trust/receipt/testing/sample.h"

namespace dsperse::trust {
namespace {

using testing::named;
const BoundaryRoots kIn = {{1, named("a")}, {4, named("b")}};

Digest filled(std::uint8_t byte) {
  Digest d;
  d.fill(byte);
  return d;
}

// Computed by tools/verify/blake3.py from docs/formats/receipt.md.
TEST(Job, KnownAnswers) {
  const BoundaryRoots roots = {{1, filled(7)}, {258, filled(8)}};
  EXPECT_EQ(to_hex(job_id(filled(1), filled(2), roots, filled(3))),
            "b28319c0ae73eb1be785bff68ef31ace2738752ad0b012443a39bf6ec002a65e");
  EXPECT_EQ(to_hex(trace_digest(roots)), "ad12f9980f43f140396ae3f16dd14c873f64dd9ff54388f5f35c4a39fcd809a7");
  EXPECT_EQ(to_hex(commitment(filled(1), filled(4), {filled(5), filled(6)})),
            "19b9f565aaa90fa3fd8b7f3511d27e3eda71f27f7979c4d48bf5312811d00e12");
}

// Computed by tools/verify/blake3.py: the values 1 and -1.
TEST(Job, PublicRootIsOfTheValues) {
  EXPECT_EQ(to_hex(public_root(Bytes{1, 0, 0, 0, 255, 255, 255, 255})),
            "5198ca63b82c5ab208ca1001548dfb2ae48b452a0b9b6f58b422245a8abb4ca5");
  EXPECT_NE(public_root({}), public_root(Bytes{0, 0, 0, 0}));
}

TEST(Job, EveryPartCounts) {
  const Digest run = named("run"), key = named("key"), nonce = named("nonce");
  std::set<Digest> seen = {job_id(run, key, kIn, nonce)};
  const auto fresh = [&](const Digest& id) { EXPECT_TRUE(seen.insert(id).second); };
  fresh(job_id(key, run, kIn, nonce));
  fresh(job_id(named("other"), key, kIn, nonce));
  fresh(job_id(run, named("other"), kIn, nonce));
  fresh(job_id(run, key, kIn, named("other")));
  fresh(job_id(run, key, {}, nonce));
  fresh(job_id(run, key, BoundaryRoots{kIn[0]}, nonce));
  fresh(job_id(run, key, BoundaryRoots{{1, named("a")}, {5, named("b")}}, nonce));
  fresh(job_id(run, key, BoundaryRoots{{1, named("b")}, {4, named("a")}}, nonce));
  EXPECT_EQ(job_id(run, key, kIn, nonce), *seen.find(job_id(run, key, kIn, nonce))) << "a job delivered twice is the same";
}

TEST(Trace, LiveRootsAfterEverySlice) {
  const BoundaryRoot a{1, named("a")}, b{2, named("b")}, c{3, named("c")}, d{4, named("d")};
  // a feeds both slices that make b and c (c first); d is made of b and c and is the output.
  const auto trace = canonical_trace({a}, std::vector<TraceStep>{{{c}, {}}, {{b}, {1}}, {{d}, {2, 3}}});
  ASSERT_TRUE(trace);
  const std::vector<BoundaryRoots> live = {{a}, {a, c}, {b, c}, {d}};
  ASSERT_EQ(trace->size(), live.size());
  for (std::size_t i = 0; i < live.size(); ++i) EXPECT_EQ((*trace)[i], trace_digest(live[i])) << i;
}

TEST(Trace, TwoTracesDifferFromTheWrongSliceOn) {
  std::vector<TraceStep> steps;
  for (std::uint32_t i = 0; i < 6; ++i) steps.push_back({{{i + 1, named(std::to_string(i))}}, {i}});
  const auto honest = canonical_trace({{0, named("input")}}, steps);
  steps[3].made[0].root[5] ^= 1;
  const auto wrong = canonical_trace({{0, named("input")}}, steps);
  ASSERT_TRUE(honest && wrong);
  for (std::size_t i = 0; i < honest->size(); ++i)
    EXPECT_EQ((*honest)[i] != (*wrong)[i], i == 4) << "only its root lives after it";
}

TEST(Trace, ImpossibleSteps) {
  const BoundaryRoot a{1, named("a")};
  EXPECT_EQ(canonical_trace({a}, std::vector<TraceStep>{{}, {{a}, {}}}).error().where, "slice 1");
  EXPECT_EQ(canonical_trace({a}, std::vector<TraceStep>{{{}, {2}}}).error().where, "slice 0");
  EXPECT_EQ(canonical_trace({a}, std::vector<TraceStep>{{{}, {1, 1}}}).error().where, "slice 0");
  EXPECT_FALSE(canonical_trace({a, a}, {}));
  EXPECT_TRUE(canonical_trace({a}, std::vector<TraceStep>{{{{2, a.root}}, {2}}})) << "a chunk may end where it is made";
}

TEST(Commitment, OpensForOneStatementOnly) {
  const Digest job = named("job"), worker = named("worker");
  const Opening opening{named("h"), named("salt")};
  const Digest c = commitment(job, worker, opening);
  EXPECT_TRUE(verify_opening(c, job, worker, opening));
  const auto refused = [&](const Verdict& v) { EXPECT_EQ(v.reason, "commitment: does not open"); };
  refused(verify_opening(c, named("job 2"), worker, opening));
  refused(verify_opening(c, job, named("copycat"), opening));
  refused(verify_opening(c, job, worker, {named("h2"), opening.salt}));
  refused(verify_opening(c, job, worker, {opening.h_out, named("salt 2")}));
  refused(verify_opening(c, job, worker, {opening.salt, opening.h_out}));
  Digest other = c;
  other[31] ^= 128;
  refused(verify_opening(other, job, worker, opening));
}

}  // namespace
}  // namespace dsperse::trust
