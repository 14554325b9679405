#include "dsperse/base/zeroed.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
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

  void* take(unsigned log_bytes) {
    const std::scoped_lock lock(mutex_);
    std::vector<void*>& free = free_[log_bytes - kFirst];
    if (free.empty()) {
      auto* const page = static_cast<std::uint8_t*>(map_pages(kHugePage));
      if (page == nullptr) return nullptr;
      for (std::size_t at = 0; at < kHugePage; at += std::size_t{1} << log_bytes) free.push_back(page + at);
    }
    void* const p = free.back();
    free.pop_back();
    return p;
  }
  void give(void* p, unsigned log_bytes) {
    const std::scoped_lock lock(mutex_);
    free_[log_bytes - kFirst].push_back(p);
  }

 private:
  std::mutex mutex_;
  std::array<std::vector<void*>, kLast - kFirst + 1> free_;
};

Pieces& pieces() {
  static auto* const instance = new Pieces;  // outlives every user
  return *instance;
}

/// The piece that holds as many bytes.
unsigned piece_for(std::size_t bytes) { return std::max(Pieces::kFirst, static_cast<unsigned>(std::bit_width(bytes - 1))); }

}  // namespace

ZeroedWords::ZeroedWords(std::size_t words) : bytes_(round_up(words * sizeof(std::uint64_t), 64)) {
  if (bytes_ == 0) return;
  void* p = nullptr;
  if (bytes_ > kLargestPiece) {
    p = map_pages(round_up(bytes_, kHugePage));
  } else {
    p = bytes_ > kSmall ? pieces().take(piece_for(bytes_)) : std::aligned_alloc(64, bytes_);
    if (p != nullptr) std::memset(p, 0, bytes_);
  }
  if (p == nullptr) std::abort();
  data_ = static_cast<std::uint64_t*>(p);
}

ZeroedWords::ZeroedWords(ZeroedWords&& o) noexcept : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}

ZeroedWords& ZeroedWords::operator=(ZeroedWords&& o) noexcept {
  std::swap(data_, o.data_);
  std::swap(bytes_, o.bytes_);
  return *this;
}

ZeroedWords::~ZeroedWords() {
  if (bytes_ > kLargestPiece)
    munmap(data_, round_up(bytes_, kHugePage));
  else if (bytes_ > kSmall)
    pieces().give(data_, piece_for(bytes_));
  else
    std::free(data_);
}

}  // namespace dsperse
