#include "dsperse/pipeline/network/local_network.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/embedded/system.h"
#include "dsperse/pipeline/float_slices.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/trust/sign/ed25519.h"
#include "dsperse/work/compute/compute.h"
#include "dsperse/work/coordinator/local.h"
#include "dsperse/work/task/values.h"
#include "dsperse/work/worker/identity.h"

namespace dsperse::pipeline {
namespace {

/// flock on FOLDER/coordinator.lock; the system drops it when the process ends.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::string& folder) {
    const std::string path = store::join(folder, "coordinator.lock");
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(ErrorKind::bad_input, "cannot open the coordinator's lock", path);
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
      return fail(ErrorKind::resource, "another process coordinates this folder", folder,
                  "give runs to it with --network, or choose another folder");
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

bool is_finished(const std::string& run_folder) {
  return store::exists(store::join(run_folder, "state.db")) && store::RunFolder::open(run_folder);
}

/// Equal questions are one run.
Digest run_request_id(const Digest& model, const NetworkRequest& r) {
  ByteWriter w;
  for (const auto& [name, values] : r.inputs) {
    w.text(name);
    w.raw(crypto::hash(work::encode_values(values)));
  }
  for (const trust::Treatment& t : r.treatments) w.text(trust::to_text(t));
  w.u8(static_cast<std::uint8_t>(r.late));
  return crypto::hash_tagged("dsperse network run v1", {model, r.nonce, w.bytes()});
}

class Network final : public LocalNetwork {
 public:
  Network(FolderLock lock, store::ModelFolder model, std::string path, std::unique_ptr<engine::Engine> engine,
          std::unique_ptr<work::StateStore> state, work::Identity identity, store::OpeningStore& openings,
          const backend::Backend& backend)
      : lock_(std::move(lock)),
        model_(std::move(model)),
        path_(std::move(path)),
        engine_(std::move(engine)),
        state_(std::move(state)),
        identity_(std::move(identity)),
        desk_(model_, openings),
        computer_(backend) {}

  Status begin(const NetworkOptions& options) {
    absent_ms_ = options.settings.absent_ms;
    DSPERSE_TRY(std::string origin, ledger_origin());
    DSPERSE_TRY(ledger_, work::open_ledger(store::join(options.folder, "ledger.db"), origin, identity_.signer));
    DSPERSE_TRY(facts_, publish_model(model_, engine_->blobs()));
    const work::Coordinator::Ports ports{
        *engine_, clock_, rng_, *state_, *ledger_, identity_.signer, check_, desk_, options.proves ? &computer_ : nullptr};
    DSPERSE_TRY(coordinator_, work::Coordinator::open(ports, facts_, options.settings));
    return {};
  }

  Result<Digest> submit(const NetworkRequest& request) override {
    const proof::ModelKey& key = model_.model().key;
    const Digest id = run_request_id(key.id(), request);
    if (coordinator_->view(id)) return id;  // its seeds are made already
    DSPERSE_TRY(const work::RunRequest published,
                publish_request(key, request.inputs, request.nonce, request.treatments, request.late, engine_->blobs()));
    DSPERSE_CHECK_OK(coordinator_->submit(id, published));
    return id;
  }

  Result<std::size_t> workers() override {
    DSPERSE_TRY(const auto nodes, engine_->nodes().list(engine::NodeState::active));
    const engine::TimeMs since = clock_.now() - absent_ms_;
    return static_cast<std::size_t>(
        std::ranges::count_if(nodes, [&](const engine::Node& n) { return absent_ms_ == 0 || n.last_seen >= since; }));
  }

  Result<CollectedRun> collect(const Digest& id, const std::string& out) override {
    DSPERSE_TRY(const work::FinishedRun finished, coordinator_->finished(id));
    // This process, or one before it, may have been stopped between the last file and telling so.
    if (is_finished(out)) return collected_before(model_.model().key, finished, out);
    DSPERSE_TRY(store::RunFolder folder, store::RunFolder::create(out));
    return collect_run(model_, path_, finished, engine_->blobs(), desk_, folder);
  }

  Result<std::size_t> mend(const NetworkRequest& request) override {
    DSPERSE_TRY(std::size_t mended, mend_model(model_, facts_, engine_->blobs()));
    DSPERSE_TRY(const std::size_t inputs, mend_inputs(model_.model().key, request.inputs, engine_->blobs()));
    return mended + inputs;
  }

  work::Coordinator& coordinator() override { return *coordinator_; }
  const store::ModelFolder& model() const override { return model_; }
  trust::PublicKey keeper() const override { return identity_.signer.key(); }

 private:
  /// One name a log: made once, kept with the state.
  Result<std::string> ledger_origin() {
    DSPERSE_TRY(const std::optional<Bytes> known, state_->load("origin"));
    if (known) return std::string(known->begin(), known->end());
    Digest random{};
    DSPERSE_CHECK_OK(rng_.fill(random));
    const std::string origin = "dsperse/" + to_hex(ByteView(random).first(16));
    DSPERSE_CHECK_OK(state_->save({{"origin", Bytes(origin.begin(), origin.end())}}));
    return origin;
  }

  FolderLock lock_;
  store::ModelFolder model_;
  std::string path_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<work::StateStore> state_;
  work::Identity identity_;
  trust::Ed25519Check check_;
  engine::embedded::SystemClock clock_;
  engine::embedded::SystemRng rng_;
  ModelDesk desk_;
  work::LocalComputer computer_;
  work::ModelFacts facts_;
  engine::TimeMs absent_ms_ = 0;
  std::unique_ptr<work::Ledger> ledger_;
  std::unique_ptr<work::Coordinator> coordinator_;
};

}  // namespace

std::string engine_folder(const std::string& network_folder) { return store::join(network_folder, "engine"); }

Result<std::unique_ptr<LocalNetwork>> LocalNetwork::open(const std::string& dsm, const NetworkOptions& options,
                                                         store::OpeningStore& openings, const backend::Backend& backend) {
  DSPERSE_CHECK_OK(store::make_folder(options.folder, store::Access::secret));
  DSPERSE_TRY(FolderLock lock, FolderLock::take(options.folder));
  DSPERSE_TRY(store::ModelFolder model, store::ModelFolder::open(dsm));
  if (const std::string in_float = float_text(model.model().key); !in_float.empty())
    return fail(ErrorKind::unsupported,
                "a model with a slice that runs in float cannot be run over workers: their results would differ", in_float,
                "run it without --workers and --network");
  DSPERSE_TRY(std::unique_ptr<engine::Engine> engine, engine::embedded::open(engine_folder(options.folder)));
  DSPERSE_TRY(std::unique_ptr<work::StateStore> state, work::open_state(store::join(options.folder, "coordinator.db")));
  DSPERSE_TRY(work::Identity identity, work::open_identity(options.key_folder));
  std::error_code error;
  const auto path = std::filesystem::absolute(dsm, error);
  auto out = std::make_unique<Network>(std::move(lock), std::move(model), error ? dsm : path.lexically_normal().string(),
                                       std::move(engine), std::move(state), std::move(identity), openings, backend);
  DSPERSE_CHECK_OK(out->begin(options));
  return out;
}

}  // namespace dsperse::pipeline
