// Ports over faulty disks: what a crash keeps, and that without faults they are what the interfaces say.
#include "ports.h"

#include <gtest/gtest.h>

#include "clocks.h"
#include "dsperse/engine/simulated/simulated.h"
#include "dsperse/trust/ledger/merkle.h"
#include "paper.h"
#include "tap.h"

namespace dsperse::sim {
namespace {

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// Calls f; true if the fuse blew in it.
template <class F>
bool dies(const F& f) {
  try {
    f();
  } catch (const Killed&) {
    return true;
  }
  return false;
}

TEST(Fuse, BlowsWhereItIsToldAndOnce) {
  World world(Digest{1});
  Fuse fuse(world);
  fuse.blow_at(3);
  int passed = 0;
  EXPECT_TRUE(dies([&] {
    for (;; ++passed) fuse.pass("here");
  }));
  EXPECT_EQ(passed, 2);
  EXPECT_FALSE(dies([&] { fuse.pass("there"); }));
  EXPECT_EQ(fuse.killed(), 1U);
}

TEST(State, ATransactionThatIsInterruptedIsWholeOrAbsent) {
  int kept = 0, gone = 0;
  for (std::uint8_t seed = 1; seed <= 60; ++seed) {
    World world(Digest{seed});
    Fuse fuse(world);
    const DiskFaults faults;
    MemoryState state(fuse, faults);
    ASSERT_TRUE(state.save({{"a", bytes("1")}, {"b", bytes("1")}}));
    fuse.blow_at(fuse.passed() + 2);  // between the change and its sync
    EXPECT_TRUE(dies([&] { (void)state.save({{"a", bytes("2")}, {"b", {}}}); }));
    state.crash();
    const auto a = state.load("a"), b = state.load("b");
    ASSERT_TRUE(a && b && *a);
    EXPECT_EQ(**a == bytes("2"), !b->has_value());
    (**a == bytes("2") ? kept : gone) += 1;
  }
  EXPECT_GT(kept, 10);
  EXPECT_GT(gone, 10);
}

TEST(State, WhatWasAnsweredSurvivesUnlessTheDiskLies) {
  for (const double lying : {0.0, 1.0}) {
    World world(Digest{9});
    Fuse fuse(world);
    DiskFaults faults;
    faults.lying_sync = lying;
    MemoryState state(fuse, faults);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(state.save({{"name" + std::to_string(i), bytes("x")}}));
    state.crash();
    const auto names = state.names("name");
    ASSERT_TRUE(names);
    EXPECT_EQ(names->size() == 20, lying == 0);
  }
}

TEST(State, ARefusedTransactionDidNotHappen) {
  World world(Digest{1});
  Fuse fuse(world);
  DiskFaults faults;
  faults.error = 1;
  MemoryState state(fuse, faults);
  EXPECT_FALSE(state.save({{"a", bytes("1")}}));
  EXPECT_FALSE(state.load("a")->has_value());
}

TEST(Ledger, AddsOnceAndProves) {
  World world(Digest{1});
  Fuse fuse(world);
  const DiskFaults faults;
  const PaperSigner keeper(Digest{5});
  MemoryLedger log(fuse, faults, "log", keeper);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(log.add(bytes("entry" + std::to_string(i))).value(), static_cast<std::uint64_t>(i));
    EXPECT_EQ(log.add(bytes("entry0")).value(), 0U);
  }
  const auto sealed = log.seal(bytes("closing"), 7);
  ASSERT_TRUE(sealed);
  ASSERT_TRUE(log.add(bytes("later")));
  EXPECT_EQ(log.seal(bytes("closing"), 9).value(), *sealed) << "one statement a size";
  const auto head = trust::decode_checkpoint(log.checkpoint(9)->payload), seal = trust::decode_checkpoint(sealed->payload);
  ASSERT_TRUE(head && seal);
  EXPECT_EQ(seal->size, 21U);
  EXPECT_EQ(head->size, 22U);
  EXPECT_TRUE(trust::verify_growth(*seal, *head, *log.consistency(21, 22)));
  for (std::uint64_t i = 0; i < 22; ++i) EXPECT_TRUE(trust::verify_entry(log.entries()[i], *log.inclusion(i, 22), *head));
  EXPECT_FALSE(log.inclusion(22, 23));
}

TEST(Book, KeepsAChain) {
  World world(Digest{1});
  Fuse fuse(world);
  const DiskFaults faults;
  MemoryBook book(fuse, faults, Digest{3});
  EXPECT_EQ(*book.last(), trust::genesis(Digest{3}));
  const work::Done done{Digest{1}, {}, bytes("receipt"), {}, {}};
  EXPECT_FALSE(book.record(done, Digest{7}, Digest{8})) << "it follows nothing";
  ASSERT_TRUE(book.record(done, Digest{7}, trust::genesis(Digest{3})));
  EXPECT_FALSE(book.record(done, Digest{9}, Digest{7})) << "the job is known";
  fuse.blow_at(fuse.passed() + 1);
  EXPECT_TRUE(dies([&] { (void)book.record({Digest{2}, {}, {}, {}, {}}, Digest{9}, Digest{7}); }));
  book.crash();
  EXPECT_EQ(*book.last(), Digest{7});
  EXPECT_EQ(**book.find(Digest{1}), done);
}

TEST(Clock, IsWrongByAnOffsetAndRunsAway) {
  World world(Digest{1}, 1'000'000);
  SkewedClock fast(world, 500, 1000), slow(world, 0, -1000);
  EXPECT_EQ(fast.now(), 1'000'500);
  world.advance(100'000);
  EXPECT_EQ(fast.now(), 1'100'600);
  EXPECT_EQ(slow.now(), 1'099'900);
  slow.jump(-50'000);
  EXPECT_EQ(slow.now(), 1'049'900);
}

TEST(Signatures, NobodySignsForOthers) {
  for (const bool real : {false, true}) {
    Signatures all(real);
    const auto a = all.signer(Digest{1}), b = all.signer(Digest{2});
    const auto signature = a->sign(bytes("text"));
    ASSERT_TRUE(signature);
    EXPECT_TRUE(all.valid(a->key(), bytes("text"), *signature));
    EXPECT_FALSE(all.valid(a->key(), bytes("text2"), *signature));
    EXPECT_FALSE(all.valid(b->key(), bytes("text"), *signature));
  }
}

TEST(Tap, CanBeTheLastCallBeforeAndAfterItHappened) {
  for (const std::uint64_t place : {1, 2}) {
    World world(Digest{1});
    engine::simulated::SimulatedEngine inner(world);
    Fuse fuse(world);
    Grapevine heard;
    Tap tap(inner, fuse, heard);
    fuse.blow_at(place);
    EXPECT_TRUE(dies([&] { (void)tap.blobs().put(bytes("blob")); }));
    EXPECT_EQ(*inner.blobs().has(crypto::hash(bytes("blob"))), place == 2);
  }
}

}  // namespace
}  // namespace dsperse::sim
