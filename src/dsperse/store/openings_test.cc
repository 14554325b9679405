#include "dsperse/store/openings.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::store {
namespace {

Digest named(std::uint8_t x) {
  Digest d{};
  d[0] = x;
  return d;
}

const Digest kSlice = named(1), kOrigin = named(2);

OpeningStore opened(const std::string& folder) {
  auto store = OpeningStore::open(folder);
  EXPECT_TRUE(store) << store.error().text();
  return std::move(*store);
}

/// Uses openings as `prove` does until none is left; checks that none is used twice; the number of proofs.
int use_all(OpeningStore& store, std::set<std::pair<Digest, std::uint32_t>>& used, std::size_t& deepest) {
  std::uint32_t epochs = 0;
  for (int proofs = 0;;) {
    const auto choice = store.choose(kSlice, kOrigin);
    if (!choice) {
      EXPECT_EQ(choice.error().kind, ErrorKind::resource);
      return proofs;
    }
    EXPECT_TRUE(used.insert({choice->epoch.root, choice->index}).second) << "an opening is used twice";
    if (choice->make_epoch) {
      Digest root = named(3);
      root[1] = static_cast<std::uint8_t>(++epochs), root[2] = static_cast<std::uint8_t>(epochs >> 8);
      const proof::EpochLink link{choice->epoch.root, root, choice->index, 0, Bytes{1, 2, 3}};
      EXPECT_TRUE(used.insert({root, 0}).second);
      EXPECT_EQ(store.add_epoch(kSlice, choice->epoch, link, named(9)).value_or(false), true);
      continue;
    }
    deepest = std::max(deepest, choice->epoch.links.size());
    Digest at = kOrigin;
    for (const auto& link : choice->epoch.links) {
      EXPECT_EQ(link.base, at);
      at = link.epoch;
    }
    EXPECT_EQ(at, choice->epoch.root);
    EXPECT_EQ(choice->epoch.seed.has_value(), !choice->epoch.links.empty());
    EXPECT_TRUE(store.claim(choice->epoch.root, choice->index).value_or(false));
    ++proofs;
  }
}

TEST(Openings, AllOfTheStarAreUsedOnceAndThenTheErrorSaysWhatToDo) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir.path());
  ASSERT_TRUE(store.add_origin(kSlice, kOrigin, 1, proof::kWeightBudget));
  std::set<std::pair<Digest, std::uint32_t>> used;
  std::size_t deepest = 0;
  // 3 direct proofs of the origin, 12 epochs of 3 direct proofs and 12 epochs of 15 proofs each.
  EXPECT_EQ(use_all(store, used, deepest), 3 + 12 * (3 + 12 * 15));
  EXPECT_EQ(deepest, 2U);
  for (const auto& [root, index] : used) EXPECT_LT(index, proof::kWeightBudget);
  EXPECT_NE(store.choose(kSlice, kOrigin).error().hint.find("compile"), std::string::npos);
}

TEST(Openings, ACopiedModelHasNone) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir.path());
  const auto choice = store.choose(kSlice, kOrigin);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().kind, ErrorKind::resource);
}

TEST(Openings, TheLoserOfARaceGetsNothing) {
  const testing::TemporaryFolder dir;
  OpeningStore a = opened(dir.path()), b = opened(dir.path());
  ASSERT_TRUE(a.add_origin(kSlice, kOrigin, 1, 16));
  EXPECT_TRUE(a.claim(kOrigin, 1).value());
  EXPECT_FALSE(b.claim(kOrigin, 1).value());
  EXPECT_EQ(b.choose(kSlice, kOrigin)->index, 2U);
  const proof::EpochLink link{kOrigin, named(7), 1, 0, {}};
  EXPECT_FALSE(b.add_epoch(kSlice, Epoch{kOrigin, 0, {}, {}}, link, named(8)).value());
  EXPECT_EQ(b.remaining(kSlice)->size(), 1U) << "a lost race leaves no epoch";
}

