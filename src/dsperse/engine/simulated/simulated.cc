// The client's side: every call of the interfaces as a message.
#include "dsperse/engine/simulated/simulated.h"

#include <memory>
#include <utility>

namespace dsperse::engine::simulated {

SimulatedEngine::SimulatedEngine(World& world, std::uint64_t blob_limit_bytes)
    : server_(std::make_shared<Server>(world, blob_limit_bytes)),
      net_(world, server_),
      jobs_(net_),
      blobs_(net_, blob_limit_bytes),
      nodes_(net_) {}

TimeMs SimulatedEngine::Network::delay() {
  const Faults& f = world_.faults;
  if (f.max_delay_ms <= f.min_delay_ms) return f.min_delay_ms;
  return f.min_delay_ms + static_cast<TimeMs>(world_.below(static_cast<std::uint64_t>(f.max_delay_ms - f.min_delay_ms) + 1));
}

/// One message, there or back: takes its time, or gets lost.
bool SimulatedEngine::Network::arrives() {
  if (world_.chance(world_.faults.drop)) return false;
  world_.advance(delay());
  return true;
}

std::unexpected<Error> SimulatedEngine::Network::no_answer(std::string_view name) {
  world_.advance(world_.faults.timeout_ms);
  world_.note("no answer");
  return dsperse::fail(ErrorKind::backend, "no answer from the engine", std::string(name), "make the call again");
}

template <class R>
R SimulatedEngine::Network::read(std::string_view name, std::function<R(Memory&)> look) {
  world_.note(name);
  if (!arrives()) return no_answer(name);
  std::optional<R> answer;
  if (!server_->read([&](Memory& m) { answer.emplace(look(m)); })) return no_answer(name);
  if (!arrives()) return no_answer(name);
  return std::move(*answer);
}

template <class R>
R SimulatedEngine::Network::write(std::string_view name, std::function<R(Memory&)> apply, std::function<void(Memory&)> torn) {
  world_.note(name);
  const Write silent{[apply](Memory& m) { (void)apply(m); }, torn};
  const auto arrive_later = [&] {
    const auto spread = static_cast<std::uint64_t>(20 * world_.faults.timeout_ms);
    const TimeMs after = static_cast<TimeMs>(world_.below(spread + 1));
    world_.later(after, [&world = world_, server = std::weak_ptr(server_), silent, copy = std::string(name)] {
      const auto alive = server.lock();
      if (!alive) return;
      world.note("arrives later: " + copy);
      (void)alive->write(silent);
    });
  };
  if (world_.chance(world_.faults.duplicate)) arrive_later();
  if (world_.chance(world_.faults.slow)) {
    const auto error = no_answer(name);
    arrive_later();
    return error;
  }
  if (!arrives()) return no_answer(name);
  // The first application gives the answer; a second one, to what is durable, gives the same.
  const auto answer = std::make_shared<std::optional<R>>();
  const Write asked{[apply, answer](Memory& m) {
                      R result = apply(m);
                      if (!*answer) answer->emplace(std::move(result));
                    },
                    torn};
  if (!server_->write(asked)) return no_answer(name);
  if (!arrives()) return no_answer(name);
  return std::move(**answer);
}

Result<Submitted> SimulatedEngine::Jobs::submit(const Job& job) {
  return net_.write<Result<Submitted>>("submit", [job](Memory& m) { return m.jobs.submit(job); });
}
Result<std::optional<Lease>> SimulatedEngine::Jobs::lease(const Puller& puller, TimeMs now, TimeMs beat_ms) {
  return net_.write<Result<std::optional<Lease>>>(
      "lease", [puller, now, beat_ms](Memory& m) { return m.jobs.lease(puller, now, beat_ms); });
}
Result<std::optional<TimeMs>> SimulatedEngine::Jobs::heartbeat(LeaseId lease, TimeMs now, TimeMs beat_ms) {
  return net_.write<Result<std::optional<TimeMs>>>(
      "heartbeat", [lease, now, beat_ms](Memory& m) { return m.jobs.heartbeat(lease, now, beat_ms); });
}
Result<Delivery> SimulatedEngine::Jobs::complete(LeaseId lease, ByteView result, TimeMs now) {
  return net_.write<Result<Delivery>>("complete", [lease, copy = Bytes(result.begin(), result.end()), now](Memory& m) {
    return m.jobs.complete(lease, copy, now);
  });
}
Result<Delivery> SimulatedEngine::Jobs::fail(LeaseId lease, std::string_view reason, std::optional<TimeMs> retry_at, TimeMs now) {
  return net_.write<Result<Delivery>>(
      "fail", [lease, copy = std::string(reason), retry_at, now](Memory& m) { return m.jobs.fail(lease, copy, retry_at, now); });
}
Result<std::uint64_t> SimulatedEngine::Jobs::expire(TimeMs now) {
  return net_.write<Result<std::uint64_t>>("expire", [now](Memory& m) { return m.jobs.expire(now); });
}
Result<JobState> SimulatedEngine::Jobs::withdraw(const Digest& job, std::string_view reason) {
  return net_.write<Result<JobState>>("withdraw",
                                      [job, copy = std::string(reason)](Memory& m) { return m.jobs.withdraw(job, copy); });
}
Result<bool> SimulatedEngine::Jobs::forget(const Digest& job) {
  return net_.write<Result<bool>>("forget", [job](Memory& m) { return m.jobs.forget(job); });
}
Result<std::optional<JobRecord>> SimulatedEngine::Jobs::find(const Digest& job) {
  return net_.read<Result<std::optional<JobRecord>>>("find", [job](Memory& m) { return m.jobs.find(job); });
}
Result<std::vector<LeaseRecord>> SimulatedEngine::Jobs::history(const Digest& job) {
  return net_.read<Result<std::vector<LeaseRecord>>>("history", [job](Memory& m) { return m.jobs.history(job); });
}
Result<std::vector<Event>> SimulatedEngine::Jobs::events(std::uint64_t after, std::size_t limit) {
  return net_.read<Result<std::vector<Event>>>("events", [=](Memory& m) { return m.jobs.events(after, limit); });
}
Result<std::array<std::uint64_t, 5>> SimulatedEngine::Jobs::counts() {
  return net_.read<Result<std::array<std::uint64_t, 5>>>("counts", [](Memory& m) { return m.jobs.counts(); });
}

Result<Digest> SimulatedEngine::Blobs::put(ByteView bytes) {
  // Torn: the name is on the disk, and the first half of the bytes.
  const auto copy = std::make_shared<const Bytes>(bytes.begin(), bytes.end());
  return net_.write<Result<Digest>>(
      "put", [copy](Memory& m) { return m.blobs.put(*copy); },
      [copy](Memory& m) {
        if (const auto digest = m.blobs.put(*copy))
          m.blobs.overwrite(*digest, Bytes(copy->begin(), copy->begin() + static_cast<std::ptrdiff_t>(copy->size() / 2)));
      });
}
Result<Bytes> SimulatedEngine::Blobs::get(const Digest& digest, std::uint64_t limit) {
  return net_.read<Result<Bytes>>("get", [digest, limit](Memory& m) { return m.blobs.get(digest, limit); });
}
Result<bool> SimulatedEngine::Blobs::has(const Digest& digest) {
  return net_.read<Result<bool>>("has", [digest](Memory& m) { return m.blobs.has(digest); });
}
Result<bool> SimulatedEngine::Blobs::remove(const Digest& digest) {
  return net_.write<Result<bool>>("remove", [digest](Memory& m) { return m.blobs.remove(digest); });
}

Result<bool> SimulatedEngine::Nodes::enroll(const NodeProfile& profile, TimeMs now) {
  return net_.write<Result<bool>>("enroll", [profile, now](Memory& m) { return m.nodes.enroll(profile, now); });
}
Status SimulatedEngine::Nodes::seen(const WorkerKey& key, TimeMs now) {
  return net_.write<Status>("seen", [key, now](Memory& m) { return m.nodes.seen(key, now); });
}
Status SimulatedEngine::Nodes::set_state(const WorkerKey& key, NodeState state, std::string_view reason) {
  return net_.write<Status>("set_state",
                            [key, state, copy = std::string(reason)](Memory& m) { return m.nodes.set_state(key, state, copy); });
}
Result<std::optional<Node>> SimulatedEngine::Nodes::find(const WorkerKey& key) {
  return net_.read<Result<std::optional<Node>>>("find", [key](Memory& m) { return m.nodes.find(key); });
}
Result<std::vector<Node>> SimulatedEngine::Nodes::list(std::optional<NodeState> state) {
  return net_.read<Result<std::vector<Node>>>("list", [state](Memory& m) { return m.nodes.list(state); });
}

}  // namespace dsperse::engine::simulated
