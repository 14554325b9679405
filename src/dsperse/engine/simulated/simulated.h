// An engine in a simulated world: calls are messages, writes go to a log that is synced or lost, crashes restart from the disk.
//
// Same interfaces and rules as any engine; without faults it does just what the tables do. A call may end in an error of kind
// `backend`, "no answer": then it happened, or not, or will happen later. Writes are executed in the order of their arrival; each
// is logged and synced before it is answered, so that a crash costs no answered write unless Faults::lying_sync says so.
// Messages in flight to an engine that is gone are lost. The world outlives the engine.
// Single thread, deterministic. Source: docs/engine.md. Tested by engine/testing (conformance) and simulated/faults_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "dsperse/engine/simulated/tables.h"
#include "dsperse/engine/simulated/world.h"

namespace dsperse::engine::simulated {

/// Everything that the engine remembers.
struct Memory {
  explicit Memory(std::uint64_t blob_limit_bytes) : blobs(blob_limit_bytes) {}
  JobTable jobs;
  BlobTable blobs;
  NodeTable nodes;
};

/// What a write does to the memory; and what is left of it if the log tears within it (may be empty: nothing).
struct Write {
  std::function<void(Memory&)> apply, torn;
};

/// The process that serves requests, with its memory and its disk.
class Server {
 public:
  Server(World& world, std::uint64_t blob_limit_bytes) : world_(world), memory_(blob_limit_bytes), durable_(blob_limit_bytes) {}

  /// Serves one request that has arrived; false: nobody answers, whatever has been done. `read` has no faults of its own.
  [[nodiscard]] bool read(const std::function<void(Memory&)>& look);
  [[nodiscard]] bool write(const Write& write);
  /// Crashes now: synced writes stay, of the others a random number of the first, the next may tear. Restarts by itself.
  void crash();
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  /// Changes what lies on the disk and what is remembered, behind the engine's back.
  void meddle(const std::function<void(Memory&)>& change);

 private:
  void sync();

  World& world_;
  Memory memory_, durable_;
  std::vector<Write> unsynced_;
  TimeMs up_at_ = 0;
  std::uint64_t crashes_ = 0;
};

class SimulatedEngine final : public Engine {
 public:
  explicit SimulatedEngine(World& world, std::uint64_t blob_limit_bytes = std::uint64_t{1} << 30);

  JobQueue& jobs() override { return jobs_; }
  BlobStore& blobs() override { return blobs_; }
  NodeRegistry& nodes() override { return nodes_; }
  [[nodiscard]] Server& server() { return *server_; }

 private:
  /// The way to the server and back.
  class Network {
   public:
    Network(World& world, std::shared_ptr<Server> server) : world_(world), server_(std::move(server)) {}
    template <class R>
    [[nodiscard]] R read(std::string_view name, std::function<R(Memory&)> look);
    template <class R>
    [[nodiscard]] R write(std::string_view name, std::function<R(Memory&)> apply, std::function<void(Memory&)> torn = {});

   private:
    [[nodiscard]] TimeMs delay();
    [[nodiscard]] bool arrives();
    std::unexpected<Error> no_answer(std::string_view name);
    World& world_;
    std::shared_ptr<Server> server_;
  };

  class Jobs final : public JobQueue {
   public:
    explicit Jobs(Network& net) : net_(net) {}
    Result<Submitted> submit(const Job& job) override;
    Result<std::optional<Lease>> lease(const Puller& puller, TimeMs now, TimeMs beat_ms) override;
    Result<std::optional<TimeMs>> heartbeat(LeaseId lease, TimeMs now, TimeMs beat_ms) override;
    Result<Delivery> complete(LeaseId lease, ByteView result, TimeMs now) override;
    Result<Delivery> fail(LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at, TimeMs now) override;
    Result<std::uint64_t> expire(TimeMs now) override;
    Result<JobState> withdraw(const Digest& job, std::string_view reason) override;
    Result<bool> forget(const Digest& job) override;
    Result<std::optional<JobRecord>> find(const Digest& job) override;
    Result<std::vector<LeaseRecord>> history(const Digest& job) override;
    Result<std::vector<Event>> events(std::uint64_t after, std::size_t limit) override;
    Result<std::array<std::uint64_t, 5>> counts() override;

   private:
    Network& net_;
  };

  class Blobs final : public BlobStore {
   public:
    Blobs(Network& net, std::uint64_t limit_bytes) : net_(net), limit_bytes_(limit_bytes) {}
    Result<Digest> put(ByteView bytes) override;
    Result<Bytes> get(const Digest& digest, std::uint64_t limit) override;
    Result<bool> has(const Digest& digest) override;
    Result<bool> remove(const Digest& digest) override;
    std::uint64_t limit_bytes() const override { return limit_bytes_; }

   private:
    Network& net_;
    std::uint64_t limit_bytes_;
  };

  class Nodes final : public NodeRegistry {
   public:
    explicit Nodes(Network& net) : net_(net) {}
    Result<bool> enroll(const NodeProfile& profile, TimeMs now) override;
    Status seen(const WorkerKey& key, TimeMs now) override;
    Status set_state(const WorkerKey& key, NodeState state, std::string_view reason) override;
    Result<std::optional<Node>> find(const WorkerKey& key) override;
    Result<std::vector<Node>> list(std::optional<NodeState> state) override;

   private:
    Network& net_;
  };

  std::shared_ptr<Server> server_;
  Network net_;
  Jobs jobs_;
  Blobs blobs_;
  Nodes nodes_;
};

}  // namespace dsperse::engine::simulated
