#include "dsperse/base/blocks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace dsperse {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21, kSmall = std::size_t{1} << 15, kLargestPiece = std::size_t{1} << 20;

std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

/// `bytes` (a multiple of a huge page) at a huge page's border; nullptr if there are none.
void* map_pages(std::size_t bytes) {
  const std::size_t all = bytes + kHugePage;
  void* p = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::uint8_t*>(p);
  const std::size_t before = round_up(reinterpret_cast<std::uintptr_t>(p), kHugePage) - reinterpret_cast<std::uintptr_t>(p);
  if (before != 0) munmap(begin, before);
  if (before != kHugePage) munmap(begin + before + bytes, kHugePage - before);
#ifdef MADV_HUGEPAGE
  madvise(begin + before, bytes, MADV_HUGEPAGE);  // a wish: small pages do as well
#endif
  return begin + before;
}

/// Pieces of 2^16 ... 2^20 bytes cut from huge pages; given back ones wait for the next use. (The heap would map and unmap such
/// sizes each time.)
class Pieces {
 public:
  static constexpr unsigned kFirst = 16, kLast = 20;

  void* take(std::size_t bytes) {
    const unsigned log_bytes = log_of(bytes);
    const std::scoped_lock lock(mutex_);
    std::vector<void*>& free = free_[log_bytes - kFirst];
    if (free.empty()) {
      auto* const page = static_cast<std::uint8_t*>(map_pages(kHugePage));
      if (page == nullptr) return nullptr;
      for (std::size_t at = kHugePage; at != 0;) free.push_back(page + (at -= std::size_t{1} << log_bytes));
    }
    void* const p = free.back();
    free.pop_back();
    return p;
  }
  void give(void* p, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    free_[log_of(bytes) - kFirst].push_back(p);
  }

 private:
  static unsigned log_of(std::size_t bytes) { return std::max(kFirst, static_cast<unsigned>(std::bit_width(bytes - 1))); }

  std::mutex mutex_;
  std::array<std::vector<void*>, kLast - kFirst + 1> free_;
};

/// Bytes of this process that are in memory; 0 if the system does not say. About a microsecond.
std::size_t resident_bytes() {
  static const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  std::array<char, 96> text{};
  if (file < 0 || pread(file, text.data(), text.size() - 1, 0) <= 0) return 0;
  const char* const second = std::strchr(text.data(), ' ');
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return second == nullptr ? 0 : std::strtoull(second, nullptr, 10) * page;
}

/// Stretches of whole huge pages. Free ones are merged with their neighbours; the smallest that is large enough is cut.
class Stretches {
 public:
  Block take(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    const std::size_t needed = needed_now() + bytes;
    const auto found = smallest(bytes);
    Block out;
    if (found != free_.end()) {
      const auto [begin, size] = *found;
      free_.erase(found);
      if (size != bytes) free_.emplace(begin + bytes, size - bytes);
      use_.kept -= bytes;
      out.data = reinterpret_cast<void*>(begin);
    } else {
      trim(most_needed_ > needed ? most_needed_ - needed : 0);
      out = {map_pages(bytes), true};
      if (out.data == nullptr) {
        trim(0);
        out.data = map_pages(bytes);
      }
    }
    note(needed);
    use_.live += bytes;
    use_.most = std::max(use_.most, use_.live);
    return out;
  }
  void give(void* p, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    const std::size_t needed = needed_now();
    note(needed);
    use_.live -= bytes;
    use_.kept += bytes;
    add_free(reinterpret_cast<std::uintptr_t>(p), bytes);
    trim(most_needed_ - (needed > bytes ? needed - bytes : 0));
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    trim(0);
    use_.most = use_.live;
    most_needed_ = 0;
  }
  BlockUse use() {
    const std::scoped_lock lock(mutex_);
    return use_;
  }
  Need need(bool begin) {
    const std::scoped_lock lock(mutex_);
    if (begin) most_measured_ = 0;
    const std::size_t now = needed_now();
    note(now);
    return {now, most_measured_};
  }

 private:
  using Free = std::map<std::uintptr_t, std::size_t>;

  /// What the process would have in memory if nothing waited here: its heap and its code, too.
  [[nodiscard]] std::size_t needed_now() const {
    const std::size_t resident = resident_bytes();
    return std::max(use_.live, resident > use_.kept ? resident - use_.kept : 0);
  }
  void note(std::size_t needed) {
    most_needed_ = std::max(most_needed_, needed);
    most_measured_ = std::max(most_measured_, needed);
  }
  Free::iterator smallest(std::size_t bytes) {
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it)
      if (it->second >= bytes && (best == free_.end() || it->second < best->second)) best = it;
    return best;
  }
  void add_free(std::uintptr_t begin, std::size_t bytes) {
    auto next = free_.lower_bound(begin);
    if (next != free_.end() && begin + bytes == next->first) {
      bytes += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == begin) {
        before->second += bytes;
        return;
      }
    }
    free_.emplace(begin, bytes);
  }
  /// Unmaps free stretches until at most so many bytes wait, in whole huge pages.
  void trim(std::size_t left) {
    while (use_.kept > left) {
      const auto last = std::prev(free_.end());
      const std::size_t bytes = std::min(last->second, round_up(use_.kept - left, kHugePage));
      munmap(reinterpret_cast<void*>(last->first + last->second - bytes), bytes);
      use_.kept -= bytes;
      last->second -= bytes;
      if (last->second == 0) free_.erase(last);
    }
  }

  std::mutex mutex_;
  Free free_;  ///< address -> bytes
  BlockUse use_;
  std::size_t most_needed_ = 0;    ///< in the whole process, as far as it was seen here
  std::size_t most_measured_ = 0;  ///< the same since the last measurement began
};

struct Store {
  Pieces pieces;
  Stretches stretches;
};
Store& store() {
  static auto* const instance = new Store;  // outlives every user
  return *instance;
}

}  // namespace

Block take_block(std::size_t bytes) {
  Block out;
  if (bytes > kLargestPiece)
    out = store().stretches.take(round_up(bytes, kHugePage));
  else
    out.data = bytes > kSmall ? store().pieces.take(bytes) : std::aligned_alloc(64, bytes);
  if (out.data == nullptr) std::abort();
  return out;
}

void give_block(void* data, std::size_t bytes) {
  if (bytes > kLargestPiece)
    store().stretches.give(data, round_up(bytes, kHugePage));
  else if (bytes > kSmall)
    store().pieces.give(data, bytes);
  else
    std::free(data);
}

BlockUse block_use() { return store().stretches.use(); }
Need block_need() { return store().stretches.need(false); }
Need measure_need() { return store().stretches.need(true); }
void release_blocks() { store().stretches.release(); }

}  // namespace dsperse
