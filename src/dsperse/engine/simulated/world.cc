#include "dsperse/engine/simulated/world.h"

#include <utility>

namespace dsperse::engine::simulated {

World::World(const Digest& seed, TimeMs start) : stream_(seed, "dsperse simulated world v1"), now_(start) {}

Status World::fill(std::span<std::uint8_t> out) {
  stream_.fill(out);
  return {};
}

std::uint64_t World::below(std::uint64_t bound) { return stream_.below(bound); }

bool World::chance(double probability) {
  if (probability <= 0) return false;
  return static_cast<double>(stream_.u64() >> 11) * 0x1p-53 < probability;
}

void World::advance(TimeMs ms) {
  const TimeMs end = now_ + ms;
  while (!flying_.empty() && flying_.begin()->first <= end) {
    auto next = flying_.extract(flying_.begin());
    now_ = next.key();
    next.mapped()();
  }
  now_ = end;
}

void World::later(TimeMs after_ms, std::function<void()> deliver) { flying_.emplace(now_ + after_ms, std::move(deliver)); }

void World::note(std::string_view what) {
  ++steps_;
  ByteWriter w;
  w.i64(now_);
  w.text(what);
  trace_.update(w.bytes());
}

}  // namespace dsperse::engine::simulated
