// The extension E = F[X]/(X^D - 7): D = 2 for the 100-bit profile, D = 3 for the 128-bit profile.
//
// 7 generates F*, so X^2 - 7 and X^3 - 7 are irreducible (7 is neither a square nor a cube; 3 divides p - 1).
// Limb k is the coefficient of X^k. Tested by crypto/field/field_test.cc.
#pragma once

#include <array>

#include "dsperse/crypto/field/goldilocks.h"

namespace dsperse::crypto {

inline constexpr Fp kNonResidue{7};

/// A sum of products of F, reduced late: 2^128 = -2^32 mod p.
struct WideSum {
  unsigned __int128 sum = 0;
  std::uint64_t carries = 0;

  constexpr void add(Fp a, Fp b) {
    const unsigned __int128 x = wide_product(a.v, b.v);
    sum += x;
    carries += sum < x ? 1 : 0;
  }
  constexpr Fp reduced() const { return Fp(reduce128(sum)) - Fp(carries << 32); }
};

template <int D>
struct Ext {
  static_assert(D == 2 || D == 3);
  std::array<Fp, D> c{};

  constexpr Ext() = default;
  constexpr explicit Ext(Fp x) { c[0] = x; }
  static constexpr Ext zero() { return {}; }
  static constexpr Ext one() { return Ext(Fp(1)); }
  static constexpr Ext from_signed(std::int64_t x) { return Ext(Fp::from_signed(x)); }
  /// X^k, 0 <= k < D.
  static constexpr Ext basis(int k) {
    Ext e;
    e.c[static_cast<std::size_t>(k)] = Fp(1);
    return e;
  }

  friend constexpr Ext operator+(Ext a, const Ext& b) {
    for (std::size_t i = 0; i < D; ++i) a.c[i] += b.c[i];
    return a;
  }
  friend constexpr Ext operator-(Ext a, const Ext& b) {
    for (std::size_t i = 0; i < D; ++i) a.c[i] -= b.c[i];
    return a;
  }
  friend constexpr Ext operator-(Ext a) {
    for (std::size_t i = 0; i < D; ++i) a.c[i] = -a.c[i];
    return a;
  }
  friend constexpr Ext operator*(Ext a, Fp s) {
    for (std::size_t i = 0; i < D; ++i) a.c[i] *= s;
    return a;
  }
  friend constexpr Ext operator*(const Ext& a, const Ext& b) {
    Ext r;
    for (std::size_t m = 0; m < D; ++m) {  // one reduction for the limb, one more for what X^D = 7 brings back
      WideSum low, high;
      for (std::size_t i = 0; i < D; ++i) (i <= m ? low : high).add(a.c[i], b.c[(m + D - i) % D]);
      if (m + 1 < D) low.add(high.reduced(), kNonResidue);
      r.c[m] = low.reduced();
    }
    return r;
  }
  constexpr Ext& operator+=(const Ext& b) { return *this = *this + b; }
  constexpr Ext& operator-=(const Ext& b) { return *this = *this - b; }
  constexpr Ext& operator*=(const Ext& b) { return *this = *this * b; }
  friend constexpr bool operator==(const Ext&, const Ext&) = default;
};

/// 1 / x = adjugate / norm, the norm being an element of F that is zero only for x = 0.
template <int D>
struct Adjugate {
  Ext<D> adjugate;
  Fp norm;
};
template <int D>
constexpr Adjugate<D> adjugate(const Ext<D>& x) {
  const auto& a = x.c;
  Adjugate<D> out;
  if constexpr (D == 2) {
    out.adjugate.c = {a[0], -a[1]};
    WideSum norm;
    norm.add(a[0], a[0]);
    norm.add(a[1], -(kNonResidue * a[1]));
    out.norm = norm.reduced();
  } else {
    auto& c = out.adjugate.c;
    c = {a[0] * a[0] - kNonResidue * (a[1] * a[2]), kNonResidue * (a[2] * a[2]) - a[0] * a[1], a[1] * a[1] - a[0] * a[2]};
    out.norm = a[0] * c[0] + kNonResidue * (a[1] * c[2] + a[2] * c[1]);
  }
  return out;
}

/// 1 / x for x != 0; 0 for 0.
template <int D>
constexpr Ext<D> inverse(const Ext<D>& x) {
  const Adjugate<D> a = adjugate(x);
  return a.adjugate * inverse(a.norm);
}

}  // namespace dsperse::crypto
