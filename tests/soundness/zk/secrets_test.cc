// What never leaves: salts of leaves that were not opened, seeds, and every drawn symbol of pads, masks and end rows, searched
// for in everything that a verifier is given. And the budgets that the hiding of trees rests on.
#include <gtest/gtest.h>

#include <unordered_map>

#include "../slices.h"
#include "dsperse/backend/native/native.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "recorder.h"

namespace dsperse::soundness {
namespace {

std::uint64_t first_word(ByteView b) { return ByteReader(b).u64(); }

/// Finds many strings of at least 8 bytes in many bytes.
class Search {
 public:
  void add(ByteView needle, std::size_t id) {
    needles_.emplace(first_word(needle), std::pair(Bytes(needle.begin(), needle.end()), id));
  }
  [[nodiscard]] std::set<std::size_t> in(const std::vector<Bytes>& artefacts) const {
    std::set<std::size_t> out;
    for (const Bytes& a : artefacts)
      for (std::size_t i = 0; i + 8 <= a.size(); ++i) {
        const ByteView rest = ByteView(a).subspan(i);
        const auto [from, to] = needles_.equal_range(first_word(rest));
        for (auto n = from; n != to; ++n)
          if (const Bytes& needle = n->second.first;
              rest.size() >= needle.size() && std::equal(needle.begin(), needle.end(), rest.begin()))
            out.insert(n->second.second);
      }
    return out;
  }

