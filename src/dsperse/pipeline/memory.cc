#include "dsperse/pipeline/memory.h"

#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>

#include "dsperse/base/blocks.h"

namespace dsperse::pipeline {
namespace {

/// "key:   123 kB" in a file of such lines, in bytes.
std::uint64_t field(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key + ":")) continue;
    const auto at = line.find_first_of("0123456789");
    std::uint64_t kilobytes = 0;
    if (at != std::string::npos) std::from_chars(line.data() + at, line.data() + line.size(), kilobytes);
    return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

std::uint64_t peak_rss_bytes() { return field("/proc/self/status", "VmHWM"); }
void release_memory() {
  release_blocks();
  malloc_trim(0);
}
void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << "5"; }
std::uint64_t rss_bytes() { return field("/proc/self/status", "VmRSS"); }
std::uint64_t memory_total_bytes() { return field("/proc/meminfo", "MemTotal"); }
std::uint64_t memory_available_bytes() { return field("/proc/meminfo", "MemAvailable"); }

PeakMeter::PeakMeter() {
  malloc_trim(0);
  reset_peak_rss();
  base_ = measure_need().now;
  waiting_ = block_use().kept;
}

/// What blocks needed was seen by the blocks; the heap's peaks in between only by the system, which counts what waited as well.
std::uint64_t PeakMeter::peak() const {
  const std::uint64_t resident = peak_rss_bytes();
  const std::uint64_t most = std::max<std::uint64_t>(block_need().most, resident - std::min(resident, waiting_));
  return most > base_ ? most - base_ : 0;
}

}  // namespace dsperse::pipeline
