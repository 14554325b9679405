// A network whose conv layers are tiled in rows and whose Gemm is tiled in features, from plan to verdict.
#include "dsperse/pipeline/tiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dsperse/backend/native/native.h"
#include "dsperse/pipeline/influence.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/integer.h"
#include "dsperse/slice/cut.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::pipeline {
namespace {

using quantize::testing::simple_requant;
using ::testing::HasSubstr;

quantize::Window window(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  quantize::Window w;
  w.kernel = {kernel, kernel}, w.stride = {stride, stride}, w.pad_begin = w.pad_end = {pad, pad};
  return w;
}

/// conv 3x3 relu, conv 3x3 relu, max pool 2x2, Gemm relu, Gemm.
store::PlanFile whole_plan() {
  quantize::testing::Builder b;
  const auto x = b.input({1, 12, 6, 2});
  const auto c1 = b.conv(x, 4, window(3, 1, 1), simple_requant(10, quantize::Function::relu));
  const auto c2 = b.conv(c1, 4, window(3, 1, 1), simple_requant(10, quantize::Function::relu));
  const auto m = b.maximum(c2, window(2, 2, 0));
  const auto g = b.gemm(m, quantize::elements(b.spec(m).shape), 10, simple_requant(12, quantize::Function::relu));
  b.gemm(g, 10, 3, simple_requant(12));
  store::PlanFile plan;
  plan.name = "tiles";
  plan.calibration = "none";
  plan.model.program = b.done();
  quantize::testing::Rng rng(1);
  plan.model.weights = quantize::testing::random_weights(plan.model.program, rng);
  plan.model.inputs = {{"x", {1, 2, 12, 6}, {0, 2, 3, 1}, {}, {}}};
  plan.model.outputs = {{"y", {1, 3}, {0, 1}, {}, {}}};
  return plan;
}

/// Cut after every op.
void cut_everywhere(store::PlanFile& plan) {
  for (std::uint32_t i = 0; i + 1 < plan.model.program.ops.size(); ++i) plan.cuts.push_back(i);
  plan.treatments.assign(plan.cuts.size() + 1, {.proof = true});
  plan.predicted.resize(plan.cuts.size() + 1);
}

class Tiles : public ::testing::TestWithParam<slice::Halo> {
 protected:
  /// Two bands of rows, five parts of the first Gemm.
  store::PlanFile tiled_plan() {
    store::PlanFile plan = whole_plan();
    const auto tiled =
        slice::tile(plan.model.program, std::vector<slice::TileRequest>{{0, 1, 2}, {1, 1, 2}, {2, 1, 2}, {3, 1, 5}},
                    {slice::TileOrder::bands, GetParam()});
    EXPECT_TRUE(tiled) << tiled.error().text();
    become_tiled(plan.model, *tiled);
    cut_everywhere(plan);
    return plan;
  }
  void compile(const store::PlanFile& plan) {
    auto openings = store::OpeningStore::open(dir / "state");
    const auto model = compile_step(plan, {}, native, *openings, dir / "m.dsm", dir / "m.dsk", {});
    ASSERT_TRUE(model) << model.error().text();
    key = *store::read_key(dir / "m.dsk");
  }
  Result<RunStep> run(const std::string& name, int first) {
    std::string values = "[";
    for (int i = 0; i < 144; ++i) values += (i > 0 ? "," : "") + std::to_string((first * 31 + i * 7) % 13 - 6);
    EXPECT_TRUE(store::write_file(dir / (name + ".json"), values + "]", store::Access::shared));
    return run_step(dir / "m.dsm", *store::read_tensors(dir / (name + ".json")), {}, dir / name, {});
  }
  void prove(const std::string& name) {
    auto openings = store::OpeningStore::open(dir / "state");
    const auto proved = prove_step(dir / name, "", {}, native, *openings, {}, {});
    ASSERT_TRUE(proved) << proved.error().text();
  }
  Verdict verify(const std::string& name) {
    const auto report =
        verify_step(key, {dir / (name + "/certificate.dscert"), dir / (name + "/output.json"), {dir / (name + ".json")}}, {});
    EXPECT_TRUE(report) << report.error().text();
    return report->verdict.verdict;
  }
  proof::Certificate certificate(const std::string& name) {
    return *proof::decode_certificate(key, *store::read_file(dir / (name + "/certificate.dscert"), 1U << 30));
  }
  Verdict verify_with(const std::string& name, const proof::Certificate& c) {
    EXPECT_TRUE(store::write_file(dir / (name + "/certificate.dscert"), proof::encode_certificate(c), store::Access::shared));
    return verify(name);
  }

