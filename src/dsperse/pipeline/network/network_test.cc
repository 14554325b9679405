// A small model over workers in this process: embedded engine, real slices, real proofs, files at the end.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "dsperse/backend/native/native.h"
#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/pipeline/network/local_network.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/pipeline/testing/small_model.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/verdict/slice_evidence.h"
#include "dsperse/work/compute/compute.h"
#include "dsperse/work/compute/liar.h"
#include "dsperse/work/worker/identity.h"
#include "dsperse/work/worker/worker.h"

namespace dsperse::pipeline {
namespace {

template <class T>
T value(Result<T> r) {
  if (!r) throw std::runtime_error(r.error().text());
  return std::move(*r);
}

const Bytes kNonce{9};

struct Hand {
  Hand(const std::string& folder, int number, const backend::Backend& backend, double lies)
      : engine(value(engine::embedded::open(engine_folder(folder)))),
        identity(value(work::open_identity(folder + "/w" + std::to_string(number)))),
        book(value(work::open_book(folder + "/w" + std::to_string(number) + "/receipts.db", identity.signer.key()))),
        honest(backend, 1U << 24),
        liar(honest, lies, Digest{1}),
        worker({*engine,
                clock,
                identity.signer,
                *book,
                liar,
                identity.secret,
                {identity.signer.key(), "operator-" + std::to_string(number), "here", "test", {}, std::uint64_t{1} << 33},
                10'000}) {
    if (auto s = worker.enroll(); !s) throw std::runtime_error(s.error().text());
  }
  std::unique_ptr<engine::Engine> engine;
  engine::embedded::SystemClock clock;
  work::Identity identity;
  std::unique_ptr<work::Book> book;
  work::LocalComputer honest;
  work::Liar liar;
  work::Worker worker;
};

class NetworkTest : public ::testing::TestWithParam<bool> {
 protected:
  NetworkTest() : openings(value(store::OpeningStore::open(dir / "state"))) {
    CompileOptions options;
    options.private_input = GetParam();
    value(compile_step(testing::small_plan(), options, native, openings, dir / "m.dsm", dir / "m.dsk", {}));
    key = value(store::read_key(dir / "m.dsk"));
    EXPECT_TRUE(store::write_file(dir / "x.json", std::string("[1, -2, 0.5, 3, -1.25, 2]"), store::Access::shared));
  }
  /// Runs over `hands` workers, of which the last ones lie, and verifies the files.
  CollectedRun carry(const std::vector<std::string>& treatments, int hands, int liars) {
    NetworkOptions options;
    options.folder = dir / "net";
    options.key_folder = dir / "coordinator";
    const auto network = value(LocalNetwork::open(dir / "m.dsm", options, openings, native));
    EXPECT_FALSE(LocalNetwork::open(dir / "m.dsm", options, openings, native)) << "one process a folder";
    std::vector<std::unique_ptr<Hand>> crew;
    for (int i = 0; i < hands; ++i)
      crew.push_back(std::make_unique<Hand>(dir / "net", i, native, i + liars >= hands ? 1.0 : 0.0));
    NetworkRequest request;
    request.inputs = value(quantize_inputs(key_inputs(key), value(store::read_tensors(dir / "x.json")))).tensors;
    request.nonce = kNonce;
    for (const std::string& t : treatments) request.treatments.push_back(value(trust::parse_treatment(t)));
    const Digest id = value(network->submit(request));
    EXPECT_EQ(value(network->submit(request)), id) << "the same question is the same run";
    for (int i = 0; i < 2000 && !network->coordinator().active().empty(); ++i) {
      const Status s = network->coordinator().step();
      EXPECT_TRUE(s) << s.error().text();
      for (auto& hand : crew) value(hand->worker.step());
    }
    const work::RunView view = value(network->coordinator().view(id));
    EXPECT_EQ(view.phase, work::RunPhase::finished) << view.waits_for << view.failure;
    keeper = network->keeper();
    if (before_collect) before_collect(*network, id, request);
    CollectedRun first = value(network->collect(id, dir / "r"));
    // Whoever was stopped before telling of it finds it again.
    const CollectedRun again = value(network->collect(id, dir / "r"));
    EXPECT_EQ(again.run.run_id, first.run.run_id);
    EXPECT_EQ(again.run.outputs, first.run.outputs);
    EXPECT_EQ(again.run.input_roots, first.run.input_roots);
    EXPECT_EQ(again.certificate_path, first.certificate_path);
    EXPECT_EQ(again.verdict_paths, first.verdict_paths);
    return first;
  }
  VerifyReport verify(const CollectedRun& run, const std::string& policy) {
    VerifyRequest request;
    request.policy = value(trust::parse_policy(policy));
    request.nonce = kNonce;
    request.model_id = key.id();
    request.signatures = &check;
    request.record.keeper = keeper;
    std::string input = dir / "x.json";
    if (GetParam()) input = "commit:" + to_hex(run.run.input_roots.at("x").at(0));
    return value(verify_step(key, {run.certificate_path, dir / "r/output.json", {input}}, std::move(request)));
  }
  /// What the model says without any network.
  EdgeTensors reference() {
    const auto tensors = value(store::read_tensors(dir / "x.json"));
    return value(run_step(dir / "m.dsm", tensors, kNonce, dir / "alone", {})).run.outputs;
  }

