// The three stores of the embedded engine; embedded.h is the way in. Tested by engine/testing (conformance).
#pragma once

#include <string>

#include "dsperse/engine/engine.h"
#include "dsperse/store/disk/database.h"

namespace dsperse::engine::embedded {

class Jobs final : public JobQueue {
 public:
  explicit Jobs(store::Database& db) : db_(db) {}

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
  store::Database& db_;
};

class Nodes final : public NodeRegistry {
 public:
  explicit Nodes(store::Database& db) : db_(db) {}

  Result<bool> enroll(const NodeProfile& profile, TimeMs now) override;
  Status seen(const WorkerKey& key, TimeMs now) override;
  Status set_state(const WorkerKey& key, NodeState state, std::string_view reason) override;
  Result<std::optional<Node>> find(const WorkerKey& key) override;
  Result<std::vector<Node>> list(std::optional<NodeState> state) override;

 private:
  store::Database& db_;
};

class Blobs final : public BlobStore {
 public:
  Blobs(std::string folder, std::uint64_t limit_bytes) : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

  Result<Digest> put(ByteView bytes) override;
  Result<Bytes> get(const Digest& digest, std::uint64_t limit) override;
  Result<bool> has(const Digest& digest) override;
  Result<bool> remove(const Digest& digest) override;
  std::uint64_t limit_bytes() const override { return limit_bytes_; }

 private:
  std::string folder_;
  std::uint64_t limit_bytes_;
};

}  // namespace dsperse::engine::embedded
