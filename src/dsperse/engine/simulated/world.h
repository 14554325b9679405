// A world for simulations: time that moves only when told to, chance from a seed, and messages on their way.
//
// Single thread. All that happens follows from the seed and from the calls made: trace() is a digest over every step, so two
// runs that agree in it did the same. Not for use: nothing here is secret or durable. Source: docs/engine.md.
// Tested by engine/simulated/world_test.cc.
#pragma once

#include <functional>
#include <map>
#include <string_view>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/clock.h"

namespace dsperse::engine::simulated {

/// Probabilities of what goes wrong, per message or per write; none by default.
struct Faults {
  double drop = 0;        ///< a request or an answer is lost
  double duplicate = 0;   ///< a writing request arrives a second time, up to 20 timeouts later
  double slow = 0;        ///< a writing request arrives up to 20 timeouts after its sender gave up, overtaken by others
  double crash = 0;       ///< the engine crashes in a write: before it, before it is synced, or before the answer
  double lying_sync = 0;  ///< the disk says synced and isn't, until the next sync that doesn't lie
  TimeMs min_delay_ms = 0, max_delay_ms = 0;  ///< of each message
  TimeMs timeout_ms = 1000;                   ///< after that a sender gives up
  TimeMs max_down_ms = 0;                     ///< longest time from a crash to the restart

  bool operator==(const Faults&) const = default;
};

class World final : public Clock, public Rng {
 public:
  explicit World(const Digest& seed, TimeMs start = 1'000'000'000'000);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] TimeMs now() override { return now_; }
  [[nodiscard]] Status fill(std::span<std::uint8_t> out) override;
  /// Uniform in [0, bound), bound >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// True with this probability; draws nothing when it is 0.
  [[nodiscard]] bool chance(double probability);

  /// Moves the clock, and delivers what is due on the way, in order of time and then of sending. Not from inside a delivery.
  void advance(TimeMs ms);
  /// Calls `deliver` when the clock reaches now + after_ms.
  void later(TimeMs after_ms, std::function<void()> deliver);
  [[nodiscard]] std::size_t in_flight() const { return flying_.size(); }

  /// Counts a step and puts it into the trace.
  void note(std::string_view what);
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] Digest trace() const { return trace_.digest(); }

  Faults faults;

 private:
  crypto::SeedStream stream_;
  crypto::Hasher trace_;
  TimeMs now_;
  std::uint64_t steps_ = 0;
  std::multimap<TimeMs, std::function<void()>> flying_;
};

}  // namespace dsperse::engine::simulated
