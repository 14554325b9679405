// An engine as one process sees it: every call can be its last one, and is overheard.
//
// Tested by tests/sim/ports_test.cc.
#pragma once

#include "dsperse/engine/engine.h"
#include "fuse.h"
#include "grapevine.h"

namespace dsperse::sim {

class Tap final : public engine::Engine {
 public:
  Tap(engine::Engine& inner, Fuse& fuse, Grapevine& grapevine)
      : jobs_{inner.jobs(), fuse, grapevine}, blobs_{inner.blobs(), fuse}, nodes_{inner.nodes(), fuse} {}
  engine::JobQueue& jobs() override { return jobs_; }
  engine::BlobStore& blobs() override { return blobs_; }
  engine::NodeRegistry& nodes() override { return nodes_; }

 private:
  template <class F>
  static auto through(Fuse& fuse, std::string_view name, const F& call) {
    fuse.pass(name);
    auto answer = call();
    fuse.pass(name);
    return answer;
  }

  struct Jobs final : engine::JobQueue {
    Jobs(engine::JobQueue& in, Fuse& f, Grapevine& g) : inner(in), fuse(f), grapevine(g) {}
    Result<engine::Submitted> submit(const engine::Job& job) override {
      grapevine.submitted(job);
      return through(fuse, "jobs: submit", [&] { return inner.submit(job); });
    }
    Result<std::optional<engine::Lease>> lease(const engine::Puller& puller, TimeMs now, TimeMs beat_ms) override {
      auto got = through(fuse, "jobs: lease", [&] { return inner.lease(puller, now, beat_ms); });
      if (got && *got) leased[(*got)->id] = {(*got)->job.id, puller.worker};
      return got;
    }
    Result<std::optional<TimeMs>> heartbeat(engine::LeaseId lease, TimeMs now, TimeMs beat_ms) override {
      return through(fuse, "jobs: heartbeat", [&] { return inner.heartbeat(lease, now, beat_ms); });
    }
    Result<engine::Delivery> complete(engine::LeaseId lease, ByteView result, TimeMs now) override {
      if (const auto it = leased.find(lease); it != leased.end())
        grapevine.answers.push_back({it->second.first, it->second.second, Bytes(result.begin(), result.end())});
      return through(fuse, "jobs: complete", [&] { return inner.complete(lease, result, now); });
    }
    Result<engine::Delivery> fail(engine::LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at,
                                  TimeMs now) override {
      return through(fuse, "jobs: fail", [&] { return inner.fail(lease, reason, retry_at, now); });
    }
    Result<std::uint64_t> expire(TimeMs now) override {
      return through(fuse, "jobs: expire", [&] { return inner.expire(now); });
    }
    Result<engine::JobState> withdraw(const Digest& job, std::string_view reason) override {
      return through(fuse, "jobs: withdraw", [&] { return inner.withdraw(job, reason); });
    }
    Result<bool> forget(const Digest& job) override {
      return through(fuse, "jobs: forget", [&] { return inner.forget(job); });
    }
    Result<std::optional<engine::JobRecord>> find(const Digest& job) override {
      return through(fuse, "jobs: find", [&] { return inner.find(job); });
    }
    Result<std::vector<engine::LeaseRecord>> history(const Digest& job) override {
      return through(fuse, "jobs: history", [&] { return inner.history(job); });
    }
    Result<std::vector<engine::Event>> events(std::uint64_t after, std::size_t limit) override {
      return through(fuse, "jobs: events", [&] { return inner.events(after, limit); });
    }
    Result<std::array<std::uint64_t, 5>> counts() override {
      return through(fuse, "jobs: counts", [&] { return inner.counts(); });
    }
    engine::JobQueue& inner;
    Fuse& fuse;
    Grapevine& grapevine;
    std::map<engine::LeaseId, std::pair<Digest, Digest>> leased;
  };

  struct Blobs final : engine::BlobStore {
    Blobs(engine::BlobStore& in, Fuse& f) : inner(in), fuse(f) {}
    Result<Digest> put(ByteView bytes) override {
      return through(fuse, "blobs: put", [&] { return inner.put(bytes); });
    }
    Result<Bytes> get(const Digest& digest, std::uint64_t limit) override {
      return through(fuse, "blobs: get", [&] { return inner.get(digest, limit); });
    }
    Result<bool> has(const Digest& digest) override {
      return through(fuse, "blobs: has", [&] { return inner.has(digest); });
    }
    Result<bool> remove(const Digest& digest) override {
      return through(fuse, "blobs: remove", [&] { return inner.remove(digest); });
    }
    std::uint64_t limit_bytes() const override { return inner.limit_bytes(); }
    engine::BlobStore& inner;
    Fuse& fuse;
  };

  struct Nodes final : engine::NodeRegistry {
    Nodes(engine::NodeRegistry& in, Fuse& f) : inner(in), fuse(f) {}
    Result<bool> enroll(const engine::NodeProfile& profile, TimeMs now) override {
      return through(fuse, "nodes: enroll", [&] { return inner.enroll(profile, now); });
    }
    Status seen(const engine::WorkerKey& key, TimeMs now) override {
      return through(fuse, "nodes: seen", [&] { return inner.seen(key, now); });
    }
    Status set_state(const engine::WorkerKey& key, engine::NodeState state, std::string_view reason) override {
      return through(fuse, "nodes: set_state", [&] { return inner.set_state(key, state, reason); });
    }
    Result<std::optional<engine::Node>> find(const engine::WorkerKey& key) override {
      return through(fuse, "nodes: find", [&] { return inner.find(key); });
    }
    Result<std::vector<engine::Node>> list(std::optional<engine::NodeState> state) override {
      return through(fuse, "nodes: list", [&] { return inner.list(state); });
    }
    engine::NodeRegistry& inner;
    Fuse& fuse;
  };

  Jobs jobs_;
  Blobs blobs_;
  Nodes nodes_;
};

}  // namespace dsperse::sim
