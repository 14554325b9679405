// Plan -> compiled model -> run -> proofs -> certificate -> verdict on a small network, with everything that may go wrong
// between.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dsperse/backend/native/native.h"
#include "dsperse/base/parallel.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/record/testing/builder.h"

namespace dsperse::pipeline {
namespace {

const Bytes kNonce{1};

class Pipeline : public ::testing::Test {
 protected:
  store::OpeningStore state(const std::string& name = "state") {
    auto s = store::OpeningStore::open(dir / name);
    EXPECT_TRUE(s) << s.error().text();
    return std::move(*s);
  }
  void compile(const CompileOptions& options = {}, const store::PlanFile& plan = testing::small_plan()) {
    auto openings = state();
    const auto model = compile_step(plan, options, native, openings, dir / "m.dsm", dir / "m.dsk", {});
    ASSERT_TRUE(model) << model.error().text();
    key = *store::read_key(dir / "m.dsk");
  }
  Result<RunStep> run(const std::string& name = "r", const std::string& input = "[1, -2, 0.5, 3, -1.25, 2]") {
    EXPECT_TRUE(store::write_file(dir / "x.json", input, store::Access::shared));
    const auto tensors = store::read_tensors(dir / "x.json");
    return run_step(dir / "m.dsm", *tensors, kNonce, dir / name, {});
  }
  Result<ProveStep> prove(const std::string& name = "r", const std::optional<trust::Policy>& policy = {},
                          const Observer& observer = {}, ProveOptions options = {}) {
    auto openings = state();
    return prove_step(dir / name, "", policy, native, openings, std::move(options), observer);
  }
  Result<VerifyReport> verify(const std::string& name = "r", VerifyRequest request = {}, std::vector<std::string> inputs = {}) {
    if (inputs.empty()) inputs = {dir / "x.json"};
    return verify_step(key, {dir / (name + "/certificate.dscert"), dir / (name + "/output.json"), inputs}, std::move(request));
  }
  void whole() {
    compile();
    ASSERT_TRUE(run());
    const auto p = prove();
    ASSERT_TRUE(p) << p.error().text();
  }
  Bytes bytes(const std::string& name) { return *store::read_file(dir / name, 1U << 30); }
  void write(const std::string& name, const Bytes& b) { ASSERT_TRUE(store::write_file(dir / name, b, store::Access::shared)); }
  proof::Certificate certificate(const std::string& name = "r") {
    return *proof::decode_certificate(key, bytes(name + "/certificate.dscert"));
  }
  /// Verdict of the run with its certificate replaced.
  Result<VerifyReport> verify_with(const proof::Certificate& c) {
    write("r/certificate.dscert", proof::encode_certificate(c));
    return verify();
  }

