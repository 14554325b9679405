// The simulated process and its disk.
#include <utility>

#include "dsperse/engine/simulated/simulated.h"

namespace dsperse::engine::simulated {

bool Server::read(const std::function<void(Memory&)>& look) {
  if (world_.now() < up_at_) return false;
  look(memory_);
  return true;
}

bool Server::write(const Write& write) {
  if (world_.now() < up_at_) return false;
  enum : std::uint64_t { kBefore, kUnsynced, kUnanswered, kNever };
  const std::uint64_t crash_at = world_.chance(world_.faults.crash) ? world_.below(kNever) : kNever;
  if (crash_at == kBefore) {
    crash();
    return false;
  }
  write.apply(memory_);
  unsynced_.push_back(write);
  if (crash_at == kUnsynced) {
    crash();
    return false;
  }
  if (!world_.chance(world_.faults.lying_sync)) sync();
  if (crash_at == kUnanswered) {
    crash();
    return false;
  }
  return true;
}

void Server::sync() {
  for (const Write& w : unsynced_) w.apply(durable_);
  unsynced_.clear();
}

void Server::crash() {
  ++crashes_;
  const std::size_t kept = unsynced_.empty() ? 0 : world_.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) unsynced_[i].apply(durable_);
  if (kept < unsynced_.size() && unsynced_[kept].torn && world_.chance(0.5)) unsynced_[kept].torn(durable_);
  unsynced_.clear();
  memory_ = durable_;
  up_at_ = world_.now();
  if (const TimeMs down = world_.faults.max_down_ms; down > 0)
    up_at_ += static_cast<TimeMs>(world_.below(static_cast<std::uint64_t>(down) + 1));
  world_.note("crash, kept " + std::to_string(kept));
}

void Server::meddle(const std::function<void(Memory&)>& change) {
  change(memory_);
  change(durable_);
}

}  // namespace dsperse::engine::simulated
