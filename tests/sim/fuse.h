// Where a simulated process may be killed: between any two of its calls to the outside.
//
// Killed is thrown by a fuse and caught by the harness alone; the product knows no exceptions. What it unwinds is thrown away
// with all of its memory, as a killed process is. Tested by tests/sim/ports_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dsperse/engine/simulated/world.h"

namespace dsperse::sim {

using engine::TimeMs;
using engine::simulated::World;

struct Killed {};

/// One process's. Every call to the outside passes twice: before it happens, and before its answer is seen.
class Fuse {
 public:
  explicit Fuse(World& world) : world_(world) {}

  void pass(std::string_view where) {
    ++passed_;
    if (passed_ != at_.value_or(0) && !world_.chance(rate)) return;
    ++killed_;
    world_.note(where);
    throw Killed{};
  }
  /// Blows at this place (counted from 1, over all lives of the process).
  void blow_at(std::uint64_t place) { at_ = place; }
  [[nodiscard]] std::uint64_t passed() const { return passed_; }
  [[nodiscard]] std::uint64_t killed() const { return killed_; }
  [[nodiscard]] World& world() { return world_; }

  double rate = 0;  ///< chance at each place

 private:
  World& world_;
  std::uint64_t passed_ = 0, killed_ = 0;
  std::optional<std::uint64_t> at_;
};

}  // namespace dsperse::sim