  store::testing::TemporaryFolder dir;
  backend::Native native;
  proof::ModelKey key;
};

// A slice whose proof is missing, and a record that answers for it: verify says by what it is held.
TEST_F(Pipeline, ARecordAnswersForSlicesWithoutProof) {
  whole();
  proof::Certificate c = certificate();
  c.slices.erase(c.slices.begin() + 1);
  VerifyRequest request;
  request.policy = trust::Policy{{.proof = true}, {{{{1, 1}}, "", "", *trust::parse_treatment("replicate(2)")}}};
  const trust::Ed25519Check signatures;
  request.signatures = &signatures;
  write("r/certificate.dscert", proof::encode_certificate(c));
  auto report = verify("r", request);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->verdict.verdict.reason, "held by less than the policy wants");
  trust::testing::RecordBuilder b(record_facts(key, c, {0, 2}), *wanted_treatments(key, *request.policy));
  c.record = trust::encode_record(b.build());
  write("r/certificate.dscert", proof::encode_certificate(c));
  report = verify("r", request);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason << report->verdict.verdict.where;
  EXPECT_EQ(report->verdict.coverage.slices_proved, 2U);
  EXPECT_EQ(report->holding.weakest, 1U);
  EXPECT_EQ(report->notes.size(), 4U) << "model, freshness, coordinator, labels";
  request.policy->rules[0].treatment = {};
  EXPECT_TRUE(verify("r", request)->verdict.verdict) << "more than was asked for";
  EXPECT_FALSE(verify("r", {})->verdict.verdict) << "everything was to be proved";
  c.record.back() ^= 1;
  write("r/certificate.dscert", proof::encode_certificate(c));
  EXPECT_FALSE(verify("r", request));
}

TEST_F(Pipeline, TheWholeRoadIsAccepted) {
  whole();
  VerifyRequest request;
  request.nonce = kNonce;
  request.model_id = key.id();
  const auto report = verify("r", request);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason << report->verdict.verdict.where;
  EXPECT_EQ(report->verdict.coverage.slices_proved, 3U);
  EXPECT_EQ(report->verdict.coverage.macs_cone, 6U * 8 + 8 * 5 + 5 * 3);
  EXPECT_TRUE(report->notes.empty());
  EXPECT_EQ(verify()->notes.size(), 2U);
}

TEST_F(Pipeline, AnotherNonceModelInputOrOutputIsRejected) {
  whole();
  VerifyRequest request;
  request.nonce = Bytes{2};
  EXPECT_FALSE(verify("r", request)->verdict.verdict);
  request = {};
  request.model_id = Digest{1};
  EXPECT_FALSE(verify("r", request)->verdict.verdict);
  EXPECT_TRUE(store::write_file(dir / "other.json", std::string("[1, -2, 0.5, 3, -1.25, 2.01]"), store::Access::shared));
  EXPECT_FALSE(verify("r", {}, {dir / "other.json"})->verdict.verdict);
  Bytes output = bytes("r/output.json");
  std::string text(output.begin(), output.end());
  const auto at = text.find_first_of("0123456789", text.find("integers"));
  text[at] = text[at] == '9' ? '8' : static_cast<char>(text[at] + 1);
  write("r/output.json", Bytes(text.begin(), text.end()));
  const auto report = verify();
  EXPECT_TRUE(!report || !report->verdict.verdict);
}

TEST_F(Pipeline, AClampedInputIsSaid) {
  compile();
  ASSERT_TRUE(run("r", "[1, -2, 1e9, 3, -1e9, 2]"));
  ASSERT_TRUE(prove());
  VerifyRequest request;
  request.nonce = kNonce;
  request.model_id = key.id();
  const auto report = verify("r", request);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->verdict.verdict);
  ASSERT_EQ(report->notes.size(), 1U);
  EXPECT_TRUE(report->notes[0].starts_with("2 element(s)")) << report->notes[0];
}

TEST_F(Pipeline, TheQuestionIsWrittenForOtherVerifiers) {
  whole();
  VerifyRequest request;
  request.nonce = kNonce;
  request.policy = trust::Policy{};
  VerifyFiles files{dir / "r/certificate.dscert", dir / "r/output.json", {dir / "x.json"}, dir / "e.json"};
  const auto report = verify_step(key, files, request);
  ASSERT_TRUE(report && report->verdict.verdict);
  const auto asked = nlohmann::json::parse(bytes("e.json"));
  EXPECT_EQ(asked.at("nonce"), "01");
  EXPECT_TRUE(asked.at("model_id").is_null());
  EXPECT_EQ(asked.at("policy"), nlohmann::json({0, 1, 2}));
  const proof::Certificate c = certificate();
  for (const proof::Edge& e : key.edges) {
    if (!e.is_input && !e.is_output) continue;
    EXPECT_EQ(asked.at(e.is_input ? "inputs" : "outputs").at(e.name), nlohmann::json({{"values", c.table[e.chunks[0]].values}}));
  }
  request.nonce = Bytes{2};
  request.model_id = key.id();
  request.policy.reset();
  ASSERT_TRUE(verify_step(key, files, request));  // written whatever the verdict
  const auto other = nlohmann::json::parse(bytes("e.json"));
  EXPECT_EQ(other.at("nonce"), "02");
  EXPECT_EQ(other.at("model_id"), to_hex(key.id()));
  EXPECT_TRUE(other.at("policy").is_null());
}

