// A coordinator, workers and a model of hashes in one thread: for tests of what a coordinator decides. tests/sim has faults,
// adversaries and real slices.
//
// The model is a chain of three slices over chunks 0 (public input), 1, 2 (committed), 3 (public output).
#pragma once

#include <functional>
#include <memory>

#include "dsperse/engine/simulated/simulated.h"
#include "dsperse/store/testing/temporary_folder.h"
#include "dsperse/trust/sign/ed25519.h"
#include "dsperse/work/coordinator/coordinator.h"
#include "dsperse/work/coordinator/local.h"
#include "dsperse/work/worker/worker.h"

namespace dsperse::work::testing {

inline Digest digest(std::uint64_t n) {
  Digest d{};
  for (std::size_t i = 0; i < 8; ++i) d[i] = static_cast<std::uint8_t>(n >> (8 * i));
  d[31] = 1;
  return d;
}

/// The truth: values of a chunk are a hash of the chunk before it; a proof is a MAC that only true statements get.
Bytes value_after(ByteView before, std::uint32_t slice);
Digest toy_root(ByteView values, const Digest& seed);
Bytes toy_proof(const SliceTask& task, const trust::BoundaryRoots& out);

class TownComputer final : public Computer {
 public:
  /// May change the values of a slice's output before they are committed.
  std::function<void(const SliceTask&, Bytes&)> lie = [](const SliceTask&, Bytes&) {};
  std::function<Status(const SliceTask&)> before = [](const SliceTask&) { return Status{}; };
  std::size_t runs = 0, proofs = 0;
  [[nodiscard]] Result<Computed> compute(const SliceTask& task, engine::BlobStore& blobs) override;
};

class TownDesk final : public ProofDesk {
 public:
  std::uint32_t reserved = 0, taken = 0, most = 1000;
  std::uint32_t refuses = 0;  ///< so many proofs cannot be counted any more
  Digest run_id(ByteView nonce, const Digest& salt) override;
  Result<Digest> root_of(std::uint32_t chunk, ByteView values, const Digest& seed) override;
  Result<std::optional<WeightOpening>> reserve(std::uint32_t slice) override;
  Result<Verdict> take(const SliceTask& task, const trust::BoundaryRoots& out, const OutputBlobs& outputs, ByteView proof,
                       engine::BlobStore& blobs) override;
  Result<Bytes> evidence(const SliceTask& task, const trust::BoundaryRoots& out, const OutputBlobs& outputs, ByteView proof,
                         engine::BlobStore& blobs) override;
};

struct TownWorker {
  TownWorker(engine::Engine& engine, engine::Clock& clock, std::uint32_t number, const std::string& folder,
             const std::string& operated_by);
  trust::Ed25519Signer signer;
  std::unique_ptr<Book> book;
  TownComputer computer;
  std::unique_ptr<Worker> worker;
  bool absent = false;     ///< does nothing
  bool silent = false;     ///< never opens
  std::uint32_t naps = 0;  ///< takes so many jobs without doing them
  /// One job, if there is one.
  Status step();
  [[nodiscard]] Digest key() const { return signer.key(); }
  engine::Engine& engine;
  engine::Clock& clock;
};

class Town {
 public:
  explicit Town(std::uint32_t workers, const Settings& settings = quick());
  static Settings quick();

  /// Opens the coordinator anew from what is saved.
  void restart();
  RunRequest request(const std::vector<std::string>& treatments);
  /// Steps everybody until the run is over, or `passes` are.
  RunView run(const Digest& id, std::uint32_t passes = 400);
  void pass();
  /// The output that an honest run has.
  [[nodiscard]] Bytes truth() const;
  /// The output of a finished run.
  Bytes output(const FinishedRun& finished);
  /// What key and certificate would say.
  [[nodiscard]] trust::RunFacts facts(const FinishedRun& finished) const;

  store::testing::TemporaryFolder folder;
  engine::simulated::World world{digest(1)};
  engine::simulated::SimulatedEngine engine{world};
  trust::Ed25519Signer keeper;
  trust::Ed25519Check check;
  TownDesk desk;
  TownComputer own;
  bool proves = true;  ///< the coordinator has `own`
  Settings settings;
  ModelFacts model;
  std::vector<std::unique_ptr<TownWorker>> workers;
  std::unique_ptr<StateStore> state;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Coordinator> coordinator;
  Bytes input;
};

}  // namespace dsperse::work::testing
