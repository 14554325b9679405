// Jobs, blobs and workers in memory: the plain meaning of the interfaces, as values that can be copied.
//
// No faults, no durability: simulated.h adds them. Tested by engine/testing (conformance) and, call by call against the embedded
// engine, by engine/conformance_test.cc.
#pragma once

#include <map>
#include <utility>

#include "dsperse/engine/engine.h"

namespace dsperse::engine::simulated {

class JobTable final : public JobQueue {
 public:
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
  struct Entry {
    JobRecord record;
    std::uint64_t place = 0;
  };
  [[nodiscard]] std::pair<std::int64_t, std::uint64_t> order_of(const Entry& e) const {
    return {-std::int64_t{e.record.job.priority}, e.place};
  }
  void add_event(EventKind kind, const LeaseRecord& lease, TimeMs at);
  void move(Entry& entry, JobState state, LeaseId lease, TimeMs not_before, std::string_view reason);
  void requeue(const LeaseRecord& lease, std::optional<TimeMs> retry_at, std::string_view reason, TimeMs now);

  std::map<Digest, Entry> jobs_;
  std::map<std::pair<std::int64_t, std::uint64_t>, Digest> queued_;  ///< best first
  std::map<LeaseId, LeaseRecord> leases_;
  std::map<std::uint64_t, Event> events_;
  std::uint64_t next_place_ = 1, next_lease_ = 1, next_event_ = 1;
};

class BlobTable final : public BlobStore {
 public:
  explicit BlobTable(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  Result<Digest> put(ByteView bytes) override;
  Result<Bytes> get(const Digest& digest, std::uint64_t limit) override;
  Result<bool> has(const Digest& digest) override { return blobs_.contains(digest); }
  Result<bool> remove(const Digest& digest) override { return blobs_.erase(digest) != 0; }
  std::uint64_t limit_bytes() const override { return limit_bytes_; }
  /// What a bad disk does: other bytes under this digest.
  void overwrite(const Digest& digest, Bytes bytes) { blobs_[digest] = std::move(bytes); }

 private:
  std::map<Digest, Bytes> blobs_;
  std::uint64_t limit_bytes_;
};

class NodeTable final : public NodeRegistry {
 public:
  Result<bool> enroll(const NodeProfile& profile, TimeMs now) override;
  Status seen(const WorkerKey& key, TimeMs now) override;
  Status set_state(const WorkerKey& key, NodeState state, std::string_view reason) override;
  Result<std::optional<Node>> find(const WorkerKey& key) override;
  Result<std::vector<Node>> list(std::optional<NodeState> state) override;

 private:
  std::map<WorkerKey, Node> nodes_;
};

}  // namespace dsperse::engine::simulated
