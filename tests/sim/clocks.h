// Clocks and dice of single actors. Tested by tests/sim/ports_test.cc.
#pragma once

#include "dsperse/engine/simulated/world.h"

namespace dsperse::sim {

/// A clock that is wrong by an offset, runs too fast or too slow, and jumps.
class SkewedClock final : public engine::Clock {
 public:
  SkewedClock(engine::simulated::World& world, engine::TimeMs offset_ms, std::int64_t drift_ppm)
      : world_(world), start_(world.now()), offset_ms_(offset_ms), drift_ppm_(drift_ppm) {}
  [[nodiscard]] engine::TimeMs now() override {
    const engine::TimeMs t = world_.now();
    return t + offset_ms_ + (t - start_) * drift_ppm_ / 1'000'000;
  }
  void jump(engine::TimeMs by_ms) { offset_ms_ += by_ms; }

 private:
  engine::simulated::World& world_;
  engine::TimeMs start_, offset_ms_;
  std::int64_t drift_ppm_;
};

/// An actor's own dice, from the seed of the world and its name.
class Dice final : public engine::Rng {
 public:
  Dice(const Digest& seed, std::string_view name, std::uint64_t number = 0) : stream_(seed, name, number) {}
  [[nodiscard]] Status fill(std::span<std::uint8_t> out) override {
    stream_.fill(out);
    return {};
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return stream_.below(bound); }
  [[nodiscard]] bool chance(double p) { return static_cast<double>(stream_.u64() >> 11) * 0x1p-53 < p; }
  [[nodiscard]] Digest digest() {
    Digest out;
    stream_.fill(out);
    return out;
  }

 private:
  crypto::SeedStream stream_;
};

}  // namespace dsperse::sim