 private:
  std::unordered_multimap<std::uint64_t, std::pair<Bytes, std::size_t>> needles_;
};

template <int D>
void opened_salts(const Argument& a, std::set<Digest>& out) {
  proof::ArgumentProof<D> p;
  ASSERT_TRUE(proof::decode_argument<D>(a.layout, a.proof, p));
  for (const crypto::Opening& o : p.openings) out.insert(o.salts.begin(), o.salts.end());
}

/// Four runs of one compiled model: weight trees opened several times, epochs, boundary trees opened by two slices each.
class Secrets : public ::testing::Test {
 protected:
  static constexpr int kRuns = 4;
  static void SetUpTestSuite() {
    const store::testing::TemporaryFolder dir;
    const Recorder recorder(5);
    const backend::Native native;
    auto openings = *store::OpeningStore::open(dir / "state");
    const auto keep = [&](const std::string& name) { made_.push_back(*store::read_file(dir / name, 1U << 30)); };
    ASSERT_TRUE(pipeline::compile_step(pipeline::testing::small_plan(), {}, native, openings, dir / "m.dsm", dir / "m.dsk", {}));
    keep("m.dsk");
    for (int i = 0; i < kRuns; ++i) {
      const std::string run = "r" + std::to_string(i);
      ASSERT_TRUE(store::write_file(dir / "x.json", "[1, -2, 0.5, 3, -1.25, " + std::to_string(i) + "]", store::Access::shared));
      ASSERT_TRUE(pipeline::run_step(dir / "m.dsm", *store::read_tensors(dir / "x.json"), Bytes{1}, dir / run, {}));
      ASSERT_TRUE(pipeline::prove_step(dir / run, "", {}, native, openings, {}, {}));
      keep(run + "/output.json");
      keep(run + "/certificate.dscert");
    }
    recording_ = recorder.recording();
  }
  static void TearDownTestSuite() {
    recording_ = {};
    made_.clear();
  }
  static inline Recording recording_;
  static inline std::vector<Bytes> made_;
  std::vector<Bytes> artefacts_ = made_;  ///< a test's own: it may add to them
};

TEST_F(Secrets, SaltsOfUnopenedLeavesNeverLeave) {
  std::set<Digest> opened;
  for (const Argument& a : recording_.arguments) opened_salts<2>(a, opened);
  Search search;
  std::vector<Digest> salts;
  std::set<Digest> roots;
  for (const CommittedRows& t : recording_.trees) {
    if (!roots.insert(t.root).second) continue;  // made again from its seed
    crypto::SeedStream stream(t.salt_seed, "salts");
    for (std::uint64_t j = 0; j < t.code.n(); ++j) {
      stream.fill(std::span<std::uint8_t>(salts.emplace_back()));
      search.add(salts.back(), salts.size() - 1);
    }
  }
  EXPECT_GT(roots.size(), 3U + kRuns * (2 + 3 * 4));
  const std::set<std::size_t> seen = search.in(artefacts_);
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < salts.size(); ++i) {
    EXPECT_EQ(seen.contains(i), opened.contains(salts[i]));
    hidden += opened.contains(salts[i]) ? 0 : 1;
  }
  EXPECT_EQ(seen.size(), opened.size());
  EXPECT_GT(hidden, seen.size());
  // The search sees one that has left.
  for (std::size_t i = 0; i < salts.size(); ++i)
    if (!seen.contains(i)) {
      artefacts_[2].insert(artefacts_[2].begin() + 1001, salts[i].begin(), salts[i].end());
      EXPECT_TRUE(search.in(artefacts_).contains(i));
      break;
    }
}

TEST_F(Secrets, SeedsAndSymbolsNeverLeave) {
  Search search;
  std::vector<std::string> what;
  const auto secret = [&](ByteView bytes, std::string name) {
    search.add(bytes, what.size());
    what.push_back(std::move(name));
  };
  // Seeds that streams or trees were made from; a run's salt is one that nothing is made from.
  std::set<Digest> used;
  for (const Stream& s : recording_.streams) {
    used.insert(s.seed);
    secret(s.key, "key of stream " + s.label);
  }
  for (const auto& [from, to] : recording_.derived) used.insert({from, to});
  for (const CommittedRows& t : recording_.trees) used.insert(t.salt_seed);
  for (const Digest& s : used) secret(s, "seed");
  // Not the pads of messages: a message whose value is zero is its pad.
  std::set<Digest> pads;
  for (const Stream& s : recording_.streams)
    if (s.label == "pads" || s.label == "end pads") pads.insert(s.key);
  std::size_t symbols = 0;
  for (const Drawn& d : recording_.drawn)
    for (const std::uint64_t x : d.elements) {
      if (pads.contains(d.key)) continue;
      ByteWriter w;
      w.u64(x);
      secret(w.bytes(), "symbol");
      ++symbols;
    }
  EXPECT_GT(symbols, 100000U);
  for (const std::size_t i : search.in(artefacts_)) ADD_FAILURE() << what[i];
  // Public salts of runs come from the same generator and are there.
  Search salts;
  for (const Digest& s : recording_.seeds)
    if (!used.contains(s)) salts.add(s, 0);
  EXPECT_EQ(salts.in(artefacts_).size(), 1U);
  artefacts_[0].insert(artefacts_[0].end(), used.begin()->begin(), used.begin()->end());
  EXPECT_EQ(search.in(artefacts_).size(), 1U);
}

/// Trees hide only as often as they have pads for: the prover refuses to open them more often.
TEST(Budget, OpeningsBeyondItAreRefused) {
  SliceCase c = *make_case(two_layers(), {});
  for (const std::uint32_t opening : {0U, proof::kWeightBudget, proof::kWeightBudget + 1}) {  // 0: the range proof's
    c.statement.opening = opening;
    const auto refused = c.prove();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::resource);
    const SliceForge<2> f;
    const auto forged = c.prove<2>(f);
    ASSERT_TRUE(forged.has_value());
    EXPECT_EQ(c.verify(*forged).reason, "opening budget");
  }
  for (const std::uint32_t opening : {1U, proof::kWeightBudget - 1}) {
    c.statement.opening = opening;
    EXPECT_TRUE(c.verify(*c.prove()));
  }
  const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(2));
  EXPECT_FALSE(proof::prove_link(c.key, {*c.key.weight_root, *epoch.root(), 16, 0, {}}, c.weight_tree, epoch).has_value());
  EXPECT_FALSE(proof::prove_link(c.key, {*c.key.weight_root, *epoch.root(), 1, 16, {}}, c.weight_tree, epoch).has_value());
  EXPECT_FALSE(proof::prove_link(c.key, {*c.key.weight_root, *epoch.root(), 0, 0, {}}, c.weight_tree, epoch).has_value());
}

}  // namespace
}  // namespace dsperse::soundness
