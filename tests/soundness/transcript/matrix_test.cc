// The dependency matrix: every absorbed part, limb and byte changes every later challenge and no earlier one. Both parties speak
// in one order; challenges are elements of E; columns are drawn without repetition.
#include "transcript/matrix.h"

#include <gtest/gtest.h>

#include "slices.h"
#include "subjects.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

template <int D>
void expect_matrix(const Subject<D>& s) {
  SCOPED_TRACE(s.name);
  ASSERT_TRUE(s.verdict) << s.verdict.reason;
  const Records records = s.records();
  const Matrix matrix(records);
  std::map<std::string, Tally> tallies;
  const auto add = [&](const std::string& id, const Tally& t) {
    tallies[id].tried += t.tried;
    tallies[id].survived += t.survived;
  };
  std::uint64_t pairs = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& r = records[i];
    if (r.draw) continue;
    for (const Part& part : parts_of(r)) {
      known("absorb", part.id, proof::bits(s.layout.profile));
      add(part.id, matrix.whole(i, part.begin));
      // Every byte of heads and roots; every limb of messages.
      const std::size_t step = r.kind == "head" || r.kind == "root" ? 1 : 8;
      for (std::size_t at = part.begin; at < part.end; at += step) {
        const Tally t = matrix.later(i, at + (step == 8 ? at / 8 % 8 : 0));
        add(part.id, t);
        pairs += t.tried;
      }
    }
  }
  for (const auto& [id, t] : tallies) {
    EXPECT_EQ(t.survived, 0U) << id;
    EXPECT_GT(t.tried, 0U) << id;
    attacked("absorb", id, proof::bits(s.layout.profile), t.tried, t.survived);
  }
  EXPECT_GT(pairs, 1000U);
}

TEST(DependencyMatrix, EveryPartChangesEveryLaterChallengeAndNoEarlierOne) {
  for_small_subjects([](const auto& s) { expect_matrix(s); });
}

/// Records are the ones that the parties used: the prover's challenges are the replayed ones, columns the opened ones.
template <int D>
void expect_right_records(const Subject<D>& s) {
  SCOPED_TRACE(s.name);
  ASSERT_TRUE(s.verdict) << s.verdict.reason;
  const Records records = s.records();
  const std::vector<Bytes> drawn = replay(records);
  proof::ArgumentProof<D> proof;
  ASSERT_TRUE(proof::decode_argument<D>(s.layout, s.proof, proof));
  std::size_t at = 0, challenge = 0, group = 0, opening = 0;
  for (const Record& r : records) {
    if (!r.draw) continue;
    ByteReader words(drawn[at++]);
    if (r.kind != "columns") {
      crypto::Ext<D> x;
      bool extension = false;
      for (std::size_t l = 0; l < D; ++l) {
        x.c[l] = crypto::Fp(words.u64());
        extension = extension || (l > 0 && x.c[l].v != 0);
      }
      EXPECT_TRUE(words.finished());
      EXPECT_TRUE(extension) << "a challenge from the base field: " << r.label;
      if (r.label == "eps") continue;
      ASSERT_LT(challenge, s.challenges.size());
      EXPECT_EQ(r.label, s.challenges[challenge].first);
      EXPECT_EQ(x, s.challenges[challenge].second) << r.label;
      ++challenge;
      continue;
    }
    const bool end = r.label == "end columns";
    const proof::Geometry& g = end ? s.layout.end : s.layout.groups[group].geometry;
    std::vector<std::uint32_t> columns;
    while (words.left() > 0) columns.push_back(static_cast<std::uint32_t>(words.u64()));
    EXPECT_EQ(columns.size(), g.t);
    for (std::size_t i = 0; i < columns.size(); ++i)
      EXPECT_TRUE(columns[i] < g.code.n() && (i == 0 || columns[i - 1] < columns[i])) << "repeated or out of range";
    std::vector<Digest> roots;
    if (end) {
      roots = {proof.end_root};
    } else {
      if (group < s.roots.size()) roots = s.roots[group];
      roots.push_back(proof.fresh_roots[group++]);
    }
    for (const Digest& root : roots) {
      const Verdict v = crypto::check_opening(g.code, root, columns, proof.openings[opening++]);
      EXPECT_TRUE(v) << v.reason;
    }
  }
  EXPECT_EQ(challenge, s.challenges.size());
  EXPECT_EQ(opening, proof.openings.size());
  // Head and all roots come before the first draw, columns after the last message.
  bool draws = false, columns = false;
  for (const Record& r : records) {
    draws = draws || r.draw;
    columns = columns || (r.draw && r.kind == "columns");
    EXPECT_FALSE(draws && (r.kind == "head" || r.kind == "root")) << r.label;
    EXPECT_FALSE(columns && !r.draw) << r.label;
  }
}

TEST(Transcripts, AreTheOnesThatTheTestsReplay) {
  for_small_subjects([](const auto& s) { expect_right_records(s); });
}

template <int D>
void expect_one_order(const Subject<D>& s) {
  SCOPED_TRACE(s.name);
  EXPECT_TRUE(s.verdict) << s.verdict.reason;
  EXPECT_FALSE(s.said.empty());
  EXPECT_EQ(s.said, s.heard);
  expect_right_records(s);
}

/// Every operator, in both profiles: slice proof, weight ranges, epoch link, weight tie.
TEST(Transcripts, BothPartiesSpeakInOneOrder) {
  const auto with = [&]<int D>(proof::Profile profile) {
    for (NamedSlice& slice : attack_slices()) {
      slice.options.profile = profile;
      const SliceCase c = make_case(slice.program, slice.options).value();
      const std::string name = slice.name + " " + std::to_string(proof::bits(profile));
      expect_one_order(slice_subject<D>(name, c));
      if (!c.weight_tree.impl) continue;
      const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
      expect_one_order(range_subject<D>(name, c));
      expect_one_order(link_subject<D>(name, c, epoch));
      expect_one_order(tie_subject<D>(name, c, epoch));
    }
  };
  with.template operator()<2>(proof::Profile::bits100);
  with.template operator()<3>(proof::Profile::bits128);
}

}  // namespace
}  // namespace dsperse::soundness
