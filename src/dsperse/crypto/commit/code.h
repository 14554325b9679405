// The interleaved Reed-Solomon code of a tableau: rows of kd = 2^c data symbols and r pad symbols are the coefficients of
// one polynomial, evaluated on the coset 7 <w_n> of size n = 2^log_n. Column j is the evaluation at 7 w_n^j.
//
// Source: docs/protocol/commitments.md. Tested by crypto/commit/opening_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dsperse/crypto/field/goldilocks.h"

namespace dsperse::crypto {

struct Code {
  unsigned c = 0;      ///< log2 of the data symbols of a row
  std::size_t r = 0;   ///< pad symbols of a row
  unsigned log_n = 0;  ///< log2 of the columns

  [[nodiscard]] std::size_t kd() const { return std::size_t{1} << c; }
  [[nodiscard]] std::size_t k() const { return kd() + r; }
  [[nodiscard]] std::size_t n() const { return std::size_t{1} << log_n; }
  friend bool operator==(const Code&, const Code&) = default;
};

/// The evaluation point of column j.
constexpr Fp column_point(const Code& code, std::size_t j) { return Fp(kGenerator) * power(root_of_unity(code.log_n), j); }

}  // namespace dsperse::crypto
