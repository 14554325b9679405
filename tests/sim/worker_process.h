// A worker as a process of the simulation: acts now and then, dies and comes back, and behaves as its kind does.
//
// The honest way is the product's Worker; misbehaviour is what happens between its calls. Tested by tests/sim/sim_test.cc.
#pragma once

#include "conduct.h"
#include "paper.h"
#include "ports.h"
#include "tap.h"

namespace dsperse::sim {

class WorkerProcess {
 public:
  struct Around {
    World& world;
    engine::Engine& engine;
    Truth& truth;
    Grapevine& grapevine;
    Signatures& signatures;
    const DiskFaults& disk;
  };
  /// person: of its key and secret; seed: of its dice.
  WorkerProcess(Around around, const WorkerSpec& spec, const Digest& person, const Digest& seed, TimeMs beat_ms);

  /// A few calls at most. Whoever is killed in them comes back later.
  void act();
  /// Before anything goes wrong.
  [[nodiscard]] Status enroll();
  [[nodiscard]] const Digest& key() const { return signer_->key(); }
  [[nodiscard]] const WorkerSpec& spec() const { return spec_; }
  [[nodiscard]] bool honest() const { return spec_.kind == Kind::honest; }
  [[nodiscard]] Hand& hand() { return hand_; }
  [[nodiscard]] std::uint64_t killed() const { return fuse_.killed(); }
  [[nodiscard]] std::uint64_t finished() const { return finished_; }
  Fuse& fuse() { return fuse_; }
  /// The first book; both begin with it.
  [[nodiscard]] const MemoryBook::Content& book() const { return books_[0].content(); }
  void set_book(const MemoryBook::Content& content) {
    for (MemoryBook& b : books_) b.set(content);
  }

  TimeMs next_at = 0;

 private:
  void live();
  void start();
  void hold();
  void finish();
  /// The bytes to deliver for the lease, misbehaviour included; nothing: never answer. Errors: as Worker::work.
  [[nodiscard]] Result<std::optional<Bytes>> answer();
  [[nodiscard]] std::optional<Bytes> copied(const work::Task& task) const;

  Around around_;
  WorkerSpec spec_;
  Dice dice_;
  Fuse fuse_;
  Tap tap_;
  SkewedClock clock_;
  std::unique_ptr<trust::Signer> signer_;
  Hand hand_;
  TimeMs beat_ms_;
  Digest secret_;
  MemoryBook books_[2];  ///< the honest have one
  std::unique_ptr<work::Worker> workers_[2];
  bool enrolled_ = false;
  std::optional<engine::Lease> lease_;
  std::optional<Bytes> ready_;
  TimeMs ready_at_ = 0;
  std::uint64_t finished_ = 0;
  std::map<std::size_t, Bytes> old_;  ///< replaying: an answer of each form
};

}  // namespace dsperse::sim