  store::testing::TemporaryFolder dir;
  backend::Native native;
  proof::ModelKey key;
};

TEST_P(Tiles, RunProveAndVerifyLikeTheWhole) {
  compile(tiled_plan());
  const auto step = run("a", 1);
  ASSERT_TRUE(step) << step.error().text();
  prove("a");
  const Verdict verdict = verify("a");
  EXPECT_TRUE(verdict) << verdict.reason << " " << verdict.where;
  const proof::Certificate tiled = certificate("a");
  std::vector<std::string> names;
  for (const proof::Edge& e : key.edges) names.push_back(e.name);
  EXPECT_THAT(names, ::testing::Contains(HasSubstr("t1[rows 0:")));
  EXPECT_THAT(names, ::testing::Contains("t4[features 2:4]"));

  // The untiled model says the same.
  store::PlanFile whole = whole_plan();
  cut_everywhere(whole);
  const auto y_of = [&](const proof::Certificate& c) {
    for (const proof::Edge& e : key.edges)
      if (e.is_output) return c.table[e.chunks[0]].values;
    return std::vector<std::int32_t>{};
  };
  const std::vector<std::int32_t> y = y_of(tiled);
  ASSERT_EQ(y.size(), 3U);
  compile(whole);
  ASSERT_TRUE(run("whole", 1));
  prove("whole");
  EXPECT_EQ(y_of(certificate("whole")), y);
}

// The tiles of one layer are linked like slices: a chunk of another run, or of the neighbour, is none of this one's.
TEST_P(Tiles, AnExchangedChunkIsRejected) {
  compile(tiled_plan());
  ASSERT_TRUE(run("a", 1));
  ASSERT_TRUE(run("b", 2));
  prove("a");
  prove("b");
  const proof::Certificate good = certificate("a"), other = certificate("b");
  ASSERT_TRUE(verify("a"));
  std::size_t tried = 0;
  for (std::size_t c = 0; c < good.table.size(); ++c) {
    if (!good.table[c].root) continue;
    proof::Certificate bad = good;
    bad.table[c] = other.table[c];
    EXPECT_FALSE(verify_with("a", bad)) << key.chunks[c].name;
    // Proofs of the slices that touch it, from the other run too.
    for (std::size_t s = 0; s < key.slices.size(); ++s)
      for (const proof::Port& p : key.slices[s].ports())
        if (p.chunk == c) bad.slices[s] = other.slices[s];
    EXPECT_FALSE(verify_with("a", bad)) << key.chunks[c].name;
    ++tried;
  }
  EXPECT_GE(tried, 8U);
  proof::Certificate bad = good;
  std::vector<std::size_t> rows;
  for (std::size_t c = 0; c < key.chunks.size(); ++c)
    if (key.chunks[c].name.starts_with("t2[rows")) rows.push_back(c);
  ASSERT_GE(rows.size(), 2U);
  std::swap(bad.table[rows[0]].root, bad.table[rows[1]].root);
  EXPECT_FALSE(verify_with("a", bad));
  EXPECT_TRUE(verify_with("a", good));
}

TEST_P(Tiles, PlansKeepThem) {
  const store::PlanFile plan = tiled_plan();
  ASSERT_TRUE(store::write_plan(dir / "t.plan", plan));
  const auto again = store::read_plan(dir / "t.plan");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->model.program, plan.model.program);
  EXPECT_EQ(again->cuts, plan.cuts);
  const auto sliced = slice::plan_at(plan.model.program, plan.cuts);
  ASSERT_TRUE(sliced);
  // Influence of a tile: the rest of the program is run from its chunk.
  quantize::testing::Rng rng(2);
  const std::vector<RunInputs> samples(1, quantize::testing::random_inputs(plan.model.program, rng));
  const auto influence = measure_influence(plan.model, *sliced, samples);
  ASSERT_TRUE(influence) << influence.error().text();
  EXPECT_EQ(influence->size(), sliced->slices.size());
  EXPECT_GT(*std::max_element(influence->begin(), influence->end()), 0.0);
}

INSTANTIATE_TEST_SUITE_P(Halos, Tiles, ::testing::Values(slice::Halo::recompute, slice::Halo::exchange));

}  // namespace
}  // namespace dsperse::pipeline
