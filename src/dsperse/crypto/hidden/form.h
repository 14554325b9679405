// Affine forms over what the prover has committed to: the verifier's view of every hidden value.
//
// A hidden value is sent as c = value + pad with a committed one-time pad; both parties go on with the form c - pad. Forms are
// closed under addition and public scaling, so every check is linear in committed symbols and all of them fold into one
// functional. Source: docs/protocol/hidden.md. Tested by crypto/hidden/hidden_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dsperse/crypto/field/extension.h"

namespace dsperse::crypto {

/// A committed element of E: pad i, or part p (0: ab, 1: f, 2: g, 3: h) of product slot k.
using Var = std::uint32_t;
inline constexpr Var kSlotBit = 0x80000000U;
constexpr Var pad_var(std::uint32_t i) { return i; }
constexpr Var slot_var(std::uint32_t k, std::uint32_t part) { return kSlotBit | (4 * k + part); }

/// A rank-one functional: one public vector per axis, row major (last axis fastest).
template <int D>
struct RankOne {
  std::vector<std::vector<Ext<D>>> vectors;
};

/// scalar * <vectors, committed vector `id`>.
template <int D>
struct LinearClaim {
  std::uint32_t id = 0;
  Ext<D> scalar;
  std::shared_ptr<const RankOne<D>> functional;
};

template <int D>
struct Form {
  static constexpr std::uint32_t kNoPad = 0xFFFFFFFFU;

  Ext<D> constant;
  std::vector<std::pair<Var, Ext<D>>> coef;  ///< repetitions allowed: they add up
  std::vector<LinearClaim<D>> claims;
  std::uint32_t pad = kNoPad;  ///< set iff this is one fresh hidden value: its pad

  Form() = default;
  explicit Form(const Ext<D>& c) : constant(c) {}

  Form& operator+=(const Form& o);
  Form& operator-=(const Form& o);
  Form& operator*=(const Ext<D>& s);
  /// += o s.
  Form& add_scaled(const Form& o, const Ext<D>& s);
  Form& operator+=(const Ext<D>& c) {
    constant += c;
    pad = kNoPad;
    return *this;
  }
  friend Form operator+(Form a, const Form& b) { return std::move(a += b); }
  friend Form operator-(Form a, const Form& b) { return std::move(a -= b); }
  friend Form operator*(Form a, const Ext<D>& s) { return std::move(a *= s); }
  friend Form operator-(Form a, const Ext<D>& c) { return std::move(a += -c); }
  friend Form operator+(Form a, const Ext<D>& c) { return std::move(a += c); }
};

}  // namespace dsperse::crypto
