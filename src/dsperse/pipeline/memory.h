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
std::uint64_t memory_total_bytes();
std::uint64_t memory_available_bytes();

}  // namespace dsperse::pipeline
