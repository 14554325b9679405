// Slow, obvious multilinear algebra over std::vector: the reference that poly's kernels and the sumchecks are tested against.
// Tests only; product targets don't link this.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"

namespace dsperse::crypto::testing {

using Rng = std::mt19937_64;

/// Uniform, one in eight an extreme value (0, 1, p - 1, 2^32 - 1, 2^32, ...).
inline Fp random_fp(Rng& rng) {
  static constexpr std::uint64_t kExtremes[] = {
      0, 1, kP - 1, kEpsilon, kEpsilon + 1, kP - kEpsilon, kP >> 1, (std::uint64_t{1} << 52) - 1};
  if (rng() % 8 == 0) return Fp(kExtremes[rng() % 8]);
  return Fp(rng() % kP);
}
template <int D>
Ext<D> random_ext(Rng& rng) {
  Ext<D> e;
  for (Fp& limb : e.c) limb = random_fp(rng);
  return e;
}
template <int D>
std::vector<Ext<D>> random_exts(Rng& rng, std::size_t n) {
  std::vector<Ext<D>> out(n);
  for (Ext<D>& e : out) e = random_ext<D>(rng);
  return out;
}

template <int D>
ExtVec<D> pack(const std::vector<Ext<D>>& v) {
  ExtVec<D> out(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) out.set(i, v[i]);
  return out;
}
template <int D>
std::vector<Ext<D>> unpack(const ExtVec<D>& v) {
  std::vector<Ext<D>> out(v.size());
  for (std::size_t i = 0; i < v.size(); ++i) out[i] = v[i];
  return out;
}

/// prod_k (bit k of i ? point[k] : 1 - point[k]).
template <int D>
Ext<D> naive_eq(std::span<const Ext<D>> point, std::uint64_t i) {
  Ext<D> r = Ext<D>::one();
  for (std::size_t k = 0; k < point.size(); ++k) r *= ((i >> k) & 1) != 0 ? point[k] : Ext<D>::one() - point[k];
  return r;
}
template <int D>
std::vector<Ext<D>> naive_fold(const std::vector<Ext<D>>& t, const Ext<D>& x) {
  std::vector<Ext<D>> out(t.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = (Ext<D>::one() - x) * t[2 * i] + x * t[2 * i + 1];
  return out;
}
/// The multilinear extension of t at a point.
template <int D>
Ext<D> naive_evaluate(const std::vector<Ext<D>>& t, std::span<const Ext<D>> point) {
  Ext<D> s;
  for (std::size_t i = 0; i < t.size(); ++i) s += naive_eq<D>(point, i) * t[i];
  return s;
}
/// Coefficients of the product modulo X^D - 7, by schoolbook over polynomials.
template <int D>
Ext<D> naive_mul(const Ext<D>& a, const Ext<D>& b) {
  std::array<Fp, 2 * D - 1> wide{};
  for (std::size_t i = 0; i < D; ++i)
    for (std::size_t j = 0; j < D; ++j) wide[i + j] += a.c[i] * b.c[j];
  Ext<D> r;
  for (std::size_t i = 0; i < wide.size(); ++i) r.c[i % D] += i < D ? wide[i] : Fp(7) * wide[i];
  return r;
}

}  // namespace dsperse::crypto::testing