TEST_F(Pipeline, EveryCertificateRuleIsKept) {
  whole();
  const proof::Certificate good = certificate();
  proof::Certificate c = good;
  c.slices.erase(c.slices.begin() + 1);
  EXPECT_EQ(verify_with(c)->verdict.verdict.where, "slice 1");
  c = good;
  std::swap(c.slices[0].proof, c.slices[1].proof);
  EXPECT_FALSE(verify_with(c)->verdict.verdict);
  std::swap(c.slices[0], c.slices[1]);
  EXPECT_FALSE(verify_with(c)->verdict.verdict);
  ASSERT_TRUE(run("other", "[3, 3, 3, 3, 3, 3]"));
  ASSERT_TRUE(prove("other"));
  c = good;
  c.table[1] = certificate("other").table[1];  // another run's boundary
  EXPECT_TRUE(c.table[1].root.has_value());
  EXPECT_FALSE(verify_with(c)->verdict.verdict);
  EXPECT_FALSE(verify_with(certificate("other"))->verdict.verdict);
  ASSERT_TRUE(store::write_file(dir / "x.json", std::string("[1, -2, 0.5, 3, -1.25, 2]"), store::Access::shared));
  EXPECT_TRUE(verify_with(good)->verdict.verdict);
}

TEST_F(Pipeline, AnyChangedByteOfCertificateOrKeyIsNoticed) {
  whole();
  for (const std::string file : {"r/certificate.dscert", "m.dsk"}) {
    const Bytes good = bytes(file);
    for (std::size_t i = 0; i < good.size(); i += 1 + good.size() / 97) {
      Bytes bad = good;
      bad[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
      write(file, bad);
      const auto changed = store::read_key(dir / "m.dsk");
      if (!changed) continue;
      key = *changed;
      const auto report = verify();
      EXPECT_TRUE(!report || !report->verdict.verdict) << file << " byte " << i;
      if (report) {
        EXPECT_FALSE(report->verdict.verdict.reason.empty());
      }
    }
    write(file, good);
    key = *store::read_key(dir / "m.dsk");
  }
}

TEST_F(Pipeline, TrustedSlicesNeedAPolicyThatSaysSo) {
  compile();
  ASSERT_TRUE(run());
  const auto trust = trust::parse_policy("trust");
  ASSERT_TRUE(trust);
  ASSERT_TRUE(prove("r", *trust));
  EXPECT_FALSE(verify()->verdict.verdict);
  VerifyRequest request;
  request.policy = *trust;
  EXPECT_TRUE(verify("r", request)->verdict.verdict);
  trust::Policy one = *trust;
  one.rules.push_back({{{1, 1}}, "", "", {.proof = true}});
  ASSERT_TRUE(prove("r", one));
  request.policy = one;
  const auto report = verify("r", request);
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason;
  EXPECT_EQ(report->verdict.coverage.macs_proved, 40U);
  EXPECT_EQ(report->verdict.coverage.macs_cone, 0U) << "its ancestor is trusted";
}

TEST_F(Pipeline, TreatmentsComeFromTheKeyAndThePlan) {
  auto plan = testing::small_plan();
  plan.treatments[1] = trust::parse_treatment("replicate(2)+audit(0.05)").value();
  compile({}, plan);
  EXPECT_EQ(store::ModelFolder::open(dir / "m.dsm")->model().treatments, plan.treatments);
  EXPECT_EQ(wanted_treatments(key, trust::parse_policy("audit(0.5)").value()).value(),
            std::vector<trust::Treatment>(3, {.audit = trust::Audit{.p = 0.5}}));
  ASSERT_TRUE(run());
  const auto step = prove();  // as the plan says: all but slice 1
  ASSERT_TRUE(step);
  EXPECT_EQ(step->summary.slices.size(), 2U);
  VerifyRequest request;
  request.policy = trust::parse_policy("[[rule]]\nslices = \"1\"\nmode = \"replicate(2)\"").value();
  EXPECT_EQ(wanted_slices(key, *request.policy).value(), (std::set<std::uint32_t>{0, 2}));
  EXPECT_EQ(verify("r", request)->verdict.verdict.where, "slice 1: wanted replicate(2), found trust") << "there is no record";
  request.policy->rules[0].treatment = {};
  EXPECT_TRUE(verify("r", request)->verdict.verdict);
  EXPECT_FALSE(verify()->verdict.verdict);
  request.policy = trust::parse_policy("[[rule]]\nslices = \"3\"\nmode = \"replicate(2)\"").value();
  EXPECT_FALSE(verify("r", request));
}

TEST_F(Pipeline, KilledAtEveryPublicationItGoesOnAndReusesNoOpening) {
  set_threads(1);  // the pool's threads do not survive a fork
  compile();
  ASSERT_TRUE(run());
  // Killed at its first, then twice at its second publication: each child finishes what the one before lost.
  for (int publications : {1, 2, 2}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)prove("r", {}, [&](const Event& e) {
        if (e.kind == Event::Kind::claimed && --publications == 0) ::kill(::getpid(), SIGKILL);
      });
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
  }
  const auto step = prove();
  ASSERT_TRUE(step) << step.error().text();
  int kept = 0;
  for (const SliceOutcome& s : step->summary.slices) kept += s.kept ? 1 : 0;
  EXPECT_EQ(kept, 2);
  for (const proof::SliceProof& s : certificate().slices)
    EXPECT_EQ(s.opening, 2U) << "opening 1 was used up by the killed process";
  EXPECT_TRUE(verify()->verdict.verdict);
  set_threads(2);
}

