// Slices of a small model done out of blobs: the model's own values, roots and proofs; whatever does not fit together is refused.
#include "dsperse/work/compute/compute.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/backend/native/native.h"
#include "dsperse/work/compute/liar.h"
#include "dsperse/work/compute/testing/model_tasks.h"

namespace dsperse::work {
namespace {

using testing::value;
using Model = testing::ModelTasks;

Model& skip() {
  static Model m(proof::testing::skip_model());
  return m;
}
Model& shown() {
  static Model m(proof::testing::skip_model(), true);
  return m;
}
Model& chunked() {
  static Model m(proof::testing::chunk_model());
  return m;
}

const backend::Native kNative;

TEST(LocalComputer, GivesTheModelsValuesAndRoots) {
  for (Model* model : {&skip(), &shown(), &chunked()}) {
    LocalComputer one(kNative), two(kNative, 0);
    for (std::uint32_t s = 0; s < model->m.key.slices.size(); ++s) {
      const SliceTask task = model->task(s);
      const Computed a = value(one.compute(task, model->blobs())), b = value(two.compute(task, model->blobs()));
      ASSERT_EQ(a.outputs.size(), task.outputs.size());
      EXPECT_FALSE(a.proof);
      for (std::size_t i = 0; i < a.outputs.size(); ++i) {
        EXPECT_EQ(a.outputs[i].chunk, task.outputs[i].chunk);
        EXPECT_EQ(a.outputs[i].root, model->root(a.outputs[i].chunk));
        EXPECT_EQ(a.outputs[i].values, encode_values(model->m.values[a.outputs[i].chunk]));
        EXPECT_EQ(b.outputs[i].root, a.outputs[i].root);
      }
    }
  }
}

TEST(LocalComputer, ProvesWhatTheCertificateStates) {
  for (Model* model : {&skip(), &shown(), &chunked()}) {
    LocalComputer computer(kNative);
    for (std::uint32_t s = 0; s < model->m.key.slices.size(); ++s) {
      const Computed done = value(computer.compute(model->task(s, true), model->blobs()));
      ASSERT_TRUE(done.proof);
      const Verdict v = proof::verify_slice(model->m.key.slices[s], model->m.statement(s), *done.proof);
      EXPECT_TRUE(v) << v.reason << " " << v.where;
      proof::Statement other = model->m.statement(s);
      other.run_id[0] ^= 1;
      EXPECT_FALSE(proof::verify_slice(model->m.key.slices[s], other, *done.proof));
    }
  }
}

TEST(LocalComputer, SeedsDecideRoots) {
  SliceTask task = skip().task(1);
  LocalComputer computer(kNative);
  const Computed one = value(computer.compute(task, skip().blobs()));
  task.outputs[0].seed = Digest{5};
  const Computed two = value(computer.compute(task, skip().blobs()));
  EXPECT_NE(one.outputs[0].root, two.outputs[0].root);
  EXPECT_EQ(one.outputs[0].values, two.outputs[0].values);
}

struct Refusal {
  std::string name;
  std::function<void(SliceTask&, Model&)> change;
  std::string reason;
  ErrorKind kind = ErrorKind::bad_input;
};

Digest changed_values(Model& model, std::uint32_t chunk, std::int32_t x) {
  quantize::IntTensor values = model.m.values[chunk];
  values[0] = x;
  return value(model.blobs().put(encode_values(values)));
}

TEST(LocalComputer, WhatDoesNotFitTogetherIsRefused) {
  const std::vector<Refusal> refusals = {
      {"no package", [](SliceTask& t, Model&) { t.package = Digest{1}; }, "missing"},
      {"garbage package", [](SliceTask& t, Model&) { t.package = t.inputs[0].values; }, "not a slice package"},
      {"another slice's package",
       [](SliceTask& t, Model& m) { t.package = value(m.blobs().put(proof::encode_slice_package(m.m.key, 0))); }, "slice"},
      {"another key", [](SliceTask& t, Model&) { t.slice_key[0] ^= 1; }, "another slice"},
      {"no weights", [](SliceTask& t, Model&) { t.weights = {}, t.opening.reset(), t.prove = false; }, "no weights"},
      {"missing weights", [](SliceTask& t, Model&) { t.weights = Digest{2}; }, "missing"},
      {"short weights",
       [](SliceTask& t, Model& m) {
         Bytes bytes = value(m.blobs().get(t.weights, 1U << 20));
         bytes.pop_back();
         t.weights = value(m.blobs().put(bytes));
       },
       "not the weights"},
      {"long weights",
       [](SliceTask& t, Model& m) {
         Bytes bytes = value(m.blobs().get(t.weights, 1U << 20));
         bytes.push_back(0);
         t.weights = value(m.blobs().put(bytes));
       },
       "", ErrorKind::resource},
      {"other weights",
       [](SliceTask& t, Model& m) {
         quantize::WeightStore w = m.m.weights[2];
         w[0].narrow[0] = static_cast<std::int16_t>(w[0].narrow[0] > 0 ? w[0].narrow[0] - 1 : w[0].narrow[0] + 1);
         t.weights = value(m.blobs().put(encode_weights_blob(m.m.key.slices[2], w, Model::weight_seed(2))));
       },
       "not those that the key commits to"},
      {"another weight seed",
       [](SliceTask& t, Model& m) {
         t.weights = value(m.blobs().put(encode_weights_blob(m.m.key.slices[2], m.m.weights[2], Digest{9})));
       },
       "not those that the key commits to"},
      {"missing input", [](SliceTask& t, Model&) { t.inputs[0].values = Digest{3}; }, "missing"},
      {"other values",
       [](SliceTask& t, Model& m) {
         const std::int32_t x = m.m.values[t.inputs[0].chunk][0];
         t.inputs[0].values = changed_values(m, t.inputs[0].chunk, x > 0 ? x - 1 : x + 1);
       },
       "don't give its root"},
      {"values out of range", [](SliceTask& t, Model& m) { t.inputs[0].values = changed_values(m, t.inputs[0].chunk, 1000); },
       "out of its range"},
      {"too few values", [](SliceTask& t, Model& m) { t.inputs[0].values = value(m.blobs().put(Bytes(8))); }, "are not"},
      {"too many values", [](SliceTask& t, Model& m) { t.inputs[0].values = value(m.blobs().put(Bytes(400))); }, "",
       ErrorKind::resource},
      {"another seed", [](SliceTask& t, Model&) { t.inputs[1].seed = Digest{4}; }, "don't give its root"},
      {"another root", [](SliceTask& t, Model&) { t.live[1].root[0] ^= 1; }, "don't give its root"},
      {"hidden input without seed", [](SliceTask& t, Model&) { t.inputs[1].seed.reset(); }, "not the slice's"},
      {"public output with a seed", [](SliceTask& t, Model&) { t.outputs[0].seed = Digest{}; }, "not the slice's"},
      {"an input less", [](SliceTask& t, Model&) { t.inputs.pop_back(); }, "another number"},
      {"another output", [](SliceTask& t, Model&) { t.outputs[0].chunk = 9; }, "not the slice's"},
      {"no opening", [](SliceTask& t, Model&) { t.opening.reset(); }, "opens the weights"},
      {"another tree", [](SliceTask& t, Model&) { t.opening->root[0] ^= 1; }, "tree"},
      {"another tree's seed", [](SliceTask& t, Model&) { t.opening->seed[0] ^= 1; }, "tree"},
      {"a bad task", [](SliceTask& t, Model&) { t.ended = {77}; }, "ends, but does not live"}};
  LocalComputer computer(kNative);
  ASSERT_TRUE(computer.compute(skip().task(2, true), skip().blobs()));
  for (const Refusal& r : refusals) {
    SliceTask task = skip().task(2, true);
    r.change(task, skip());
    const auto done = computer.compute(task, skip().blobs());
    ASSERT_FALSE(done) << r.name;
    EXPECT_EQ(done.error().kind, r.kind) << r.name << ": " << done.error().text();
    EXPECT_NE(done.error().text().find(r.reason), std::string::npos) << r.name << ": " << done.error().text();
  }
  // Weights that the key shows need no blob and no opening.
  SliceTask task = shown().task(2, true);
  task.weights = Digest{1};
  EXPECT_FALSE(computer.compute(task, shown().blobs()));
  task.opening = WeightOpening{};
  EXPECT_FALSE(computer.compute(task, shown().blobs()));
}

TEST(LocalComputer, PublicValuesHaveTheirRoot) {
  SliceTask task = skip().task(0);  // x is public
  ASSERT_FALSE(task.inputs[0].seed);
  LocalComputer computer(kNative);
  ASSERT_TRUE(computer.compute(task, skip().blobs()));
  task.live[0].root = Digest{};
  EXPECT_FALSE(computer.compute(task, skip().blobs()));
}

TEST(LocalComputer, KeepsPackagesAndWeightsWithinItsBytes) {
  Model model(proof::testing::skip_model());
  const SliceTask first = model.task(0), second = model.task(1);
  const auto size = [&](const Digest& blob) { return value(model.blobs().get(blob, 1U << 24)).size(); };
  const std::uint64_t bytes = size(first.package) + size(first.weights);
  LocalComputer none(kNative, bytes - 1), one(kNative, bytes);
  for (LocalComputer* c : {&none, &one}) value(c->compute(first, model.blobs()));
  EXPECT_EQ(none.slices().cached_bytes(), 0U);
  EXPECT_EQ(one.slices().cached_bytes(), bytes);
  value(model.blobs().remove(first.package));
  EXPECT_FALSE(none.compute(first, model.blobs()));
  EXPECT_TRUE(one.compute(first, model.blobs()));
  SliceTask other = first;
  other.slice_key[0] ^= 1;
  EXPECT_FALSE(one.compute(other, model.blobs())) << "what is kept is compared, too";
}

TEST(Liar, LiesByOneQuantumAndCommitsToIt) {
  LocalComputer honest(kNative);
  Liar liar(honest, 1, Digest{3}), same(honest, 1, Digest{3}), never(honest, 0, Digest{3});
  for (std::uint32_t s = 0; s < 3; ++s) {
    const SliceTask task = skip().task(s);
    const Computed truth = value(honest.compute(task, skip().blobs())), lie = value(liar.compute(task, skip().blobs()));
    const proof::Chunk& chunk = skip().m.key.chunks[lie.outputs[0].chunk];
    const auto before = value(decode_values(truth.outputs[0].values, truth.outputs[0].values.size() / 4));
    const auto after = value(decode_values(lie.outputs[0].values, before.size()));
    std::size_t changed = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      changed += before[i] != after[i] ? 1 : 0;
      EXPECT_LE(std::abs(before[i] - after[i]), 1);
      EXPECT_TRUE(after[i] >= chunk.lo && after[i] <= chunk.hi);
    }
    EXPECT_EQ(changed, 1U);
    EXPECT_NE(lie.outputs[0].root, truth.outputs[0].root);
    EXPECT_EQ(lie.outputs[0].root, value(boundary_root(skip().m.key.slices[s], chunk, after, task.outputs[0].seed)));
    EXPECT_EQ(value(same.compute(task, skip().blobs())).outputs[0].values, lie.outputs[0].values);
    EXPECT_EQ(value(never.compute(task, skip().blobs())).outputs[0].values, truth.outputs[0].values);
    EXPECT_EQ(value(liar.compute(skip().task(s, true), skip().blobs())).outputs[0].values, truth.outputs[0].values);
  }
}

TEST(Liar, LiesAsOftenAsItIsTold) {
  LocalComputer honest(kNative);
  const Liar liar(honest, 0.25, Digest{3});
  int lies = 0;
  for (std::uint32_t n = 0; n < 4000; ++n) lies += liar.lies(proof::testing::test_seed(n)) ? 1 : 0;
  EXPECT_NEAR(lies, 1000, 110);  // four standard deviations
}

}  // namespace
}  // namespace dsperse::work
