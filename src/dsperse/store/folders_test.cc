// Plans, compiled models and runs through their folders; damaged ones are errors.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "dsperse/quantize/testing/programs.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/plan_folder.h"
#include "dsperse/store/run_folder.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::store {
namespace {

namespace qt = quantize::testing;

PlanFile small_plan() {
  qt::Builder b;
  const auto x = b.input({1, 6});
  const auto h = b.gemm(x, 6, 5, qt::simple_requant(8, quantize::Function::relu));
  b.gemm(h, 5, 3, qt::simple_requant(8));
  PlanFile plan;
  plan.name = "small";
  plan.calibration = "none";
  plan.model.program = b.done();
  qt::Rng rng(7);
  plan.model.weights = qt::random_weights(plan.model.program, rng);
  plan.model.inputs = {{"x", {1, 6}, {0, 1}, {0.5F}, {}}};
  plan.model.outputs = {{"y", {1, 3}, {0, 1}, {}, {}}};
  plan.model.fidelity.outputs = {{"y", 0.5, 0.25, 0.99, 1}};
  plan.labels = {"a", "b", "c"};
  plan.cuts = {0};
  plan.treatments = {{}, {.proof = true}};
  plan.policy = "default = \"trust\"\n";
  plan.predicted.resize(2);
  plan.predicted[1].prove_seconds = 1.5;
  return plan;
}

void replace(const std::string& path, const std::string& from, const std::string& to) {
  const Bytes bytes = *read_file(path, 1 << 20);
  std::string text(bytes.begin(), bytes.end());
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, from.size(), to);
  std::ofstream(path, std::ios::binary) << text;
}

TEST(PlanFolder, RoundTrip) {
  const testing::TemporaryFolder dir;
  const PlanFile plan = small_plan();
  ASSERT_TRUE(write_plan(dir / "small.plan", plan));
  const auto back = read_plan(dir / "small.plan");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->model.program, plan.model.program);
  EXPECT_EQ(encode_program_file(*back), encode_program_file(plan));
  EXPECT_EQ(back->cuts, plan.cuts);
  EXPECT_EQ(back->treatments, plan.treatments);
  EXPECT_EQ(back->policy, plan.policy);
  EXPECT_EQ(back->labels, plan.labels);
  EXPECT_EQ(back->predicted[1].prove_seconds, 1.5);
  EXPECT_EQ(back->model.fidelity.outputs.at(0).cosine, 0.99);
  struct stat info{};
  ASSERT_EQ(::stat((dir / "small.plan/program.bin").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U) << "weights are secret";
}