TEST_F(Pipeline, ADamagedProofIsProvedAgain) {
  whole();
  Bytes proof = bytes("r/proofs/1.bin");
  proof[proof.size() / 2] ^= 1;
  write("r/proofs/1.bin", proof);
  const auto step = prove();
  ASSERT_TRUE(step);
  EXPECT_TRUE(step->summary.slices[0].kept);
  EXPECT_FALSE(step->summary.slices[1].kept);
  EXPECT_TRUE(verify()->verdict.verdict);
}

/// What a user remembers of links saves their proofs, and no rule.
TEST_F(Pipeline, RememberedLinksAreNotVerifiedAgain) {
  compile();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(run("r" + std::to_string(i)));
    ASSERT_TRUE(prove("r" + std::to_string(i)));
  }
  const auto first = verify("r3");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->verdict.verdict) << first->verdict.verdict.reason;
  EXPECT_EQ(first->verdict.checked_links.size(), 3U);
  VerifyRequest request;
  request.known.insert(first->verdict.checked_links.begin(), first->verdict.checked_links.end());
  request.known.insert(first->verdict.checked_ranges.begin(), first->verdict.checked_ranges.end());
  const auto again = verify("r3", request);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->verdict.verdict) << again->verdict.verdict.reason;
  EXPECT_TRUE(again->verdict.checked_links.empty());
  EXPECT_TRUE(again->verdict.checked_ranges.empty());
}

/// Each proof of a slice shows t columns of the tensors that it touches. Lost or damaged proofs could be had again without end,
/// and with enough columns a tensor is known.
TEST_F(Pipeline, InnerTensorsAreOpenedWithinTheirBudget) {
  whole();
  int proofs = 1;
  for (; proofs < 10; ++proofs) {
    for (const char* name : {"r/proofs/0.bin", "r/proofs/1.bin", "r/proofs/2.bin"})
      ASSERT_TRUE(std::filesystem::remove(dir / name));
    const auto again = prove();
    if (again) continue;
    EXPECT_EQ(again.error().kind, ErrorKind::resource);
    EXPECT_NE(again.error().text().find("run the model again"), std::string::npos) << again.error().text();
    break;
  }
  EXPECT_EQ(proofs, 3) << "two slices touch each inner tensor, and it has six openings";
  ASSERT_TRUE(run("again"));
  EXPECT_TRUE(prove("again"));
  EXPECT_TRUE(verify("again")->verdict.verdict);
}

TEST_F(Pipeline, NewEpochsAreLinkedAndAccepted) {
  compile();
  std::size_t most_links = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string name = "r" + std::to_string(i);
    ASSERT_TRUE(run(name));
    const auto step = prove(name);
    ASSERT_TRUE(step) << step.error().text();
    most_links = std::max(most_links, certificate(name).slices[0].links.size());
    const auto report = verify(name);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->verdict.verdict) << i << ": " << report->verdict.verdict.reason;
  }
  EXPECT_EQ(most_links, 2U) << "three proofs of the origin, three of the first epoch, then epochs of the epoch";
}

TEST_F(Pipeline, ACopiedModelHasNoOpenings) {
  compile();
  ASSERT_TRUE(run());
  auto elsewhere = state("elsewhere");
  const auto step = prove_step(dir / "r", "", std::nullopt, native, elsewhere, {}, {});
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, ErrorKind::resource);
  EXPECT_FALSE(store::exists(dir / "r/proofs/0.bin"));
}

