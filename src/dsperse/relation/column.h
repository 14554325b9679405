// The values of one column of a lookup, in the narrowest storage that holds them.
//
// Prover only. Tested by ops/ops_test.cc.
#pragma once

#include <cstdint>

#include "dsperse/crypto/field/goldilocks.h"

namespace dsperse::relation {

/// Exactly one pointer is set.
struct ColumnView {
  const std::int16_t* narrow = nullptr;
  const std::int32_t* normal = nullptr;
  const crypto::Fp* wide = nullptr;
  std::size_t size = 0;

  [[nodiscard]] crypto::Fp at(std::size_t i) const {
    return narrow != nullptr   ? crypto::Fp::from_signed(narrow[i])
           : normal != nullptr ? crypto::Fp::from_signed(normal[i])
                               : wide[i];
  }
  /// f(pointer to the storage).
  template <class F>
  auto visit(F f) const {
    return narrow != nullptr ? f(narrow) : normal != nullptr ? f(normal) : f(wide);
  }
};

}  // namespace dsperse::relation
