// What this process and this machine use and have, from /proc. Zero where it cannot be read.
#pragma once

#include <cstdint>

namespace dsperse::pipeline {

/// Most resident memory since the start, or since the last reset_peak_rss().
std::uint64_t peak_rss_bytes();
/// Begins a new measurement, where the system allows it.
void reset_peak_rss();
/// Returns freed memory to the system, so that a new measurement does not count it.
void release_memory();
/// Resident now.
std::uint64_t rss_bytes();
std::uint64_t memory_total_bytes();
std::uint64_t memory_available_bytes();

/// What a piece of work takes beyond what the process had before it. Others' work at the same time counts, too. Blocks that wait
/// for their next use (base/blocks.h) stay where they are and don't count until they are used.
class PeakMeter {
 public:
  PeakMeter();
  [[nodiscard]] std::uint64_t base() const { return base_; }
  /// So far.
  [[nodiscard]] std::uint64_t peak() const;

 private:
  std::uint64_t base_, waiting_;
};

/// What a verb took for one slice.
struct Usage {
  double seconds = 0;
  std::uint64_t peak_bytes = 0;  ///< beyond what the process had
};

}  // namespace dsperse::pipeline
