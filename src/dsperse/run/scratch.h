// A buffer for one call that its thread keeps for the next one, so that a run allocates nothing once it is warm.
//
// Tested by run/integer_test.cc through its users.
#pragma once

#include <cstddef>

#include "dsperse/run/aligned.h"

namespace dsperse::run {

class Scratch {
 public:
  /// Not initialised. A buffer beyond 4 MiB, or a second one in the same thread, is allocated and freed.
  explicit Scratch(std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  Aligned<std::byte> own_;
};

}  // namespace dsperse::run