TEST(PlanFolder, OpenedPlansReadTheirWeightsOneByOne) {
  const testing::TemporaryFolder dir;
  PlanFile plan = small_plan();
  plan.optimize = slice::Optimize::verify;
  plan.process_bytes = 5;
  plan.unsliced.emplace().prove_seconds = 2.5;
  plan.predicted[1].codewords = slice::Codewords::recomputed;
  ASSERT_TRUE(write_plan(dir / "p", plan));
  const auto open = open_plan(dir / "p");
  ASSERT_TRUE(open) << open.error().text();
  EXPECT_TRUE(open->model.weights.empty());
  EXPECT_EQ(open->model.program, plan.model.program);
  EXPECT_EQ(open->labels, plan.labels);
  EXPECT_EQ(open->cuts, plan.cuts);
  EXPECT_EQ(open->optimize, slice::Optimize::verify);
  EXPECT_EQ(open->process_bytes, 5U);
  EXPECT_EQ(open->unsliced->prove_seconds, 2.5);
  EXPECT_EQ(open->predicted[1].codewords, slice::Codewords::recomputed);
  const std::vector<quantize::WeightId> ids{3, 0, 1};
  const auto some = open->weights_of(ids), same = plan.weights_of(ids);
  ASSERT_TRUE(some && same);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ((*some)[i].narrow, plan.model.weights[ids[i]].narrow);
    EXPECT_EQ((*some)[i].wide, plan.model.weights[ids[i]].wide);
    EXPECT_EQ((*same)[i].narrow, plan.model.weights[ids[i]].narrow);
  }
  Bytes program = *read_file(dir / "p/program.bin", 1 << 20);
  for (std::size_t i = 0; i < program.size(); i += 13) {
    program[i] ^= 0x40;
    std::ofstream(dir / "p/program.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(program.data()), static_cast<std::streamsize>(program.size()));
    EXPECT_FALSE(open_plan(dir / "p")) << "byte " << i;
    program[i] ^= 0x40;
  }
  for (std::size_t n = 0; n < program.size(); n += 7) {
    std::ofstream(dir / "p/program.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(program.data()), static_cast<std::streamsize>(n));
    EXPECT_FALSE(open_plan(dir / "p"));
  }
}

TEST(PlanFolder, CutsAndTreatmentsMayBeEditedButMustFit) {
  const testing::TemporaryFolder dir;
  ASSERT_TRUE(write_plan(dir / "p", small_plan()));
  const std::string json = dir / "p/plan.json";
  replace(json, "\"mode\": \"trust\"", "\"mode\": \"proof\"");
  EXPECT_TRUE(read_plan(dir / "p")->treatments[0].proof);
  replace(json, "\"mode\": \"proof\"", "\"mode\": \"maybe\"");
  EXPECT_NE(read_plan(dir / "p").error().text().find("maybe"), std::string::npos);
  EXPECT_EQ(read_plan(dir / "p").error().kind, ErrorKind::bad_input);
  ASSERT_TRUE(write_plan(dir / "p", small_plan()));
  replace(json, "\"mode\": \"trust\"", "\"mode\": \"audit( 5e-2 )+replicate(3)\"");
  EXPECT_EQ(trust::to_text(read_plan(dir / "p")->treatments[0]), "replicate(3)+audit(0.05)");
  EXPECT_TRUE(read_plan(dir / "p")->treatments[1].proof);
  ASSERT_TRUE(write_plan(dir / "p", small_plan()));
  replace(json, "\"cuts\": [\n    0\n  ]", "\"cuts\": [\n    1\n  ]");
  EXPECT_FALSE(read_plan(dir / "p"));
  ASSERT_TRUE(write_plan(dir / "p", small_plan()));
  replace(json, "\"cuts\": [\n    0\n  ]", "\"cuts\": \"zero\"");
  EXPECT_EQ(read_plan(dir / "p").error().kind, ErrorKind::bad_input);
}

TEST(PlanFolder, EveryChangedByteOfTheProgramIsNoticed) {
  const testing::TemporaryFolder dir;
  ASSERT_TRUE(write_plan(dir / "p", small_plan()));
  Bytes program = *read_file(dir / "p/program.bin", 1 << 20);
  for (std::size_t i = 0; i < program.size(); i += 13) {
    program[i] ^= 0x40;
    std::ofstream(dir / "p/program.bin", std::ios::binary)
        .write(reinterpret_cast<const char*>(program.data()), static_cast<std::streamsize>(program.size()));
    EXPECT_FALSE(read_plan(dir / "p")) << "byte " << i;
    program[i] ^= 0x40;
  }
  for (std::size_t n = 0; n < program.size(); n += 7) {
    PlanFile out;
    EXPECT_FALSE(decode_program_file(ByteView(program).first(n), out));
  }
}

proof::SliceProof some_proof(std::uint32_t slice) {
  proof::SliceProof p;
  p.slice = slice;
  p.weights = Digest{1};
  p.opening = 3;
  p.links = {{Digest{2}, Digest{1}, 4, 0, Bytes{9, 9}}};
  p.proof = Bytes{1, 2, 3};
  return p;
}

TEST(RunFolder, BoundariesAndProofsComeBack) {
  const testing::TemporaryFolder dir;
  const RunInfo info{Digest{5}, Digest{6}, Bytes{1}, "/m.dsm"};
  {
    auto run = RunFolder::create(dir / "r");
    ASSERT_TRUE(run) << run.error().text();
    EXPECT_FALSE(RunFolder::create(dir / "r")) << "one process, one holder at a time";
    ASSERT_TRUE(run->put_boundary(0, {{1, -2, 3}, std::nullopt, {}}));
    ASSERT_TRUE(run->put_boundary(1, {{-7}, Digest{8}, Digest{9}}));
  }
  EXPECT_FALSE(RunFolder::open(dir / "r")) << "unfinished";
  {
    auto run = RunFolder::create(dir / "r");
    ASSERT_TRUE(run);
    EXPECT_FALSE(run->boundary(0, {3})) << "a new run starts without the boundaries of the old one";
    ASSERT_TRUE(run->put_boundary(0, {{1, -2, 3}, std::nullopt, {}}));
    ASSERT_TRUE(run->put_boundary(1, {{-7}, Digest{8}, Digest{9}}));
    ASSERT_TRUE(run->finish(info));
  }
  EXPECT_EQ(RunFolder::create(dir / "r").error().kind, ErrorKind::usage);
  auto run = RunFolder::open(dir / "r");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->info().salt, info.salt);
  EXPECT_EQ(run->info().nonce, info.nonce);
  EXPECT_EQ(run->info().model_path, "/m.dsm");
  EXPECT_EQ(run->boundary(0, {3})->values, (quantize::IntTensor{1, -2, 3}));
  EXPECT_FALSE(run->boundary(0, {4}));
  EXPECT_EQ(run->boundary(1, {1})->root, Digest{8});
  EXPECT_EQ(run->boundary(1, {1})->seed, Digest{9});
  struct stat file{};
  ASSERT_EQ(::stat((dir / "r/boundaries/1.bin").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);

  EXPECT_FALSE(run->proof(2)->has_value());
  ASSERT_TRUE(run->put_proof(some_proof(2), {2, 0.5, 3, 1000, 10, {{"witness", 0.25}}}));
  const auto proof = run->proof(2);
  ASSERT_TRUE(proof && *proof);
  EXPECT_EQ((*proof)->links.at(0).base_opening, 4U);
  EXPECT_EQ((*proof)->proof, (Bytes{1, 2, 3}));
  const auto record = run->record(2);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->prove_s, 0.5);
  EXPECT_EQ((*record)->stages.at(0).first, "witness");
}

TEST(RunFolder, AProofOfAnotherRunOrADamagedOneDoesNotCount) {
  const Digest id{1};
  const Bytes bytes = encode_slice_proof(id, some_proof(0));
  ASSERT_TRUE(decode_slice_proof(id, bytes));
  EXPECT_FALSE(decode_slice_proof(Digest{2}, bytes));
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_slice_proof(id, ByteView(bytes).first(n)));
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_slice_proof(id, longer));
}

}  // namespace
}  // namespace dsperse::store
