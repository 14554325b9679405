// Words: a block of uninitialised 64-bit words for the prover's matrices. Linux. Tested through crypto/commit/tree_test.cc.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace dsperse::crypto {

/// Aligned; large ones on huge pages, since touching fresh 4 KB pages would cost as much as hashing them.
class Words {
 public:
  explicit Words(std::size_t n) : n_(n) {
    constexpr std::size_t kHuge = std::size_t{1} << 21;
    const std::size_t align = n * sizeof(std::uint64_t) >= kHuge ? kHuge : 64;
    const std::size_t bytes = std::max<std::size_t>(1, (n * sizeof(std::uint64_t) + align - 1) / align) * align;
    data_.reset(static_cast<std::uint64_t*>(std::aligned_alloc(align, bytes)));
    if (data_ == nullptr) std::abort();  // out of memory: the caller's plan promised it would fit
    if (align == kHuge) (void)madvise(data_.get(), bytes, MADV_HUGEPAGE);
  }
  [[nodiscard]] std::uint64_t* data() { return data_.get(); }
  [[nodiscard]] const std::uint64_t* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return n_; }

 private:
  struct Free {
    void operator()(std::uint64_t* p) const { std::free(p); }
  };
  std::size_t n_;
  std::unique_ptr<std::uint64_t[], Free> data_;
};

}  // namespace dsperse::crypto
