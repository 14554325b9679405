// The model and its proof systems, ideal and real: true statements have proofs, others have none; liars lie as they should.
#include <gtest/gtest.h>

#include "conduct.h"
#include "dsperse/engine/simulated/simulated.h"

namespace dsperse::sim {
namespace {

/// Slice 0 as a task over blobs, with what an honest worker makes of it.
struct Bench {
  explicit Bench(bool real, bool private_input = false)
      : truth(real ? real_truth(model(private_input), Digest{1}) : ideal_truth(model(private_input), Digest{1})),
        world(Digest{1}),
        engine(world),
        fuse(world) {
    const Model& m = truth->model();
    for (const Bytes& blob : m.blobs) (void)engine.blobs().put(blob);
    Dice dice(Digest{2}, "input");
    input = random_input(m, dice);
    (void)engine.blobs().put(input);
    const auto& facts = m.facts.slices[0];
    task.run = Digest{4};
    task.model = m.facts.model;
    task.slice_key = facts.key;
    task.package = facts.package;
    task.weights = facts.weights;
    task.inputs = {{0, crypto::hash(input), private_input ? std::optional(Digest{5}) : std::nullopt}};
    task.live = {{0, private_input ? *truth->root(0, input, Digest{5}) : work::public_root(input)}};
    task.outputs = {{1, Digest{6}}};
    task.ended = facts.ended;
  }
  Result<work::Computed> compute(WorkerSpec spec, std::uint8_t person = 1) {
    Hand hand(fuse, *truth, heard, Digest{person}, spec, Digest{person});
    return hand.compute(task, engine.blobs());
  }
  work::SliceTask proving() const {
    work::SliceTask t = task;
    const auto tree = truth->tree(0, 0);
    t.prove = true;
    t.opening = work::WeightOpening{tree->root, tree->seed, tree->first};
    return t;
  }

