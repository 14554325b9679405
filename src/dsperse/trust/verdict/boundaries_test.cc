#include "dsperse/trust/verdict/boundaries.h"

#include <gtest/gtest.h>

#include "dsperse/proof/testing/model.h"

namespace dsperse::trust {
namespace {

using proof::testing::ModelCase;
using Chunks = std::vector<std::uint32_t>;

const ModelCase& skip() {
  static const ModelCase m = proof::testing::make_model(proof::testing::skip_model());
  return m;
}
const ModelCase& chunks() {
  static const ModelCase m = proof::testing::make_model(proof::testing::chunk_model());
  return m;
}

Chunks live(const ModelCase& m, std::uint32_t slice) {
  Chunks out;
  for (const BoundaryRoot& r : live_before(m.key, lives_of(m.key), slice, boundary_digests(m.certificate.table)))
    out.push_back(r.chunk);
  return out;
}

TEST(Boundaries, ADigestIsTheRootOrTheHashOfTheValues) {
  proof::Boundary b;
  b.root = Digest{7};
  EXPECT_EQ(boundary_digest(b), Digest{7});
  b.root.reset();
  b.values = {1, -2, 300};
  // Computed by tools/verify's BLAKE3.
  EXPECT_EQ(to_hex(boundary_digest(b)), "04d9d4cdac1f7a8a1331bfb86c1073c11b0c6b1534f35c60d49350dc70ce6d90");
  b.values.pop_back();
  EXPECT_NE(to_hex(boundary_digest(b)), "04d9d4cdac1f7a8a1331bfb86c1073c11b0c6b1534f35c60d49350dc70ce6d90");
}

TEST(Boundaries, AChunkLivesFromItsProducerToItsLastReader) {
  // x -> a, a -> b, (a, b) -> y; a and y are outputs.
  const Lives s = lives_of(skip().key);
  EXPECT_EQ(s.inputs, (Chunks{0}));
  EXPECT_EQ(s.ended, (std::vector<Chunks>{{0}, {}, {2}}));
  EXPECT_EQ(live(skip(), 0), (Chunks{0}));
  EXPECT_EQ(live(skip(), 1), (Chunks{1}));
  EXPECT_EQ(live(skip(), 2), (Chunks{1, 2}));
  EXPECT_EQ(live(skip(), 3), (Chunks{1, 3})) << "after the last slice: the outputs";
  // x -> a0, x -> a1, (a0, a1) -> y.
  const Lives c = lives_of(chunks().key);
  EXPECT_EQ(c.ended, (std::vector<Chunks>{{}, {0}, {1, 2}}));
  EXPECT_EQ(live(chunks(), 1), (Chunks{0, 1}));
}

TEST(Boundaries, AnInputThatNobodyReadsEndsWithTheFirstSlice) {
  proof::ModelKey key = skip().key;
  key.chunks.push_back(key.chunks[0]);
  key.edges.push_back({"unread", {4}, true, false, {}});
  const Lives lives = lives_of(key);
  EXPECT_EQ(lives.inputs, (Chunks{0, 4}));
  EXPECT_EQ(lives.ended[0], (Chunks{0, 4}));
  const std::vector<Digest> digests(5);
  EXPECT_EQ(live_before(key, lives, 0, digests).size(), 2U);
  EXPECT_EQ(live_before(key, lives, 1, digests).size(), 1U);
  EXPECT_EQ(trace_of(key, lives, digests).size(), 4U);
}

TEST(Boundaries, TheTraceIsOfWhatLives) {
  for (const ModelCase* m : {&skip(), &chunks()}) {
    const Lives lives = lives_of(m->key);
    std::vector<Digest> digests = boundary_digests(m->certificate.table);
    const std::vector<Digest> trace = trace_of(m->key, lives, digests);
    ASSERT_EQ(trace.size(), m->key.slices.size() + 1);
    for (std::uint32_t i = 0; i < trace.size(); ++i) EXPECT_EQ(trace[i], trace_digest(live_before(m->key, lives, i, digests)));
    digests[1][0] ^= 1;  // what slice 0 makes
    const std::vector<Digest> other = trace_of(m->key, lives, digests);
    EXPECT_EQ(trace[0], other[0]);
    EXPECT_NE(trace[1], other[1]);
  }
}

}  // namespace
}  // namespace dsperse::trust