TEST_F(Pipeline, MemoryIsCheckedBeforeWorkStarts) {
  store::PlanFile plan = testing::small_plan();
  compile({}, plan);
  ASSERT_TRUE(run());
  ProveOptions options;
  options.memory_bytes = 1;
  options.workers = 3;
  const auto step = prove("r", {}, {}, options);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, ErrorKind::resource);
  EXPECT_NE(step.error().where.find("slice"), std::string::npos);
}

TEST_F(Pipeline, SeveralSlicesAtATime) {
  compile();
  ASSERT_TRUE(run());
  ProveOptions options;
  options.workers = 3;
  ASSERT_TRUE(prove("r", {}, {}, options));
  EXPECT_TRUE(verify()->verdict.verdict);
}

TEST_F(Pipeline, PrivateInputsAreCommitted) {
  CompileOptions options;
  options.private_input = true;
  compile(options);
  const auto step = run();
  ASSERT_TRUE(step);
  ASSERT_TRUE(prove());
  const std::string root = to_hex(step->run.input_roots.at("x").at(0));
  const auto report = verify("r", {}, {"commit:" + root});
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_TRUE(report->verdict.verdict) << report->verdict.verdict.reason;
  EXPECT_FALSE(verify("r", {}, {"commit:" + std::string(64, '0')})->verdict.verdict);
  EXPECT_FALSE(verify()->verdict.verdict) << "an open input where the key has a commitment";
  const Bytes text = bytes("r/certificate.dscert");
  EXPECT_TRUE(certificate().table[0].values.empty());
}

TEST_F(Pipeline, A128BitKey) {
  CompileOptions options;
  options.profile = proof::Profile::bits128;
  compile(options);
  ASSERT_TRUE(run());
  ASSERT_TRUE(prove());
  EXPECT_TRUE(verify()->verdict.verdict);
}

TEST_F(Pipeline, ADamagedBoundaryStopsTheProof) {
  compile();
  ASSERT_TRUE(run());
  Bytes boundary = bytes("r/boundaries/1.bin");
  boundary[20] ^= 1;  // its root
  write("r/boundaries/1.bin", boundary);
  const auto step = prove();
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().kind, ErrorKind::bad_input);
}

TEST_F(Pipeline, AnUnprovableSliceStopsTheCompilation) {
  store::PlanFile plan = testing::small_plan();
  std::get<quantize::Gemm>(plan.model.program.ops[1].body).requant.clamp_bits = 18;
  plan.model.program.tensors[2].lo = -65535, plan.model.program.tensors[2].hi = 65535;
  auto& activation = std::get<quantize::Gemm>(plan.model.program.ops[1].body).requant.activation;
  activation.lo = -65535, activation.hi = 65535;
  ASSERT_TRUE(quantize::check_program(plan.model.program));
  auto openings = state();
  class Unwilling final : public backend::Backend {
   public:
    [[nodiscard]] backend::Capabilities capabilities() const override { return {}; }
    [[nodiscard]] std::optional<std::string> unsupported(const quantize::Program& p) const override {
      return p.tensors.back().hi == 65535 ? std::optional<std::string>("op1: too wide") : std::nullopt;
    }
    [[nodiscard]] Result<backend::Artefacts> setup(const proof::SecurityParams&, const proof::SliceSpec&, const proof::Geometry&,
                                                   const quantize::WeightStore&, const Digest&) const override {
      return fail(ErrorKind::internal, "must not be reached");
    }
    [[nodiscard]] Result<Bytes> prove(const backend::ProveRequest&, proof::ProveStats*) const override { return Bytes{}; }
    [[nodiscard]] Verdict verify(const proof::SliceKey&, const proof::Statement&, ByteView) const override {
      return Verdict::reject("no");
    }
  };
  const auto model = compile_step(plan, {}, Unwilling(), openings, dir / "m.dsm", dir / "m.dsk", {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::unsupported);
  EXPECT_EQ(model.error().where, "slice 1");
  EXPECT_FALSE(store::exists(dir / "m.dsm")) << "nothing is written";
}

}  // namespace
}  // namespace dsperse::pipeline