  store::testing::TemporaryFolder dir;
  std::function<void(LocalNetwork&, const Digest&, const NetworkRequest&)> before_collect;
  backend::Native native;
  store::OpeningStore openings;
  proof::ModelKey key;
  trust::Ed25519Check check;
  trust::PublicKey keeper{};
};

TEST_P(NetworkTest, ReplicasProofAndTrustInOneCertificate) {
  const CollectedRun run = carry({"replicate(2)", "proof", "trust"}, 3, 0);
  EXPECT_EQ(run.run.outputs, reference());
  EXPECT_TRUE(run.verdict_paths.empty());
  const std::string policy =
      "default = \"trust\"\n[[rule]]\nslices = \"0\"\nmode = \"replicate(2)\"\n[[rule]]\nslices = \"1\"\nmode = \"proof\"\n";
  VerifyReport report = verify(run, policy);
  EXPECT_TRUE(report.verdict.verdict) << report.verdict.verdict.reason << report.verdict.verdict.where;
  EXPECT_EQ(report.holding.weakest, 2U);
  report = verify(run, "proof");
  EXPECT_FALSE(report.verdict.verdict);
  // More is proved later: the answers stay with the run.
  const auto proved = prove_step(dir / "r", "", value(trust::parse_policy("proof")), native, openings, {}, {});
  ASSERT_TRUE(proved) << proved.error().text();
  report = verify(run, "proof");
  EXPECT_TRUE(report.verdict.verdict) << report.verdict.verdict.reason << report.verdict.verdict.where;
}

TEST_P(NetworkTest, ALiarIsProvedWrongForAnybodyToCheck) {
  const CollectedRun run = carry({"replicate(2)", "replicate(2)", "replicate(2)"}, 3, 1);
  EXPECT_EQ(run.run.outputs, reference());
  const VerifyReport report = verify(run, "replicate(2)");
  EXPECT_TRUE(report.verdict.verdict) << report.verdict.verdict.reason << report.verdict.verdict.where;
  // Three workers, two replicas a slice: the liar may not have been asked; if it was, a file says so.
  for (const std::string& path : run.verdict_paths) {
    const auto file = trust::dispute::decode_verdict(value(store::read_file(path, std::uint64_t{1} << 30)));
    ASSERT_TRUE(file);
    const Verdict v = trust::verify_dispute_verdict(key, *file);
    EXPECT_TRUE(v) << v.reason << " " << v.where;
    trust::dispute::VerdictFile other = *file;
    other.evidence.at(0).proof.at(other.evidence[0].proof.size() / 2) ^= 1;
    EXPECT_FALSE(trust::verify_dispute_verdict(key, other));
  }
}

TEST_P(NetworkTest, TwoReplicasOfWhichOneLies) {
  const CollectedRun run = carry({"replicate(2)", "trust", "proof"}, 2, 1);
  EXPECT_EQ(run.run.outputs, reference());
  EXPECT_EQ(run.verdict_paths.size(), 1U);
}

TEST_P(NetworkTest, ARunFolderIsWholeOrUnfinished) {
  before_collect = [&](LocalNetwork& network, const Digest& id, const NetworkRequest&) {
    const work::FinishedRun finished = value(network.coordinator().finished(id));
    const auto engine = value(engine::embedded::open(engine_folder(dir / "net")));
    const Digest proof = finished.proofs.at(0).proof;
    const Bytes bytes = value(engine->blobs().get(proof, engine->blobs().limit_bytes()));
    ASSERT_TRUE(engine->blobs().remove(proof));
    const auto collected = network.collect(id, dir / "r");
    ASSERT_FALSE(collected);
    EXPECT_EQ(collected.error().kind, ErrorKind::bad_input);
    EXPECT_FALSE(store::RunFolder::open(dir / "r")) << "it would look finished, and have no certificate";
    ASSERT_TRUE(engine->blobs().put(bytes));
  };
  const CollectedRun run = carry({"trust", "proof", "trust"}, 1, 0);
  EXPECT_EQ(run.run.outputs, reference());
}

TEST_P(NetworkTest, LostBlobsOfModelAndInputsAreMended) {
  before_collect = [&](LocalNetwork& network, const Digest&, const NetworkRequest& request) {
    EXPECT_EQ(value(network.mend(request)), 0U);
    std::vector<std::pair<std::filesystem::path, Bytes>> all;
    for (const auto& at : std::filesystem::recursive_directory_iterator(engine_folder(dir / "net") + "/blobs"))
      if (at.is_regular_file()) all.emplace_back(at.path(), value(store::read_file(at.path().string(), 1U << 30)));
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::filesystem::remove(all[i].first);
      if (i % 2 == 1) {
        ASSERT_TRUE(store::write_file(all[i].first.string(), std::string("garbage"), store::Access::secret));
      }
    }
    EXPECT_EQ(value(network.mend(request)), 2 * key.slices.size() + 1) << "packages, weights, the input";
    EXPECT_EQ(value(network.mend(request)), 0U);
    for (const auto& [path, bytes] : all) {
      ASSERT_TRUE(store::write_file(path.string(), bytes, store::Access::secret));
    }
  };
  carry({"trust", "proof", "trust"}, 1, 0);
}

INSTANTIATE_TEST_SUITE_P(Inputs, NetworkTest, ::testing::Bool(),
                         [](const auto& which) { return which.param ? std::string("Private") : std::string("Public"); });

}  // namespace
}  // namespace dsperse::pipeline
