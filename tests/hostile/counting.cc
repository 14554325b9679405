#include "counting.h"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

extern "C" {
void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;
void __libc_free(void*) noexcept;
}

namespace {

std::atomic<bool> measuring{false}, refused{false};
std::atomic<std::int64_t> live{0}, peak{0};

bool too_large(std::size_t n) {
  if (!measuring || n <= dsperse::hostile::kLargestRequest) return false;
  refused = true;
  errno = ENOMEM;
  return true;
}

void* counted(void* p) {
  if (p == nullptr || !measuring) return p;
  const std::int64_t now = live += static_cast<std::int64_t>(malloc_usable_size(p));
  if (now > peak) peak = now;
  return p;
}

void forget(void* p) {
  if (p != nullptr && measuring) live -= static_cast<std::int64_t>(malloc_usable_size(p));
}

}  // namespace

extern "C" {

void* malloc(std::size_t n) noexcept { return too_large(n) ? nullptr : counted(__libc_malloc(n)); }
void* calloc(std::size_t n, std::size_t size) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(n, size, &bytes) || too_large(bytes)) return nullptr;
  return counted(__libc_calloc(n, size));
}
void* realloc(void* p, std::size_t n) noexcept {
  if (too_large(n)) return nullptr;
  forget(p);
  void* const out = __libc_realloc(p, n);
  if (out == nullptr && n != 0) return counted(p), nullptr;
  return counted(out);
}
void* memalign(std::size_t align, std::size_t n) noexcept { return too_large(n) ? nullptr : counted(__libc_memalign(align, n)); }
void* aligned_alloc(std::size_t align, std::size_t n) noexcept { return memalign(align, n); }
int posix_memalign(void** out, std::size_t align, std::size_t n) noexcept {
  *out = memalign(align, n);
  return *out == nullptr ? ENOMEM : 0;
}
void free(void* p) noexcept {
  forget(p);
  __libc_free(p);
}

}  // extern "C"

namespace dsperse::hostile {

Usage measure(const std::function<void()>& f) {
  live = 0, peak = 0, refused = false, measuring = true;
  try {
    f();
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  measuring = false;
  return {static_cast<std::size_t>(peak.load()), refused};
}

}  // namespace dsperse::hostile
