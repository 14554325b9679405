// Symbols: a stretch of committed symbols as it lies in memory, canonical field elements or signed integers of some width.
//
// Weights and activations are 16 or 32 bits; whoever encodes, folds or combines rows reads them from there, so that no copy over
// F is ever made. A view: whoever makes it says how long it stays. Tested by crypto/poly/poly_test.cc and
// crypto/commit/tree_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dsperse/crypto/field/goldilocks.h"

namespace dsperse::crypto {

/// What a symbol is stored as. By growing range: a value of one width fits each later one.
enum class Width : std::uint8_t { i16, i32, i64, field };

constexpr std::size_t width_bytes(Width w) { return w == Width::i16 ? 2 : w == Width::i32 ? 4 : 8; }

struct Symbols {
  const void* data = nullptr;
  Width width = Width::field;

  Symbols() = default;
  Symbols(const void* data_, Width width_) : data(data_), width(width_) {}
  explicit Symbols(const std::int16_t* p) : data(p), width(Width::i16) {}
  explicit Symbols(const std::int32_t* p) : data(p), width(Width::i32) {}
  explicit Symbols(const std::int64_t* p) : data(p), width(Width::i64) {}
  explicit Symbols(const Fp* p) : data(p) {}

  /// The same from symbol i on.
  [[nodiscard]] Symbols from(std::size_t i) const {
    return {static_cast<const std::uint8_t*>(data) + i * width_bytes(width), width};
  }
  [[nodiscard]] Fp at(std::size_t i) const {
    switch (width) {
      case Width::i16:
        return Fp::from_signed(static_cast<const std::int16_t*>(data)[i]);
      case Width::i32:
        return Fp::from_signed(static_cast<const std::int32_t*>(data)[i]);
      case Width::i64:
        return Fp::from_signed(static_cast<const std::int64_t*>(data)[i]);
      case Width::field:
        break;
    }
    return static_cast<const Fp*>(data)[i];
  }
};

}  // namespace dsperse::crypto
