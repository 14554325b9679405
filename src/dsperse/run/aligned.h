// Arrays of plain values that begin on a cache line, so that no vector load of the kernels straddles two. Not initialised.
//
// Tested by run/integer_test.cc through their users.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace dsperse::run {

struct AlignedDelete {
  template <class T>
  void operator()(T* p) const {
    ::operator delete(p, std::align_val_t{64});
  }
};
template <class T>
using Aligned = std::unique_ptr<T[], AlignedDelete>;

template <class T>
Aligned<T> make_aligned(std::size_t n) {
  static_assert(std::is_trivially_copyable_v<T>);
  return Aligned<T>(static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})));
}

}  // namespace dsperse::run