  std::unique_ptr<Truth> truth;
  World world;
  engine::simulated::SimulatedEngine engine;
  Fuse fuse;
  Grapevine heard;
  Bytes input;
  work::SliceTask task;
};

TEST(Truth, TrueStatementsHaveProofsAndOthersHaveNone) {
  for (const bool real : {false, true})
    for (const bool private_input : {false, true}) {
      Bench b(real, private_input);
      b.task = b.proving();
      const auto made = b.compute({});
      ASSERT_TRUE(made) << made.error().text();
      ASSERT_TRUE(made->proof);
      const trust::BoundaryRoots roots{{1, made->outputs[0].root}};
      Said said = *said_of(b.truth->model(), b.task, {{0, b.input}, {1, made->outputs[0].values}}, roots);
      EXPECT_TRUE(b.truth->verify(said, *made->proof));
      // Another run, another root, other bytes.
      Said other = said;
      other.run = Digest{9};
      EXPECT_FALSE(b.truth->verify(other, *made->proof));
      other = said;
      other.roots[1][0] ^= 1;
      EXPECT_FALSE(b.truth->verify(other, *made->proof));
      Bytes changed_proof = *made->proof;
      changed_proof[changed_proof.size() / 2] ^= 1;
      EXPECT_FALSE(b.truth->verify(said, changed_proof));
      // What is not true.
      said.values[1] = changed(b.truth->model().key.chunks[1], said.values[1], 2, 1);
      EXPECT_FALSE(b.truth->prove(said));
    }
}

TEST(Truth, RootsBindValuesAndSeed) {
  for (const bool real : {false, true}) {
    Bench b(real);
    const Bytes v = to_bytes({0, 1, 2, 3, 4, 5}), w = to_bytes({0, 1, 2, 3, 4, 6}), far = to_bytes({0, 1, 2, 3, 4, 5000});
    EXPECT_EQ(*b.truth->root(1, v, Digest{1}), *b.truth->root(1, v, Digest{1}));
    EXPECT_NE(*b.truth->root(1, v, Digest{1}), *b.truth->root(1, v, Digest{2}));
    EXPECT_NE(*b.truth->root(1, v, Digest{1}), *b.truth->root(1, w, Digest{1}));
    EXPECT_FALSE(b.truth->root(1, far, Digest{1}));
    EXPECT_FALSE(b.truth->root(1, Bytes(5), Digest{1}));
  }
}

TEST(Truth, TheReferenceIsSliceAfterSlice) {
  Bench b(false);
  Values all = *b.truth->reference(b.input);
  EXPECT_EQ(all.size(), 5U);
  for (std::uint32_t s = 0; s < 4; ++s) {
    const auto made = b.truth->outputs(s, all);
    ASSERT_TRUE(made);
    for (const auto& [chunk, values] : *made) EXPECT_EQ(all[chunk], values);
    EXPECT_EQ(*b.truth->run(s, all), *made) << "what workers run";
  }
  Dice dice(Digest{3}, "another input");
  EXPECT_NE(b.truth->reference(random_input(b.truth->model(), dice))->at(4), all[4]);
}

TEST(Conduct, LiarsLieAndTheHonestDoNot) {
  Bench b(false);
  const Values right = *b.truth->outputs(0, {{0, b.input}});
  EXPECT_EQ(b.compute({})->outputs[0].values, right.at(1));
  EXPECT_TRUE(b.heard.lies.empty());
  WorkerSpec spec;
  for (const Kind kind : {Kind::lazy, Kind::flip, Kind::targeted, Kind::colluding}) {
    spec.kind = kind;
    const auto first = b.compute(spec, 1), again = b.compute(spec, 1), other = b.compute(spec, 2);
    EXPECT_NE(first->outputs[0].values, right.at(1)) << name_of(kind);
    EXPECT_EQ(first->outputs[0].values, again->outputs[0].values) << "a worker that is restarted says the same";
    EXPECT_EQ(first->outputs[0].values == other->outputs[0].values, kind == Kind::lazy || kind == Kind::colluding)
        << name_of(kind);
  }
  EXPECT_EQ(b.heard.lies.size(), 2U) << "by job and worker";
  spec.target = 3;
  EXPECT_EQ(b.compute(spec)->outputs[0].values, right.at(1)) << "another slice is its target";
}

TEST(Conduct, LiarsHaveNoProofs) {
  Bench b(false);
  b.task = b.proving();
  WorkerSpec spec;
  spec.kind = Kind::targeted;
  EXPECT_FALSE(b.compute(spec));
  spec.proves = Proves::rubbish;
  const auto made = b.compute(spec);
  ASSERT_TRUE(made && made->proof);
  const auto said = said_of(b.truth->model(), b.task, {{0, b.input}, {1, made->outputs[0].values}}, {{1, made->outputs[0].root}});
  ASSERT_TRUE(said);
  EXPECT_FALSE(b.truth->verify(*said, *made->proof));
  spec.proves = Proves::truth;
  EXPECT_EQ(b.compute(spec)->outputs[0].values, b.truth->outputs(0, {{0, b.input}})->at(1));
}

TEST(Openings, CountWhatIsPublished) {
  Openings o;
  Said said;
  said.opening = work::WeightOpening{Digest{1}, {}, 4};
  said.roots[0] = Digest{2};
  for (std::uint8_t i = 0; i < 8; ++i) o.made(Digest{i, 1}, said);
  EXPECT_EQ(o.beyond_budget(), 0U);
  o.published(Digest{0, 1});
  o.published(Digest{0, 1});
  EXPECT_EQ(o.beyond_budget(), 0U);
  o.published(Digest{1, 1});
  EXPECT_EQ(o.beyond_budget(), 1U) << "one index for two proofs";
  for (std::uint8_t i = 2; i < 8; ++i) o.published(Digest{i, 1});
  EXPECT_EQ(o.beyond_budget(), 7U + 2U) << "and a boundary opened eight times, two beyond its budget";
}

}  // namespace
}  // namespace dsperse::sim