TEST(Openings, SharesAreDisjointAndImportedOnce) {
  const testing::TemporaryFolder here, there;
  OpeningStore a = opened(here.path()), b = opened(there.path());
  ASSERT_TRUE(a.add_origin(kSlice, kOrigin, 1, 16));
  const auto share = a.give_away(kSlice, kOrigin, 2);
  ASSERT_TRUE(share);
  EXPECT_EQ(share->next, 14U);
  EXPECT_EQ(share->end, 16U);
  ASSERT_TRUE(b.add_origin(kSlice, share->root, share->next, share->end));
  EXPECT_FALSE(b.add_origin(kSlice, share->root, share->next, share->end));
  EXPECT_FALSE(b.add_origin(kSlice, share->root, 15, 16));
  EXPECT_FALSE(a.give_away(kSlice, kOrigin, 14));
  std::set<std::pair<Digest, std::uint32_t>> used_a, used_b;
  std::size_t deepest = 0;
  use_all(a, used_a, deepest);
  EXPECT_EQ(use_all(b, used_b, deepest), 2 * (3 + 12 * 15));
  for (const auto& [root, index] : used_b)
    if (root == kOrigin) {
      EXPECT_FALSE(used_a.contains({root, index}));
    }
}

TEST(Openings, RefusesIndicesOutsideOfTheBudget) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir.path());
  EXPECT_FALSE(store.add_origin(kSlice, kOrigin, 0, 16));
  EXPECT_FALSE(store.add_origin(kSlice, kOrigin, 1, 17));
  EXPECT_FALSE(store.add_origin(kSlice, kOrigin, 3, 3));
}

// Each child claims one opening, says so, and is killed at once: no opening may be claimed twice.
TEST(Openings, ClaimsSurviveKill) {
  const testing::TemporaryFolder dir;
  {
    ASSERT_TRUE(opened(dir.path()).add_origin(kSlice, kOrigin, 1, 16));
  }
  std::set<std::uint32_t> claimed;
  for (int i = 0; i < 8; ++i) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = OpeningStore::open(dir.path());
      const std::uint32_t next = store ? store->remaining(kSlice)->at(0).next : 0;
      if (next != 0 && store->claim(kOrigin, next).value_or(false)) (void)!::write(pipe[1], &next, sizeof next);
      ::kill(::getpid(), SIGKILL);
    }
    ::close(pipe[1]);
    std::uint32_t got = 0;
    ASSERT_EQ(::read(pipe[0], &got, sizeof got), static_cast<ssize_t>(sizeof got));
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(claimed.insert(got).second);
  }
  EXPECT_EQ(opened(dir.path()).remaining(kSlice)->at(0).next, 9U);
}

/// A copy of the counters, elsewhere or under the old name after the original is gone, would use openings a second time.
TEST(Openings, CopiesAreRefused) {
  const testing::TemporaryFolder dir;
  {
    OpeningStore store = opened(dir / "here");
    ASSERT_TRUE(store.add_origin(kSlice, kOrigin, 1, 16));
    ASSERT_TRUE(store.claim(kOrigin, 1).value());
  }
  const auto file = [&](const char* folder) { return dir / (std::string(folder) + "/openings.db"); };
  const auto refused = [&](const char* folder) {
    const auto store = OpeningStore::open(dir / folder);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind, ErrorKind::bad_input);
    EXPECT_NE(store.error().hint.find("delete the file"), std::string::npos);
  };
  std::filesystem::create_directory(dir / "there");
  std::filesystem::copy_file(file("here"), file("there"));
  refused("there");
  refused("there");
  EXPECT_EQ(opened(dir / "here").choose(kSlice, kOrigin)->index, 2U) << "the original goes on";
  // Moved within its file system it is the same file.
  std::filesystem::rename(dir / "here", dir / "moved");
  EXPECT_EQ(opened(dir / "moved").choose(kSlice, kOrigin)->index, 2U);
  // A backup put back.
  std::filesystem::rename(file("there"), dir / "backup");
  std::filesystem::remove(file("moved"));
  std::filesystem::copy_file(dir / "backup", file("moved"));
  refused("moved");
  std::filesystem::remove(file("moved"));
  EXPECT_EQ(opened(dir / "moved").choose(kSlice, kOrigin).error().kind, ErrorKind::resource) << "a fresh file has no openings";
}

