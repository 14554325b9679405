#include "dsperse/pipeline/openings.h"

#include <gtest/gtest.h>

#include "dsperse/backend/native/native.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::pipeline {
namespace {

class KeyOpenings : public ::testing::Test {
 protected:
  void SetUp() override {
    here.emplace(*store::OpeningStore::open(dir / "here"));
    there.emplace(*store::OpeningStore::open(dir / "there"));
    ASSERT_TRUE(compile_step(testing::small_plan(), {}, native, *here, dir / "m.dsm", dir / "m.dsk", {}));
    key = *read_any_key(dir / "m.dsm");
    const store::FileTensor x{"", {6}, {1, 2, 3, -1, -2, -3}, false};
    ASSERT_TRUE(run_step(dir / "m.dsm", {x}, {}, dir / "r", {}));
  }
  Result<ProveStep> prove(store::OpeningStore& openings) {
    return prove_step(dir / "r", "", std::nullopt, native, openings, {}, {});
  }
  std::uint64_t left(store::OpeningStore& openings) { return *proofs_left(openings, key.slices[0]); }

  store::testing::TemporaryFolder dir;
  backend::Native native;
  std::optional<store::OpeningStore> here, there;
  proof::ModelKey key;
};

TEST_F(KeyOpenings, EachProofTakesOne) {
  const std::uint64_t before = left(*here);
  EXPECT_EQ(before, 3 + 12 * (3 + 12 * 15));
  ASSERT_TRUE(prove(*here));
  EXPECT_EQ(left(*here), before - 1);
  EXPECT_EQ(left(*there), 0U);
}

TEST_F(KeyOpenings, AShareLetsAnotherMachineProve) {
  const std::uint64_t before = left(*here);
  ASSERT_TRUE(split_openings(*here, key, 2, dir / "share.json"));
  EXPECT_EQ(left(*here), before - 2 * (3 + 12 * 15));
  EXPECT_FALSE(prove(*there));
  EXPECT_EQ(import_openings(*there, key, dir / "share.json").value(), 2U);
  EXPECT_FALSE(import_openings(*there, key, dir / "share.json")) << "once";
  const auto step = prove(*there);
  ASSERT_TRUE(step) << step.error().text();
  const auto report =
      verify_step(key, {step->certificate_path, dir / "r/output.json", {[&] {
                          (void)store::write_file(dir / "x.json", std::string("[1, 2, 3, -1, -2, -3]"), store::Access::shared);
                          return dir / "x.json";
                        }()}},
                  {});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason;
  EXPECT_FALSE(split_openings(*here, key, 15, dir / "more.json"));
}

TEST_F(KeyOpenings, CountersOlderThanAProofAreRefused) {
  ASSERT_TRUE(prove(*here));
  // As if the counters had been set back: this installation believes that opening 1 is still to be used.
  there.emplace(*store::OpeningStore::open(dir / "back"));
  for (const proof::SliceKey& s : key.slices) ASSERT_TRUE(there->add_origin(s.digest(), *s.weight_root, 1, proof::kWeightBudget));
  const auto again = prove(*there);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::bad_input);
  EXPECT_NE(again.error().what.find("older than this proof"), std::string::npos);
  EXPECT_TRUE(prove(*here)) << "the right counters go on";
}

TEST_F(KeyOpenings, PublicWeightsNeedNone) {
  CompileOptions options;
  options.public_weights = true;
  ASSERT_TRUE(compile_step(testing::small_plan(), options, native, *here, dir / "p.dsm", dir / "p.dsk", {}));
  key = *read_any_key(dir / "p.dsk");
  EXPECT_TRUE(key.weights_public());
  ASSERT_TRUE(run_step(dir / "p.dsm", {{"", {6}, {1, 2, 3, -1, -2, -3}, false}}, {}, dir / "p", {}));
  const auto step = prove_step(dir / "p", "", std::nullopt, native, *there, {}, {});  // on any installation
  ASSERT_TRUE(step) << step.error().text();
  EXPECT_EQ(left(*here), 0U);
  const auto certificate = proof::decode_certificate(key, step->summary.certificate);
  ASSERT_TRUE(certificate);
  for (const proof::SliceProof& s : certificate->slices) EXPECT_FALSE(s.weights || s.opening != 0 || !s.links.empty());
  EXPECT_FALSE(split_openings(*here, key, 1, dir / "share.json"));
  EXPECT_FALSE(rotate_epochs(*store::ModelFolder::open(dir / "p.dsm"), *here, {}));
}

TEST_F(KeyOpenings, SharesOfAnotherModelAreRefused) {
  ASSERT_TRUE(split_openings(*here, key, 1, dir / "share.json"));
  ASSERT_TRUE(compile_step(testing::small_plan(2), {}, native, *here, dir / "n.dsm", dir / "n.dsk", {}));
  EXPECT_FALSE(import_openings(*there, *read_any_key(dir / "n.dsk"), dir / "share.json"));
  ASSERT_TRUE(store::write_file(dir / "bad.json", std::string("{\"format\": 3}"), store::Access::shared));
  EXPECT_FALSE(import_openings(*there, key, dir / "bad.json"));
}

TEST_F(KeyOpenings, RotationMakesAnEpochThatTheNextProofsUse) {
  const auto model = store::ModelFolder::open(dir / "m.dsm");
  ASSERT_TRUE(model);
  ASSERT_TRUE(rotate_epochs(*model, *here, {}));
  EXPECT_EQ(here->remaining(key.slices[0].digest())->size(), 2U);
  EXPECT_TRUE(prove(*here));
}

}  // namespace
}  // namespace dsperse::pipeline
