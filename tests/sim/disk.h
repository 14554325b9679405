// A value on a faulty disk: what a process sees, what has been synced, and transactions in between.
//
// A transaction is whole or absent, as SQLite's are: one that a crash interrupts before its sync is kept by the toss of a coin.
// A disk that lies about syncs keeps, at a crash, the first of what it claimed. Not here: what is stored (ports.h).
// Tested by tests/sim/ports_test.cc.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "dsperse/base/result.h"
#include "fuse.h"

namespace dsperse::sim {

struct DiskFaults {
  double error = 0;       ///< a transaction is refused and did not happen
  double lying_sync = 0;  ///< says synced and isn't, until the next sync that doesn't lie
};

template <class T>
class Durable {
 public:
  explicit Durable(Fuse& fuse, const DiskFaults& faults, T value = {})
      : fuse_(fuse), faults_(faults), synced_(value), now_(std::move(value)) {}

  [[nodiscard]] const T& get() const { return now_; }
  /// One transaction; ok once it is synced.
  [[nodiscard]] Status commit(std::string_view what, const std::function<void(T&)>& change) {
    fuse_.pass(what);
    World& world = fuse_.world();
    if (world.chance(faults_.error)) return fail(ErrorKind::resource, "the simulated disk is full", std::string(what));
    change(now_);
    unsynced_.push_back(change);
    fuse_.pass(what);
    if (!world.chance(faults_.lying_sync)) {
      for (const auto& c : unsynced_) c(synced_);
      unsynced_.clear();
    }
    fuse_.pass(what);
    return {};
  }
  /// As if it had always been so.
  void set(T value) {
    synced_ = value;
    now_ = std::move(value);
    unsynced_.clear();
  }
  /// Reads pass the fuse too: a process can die there.
  [[nodiscard]] const T& read(std::string_view what) {
    fuse_.pass(what);
    return now_;
  }
  /// The process is gone: unsynced transactions are kept up to a random one.
  void crash() {
    const std::size_t kept = unsynced_.empty() ? 0 : fuse_.world().below(unsynced_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) unsynced_[i](synced_);
    unsynced_.clear();
    now_ = synced_;
  }

 private:
  Fuse& fuse_;
  const DiskFaults& faults_;
  T synced_, now_;
  std::vector<std::function<void(T&)>> unsynced_;
};

}  // namespace dsperse::sim