TEST(Openings, AnOpeningOfAnExistingProofThatIsNotCountedIsSeen) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir.path());
  ASSERT_TRUE(store.add_origin(kSlice, kOrigin, 4, 8));
  ASSERT_TRUE(store.claim(kOrigin, 4).value());
  EXPECT_FALSE(store.uncounted(kOrigin, 4).value()) << "used here";
  EXPECT_TRUE(store.uncounted(kOrigin, 5).value());
  EXPECT_FALSE(store.uncounted(kOrigin, 3).value()) << "another installation's";
  EXPECT_FALSE(store.uncounted(kOrigin, 8).value()) << "another installation's";
  EXPECT_FALSE(store.uncounted(named(77), 5).value()) << "another installation's epoch";
}

TEST(Openings, OriginsAreRegisteredTogether) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir.path());
  const std::vector<OpeningStore::Origin> bad{{kSlice, kOrigin, 1, 16}, {named(5), named(6), 1, 17}};
  EXPECT_FALSE(store.add_origins(bad));
  EXPECT_TRUE(store.remaining(kSlice)->empty());
  const std::vector<OpeningStore::Origin> good{{kSlice, kOrigin, 1, 16}, {named(5), named(6), 1, 16}};
  EXPECT_TRUE(store.add_origins(good));
  EXPECT_EQ(store.remaining(named(5))->size(), 1U);
}

TEST(Openings, StateFolderFollowsTheEnvironment) {
  ::setenv("DSPERSE_STATE_DIR", "/x", 1);
  EXPECT_EQ(state_folder().value(), "/x");
  ::unsetenv("DSPERSE_STATE_DIR");
  ::setenv("XDG_STATE_HOME", "/y", 1);
  EXPECT_EQ(state_folder().value(), "/y/dsperse");
  ::unsetenv("XDG_STATE_HOME");
  ::setenv("HOME", "/z", 1);
  EXPECT_EQ(state_folder().value(), "/z/.local/state/dsperse");
}

TEST(Openings, BoundaryTreesHaveABudgetToo) {
  const testing::TemporaryFolder dir;
  OpeningStore store = opened(dir / "state");
  ASSERT_TRUE(store.add_origin(kSlice, kOrigin, 1, proof::kWeightBudget));
  const Digest x = named(20), y = named(21), z = named(22);
  for (std::uint32_t i = 0; i < proof::kBoundaryUses; ++i) EXPECT_TRUE(store.claim_proof(std::nullopt, {x, y}).value());
  // x is used up: nothing of a claim with it counts, neither z nor the weights.
  const auto refused = opened(dir / "state").claim_proof(std::pair(kOrigin, 1U), {x, z});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::resource);
  EXPECT_FALSE(store.check_boundaries({x, z}));
  EXPECT_TRUE(store.check_boundaries({z}));
  EXPECT_TRUE(store.claim_proof(std::pair(kOrigin, 1U), {z}).value());
  // Lost weights: no boundary is counted.
  for (std::uint32_t i = 0; i < 2 * proof::kBoundaryUses; ++i)
    EXPECT_FALSE(store.claim_proof(std::pair(kOrigin, 1U), {z}).value());
  for (std::uint32_t i = 1; i < proof::kBoundaryUses; ++i) EXPECT_TRUE(store.claim_proof(std::nullopt, {z}).value());
  EXPECT_FALSE(store.claim_proof(std::nullopt, {z}));
}

}  // namespace
}  // namespace dsperse::store
