#include "dsperse/crypto/poly/multilinear.h"
namespace dsperse::crypto {
template <int D> ExtVec<D> eq_table(std::span<const Ext<D>> point, const Ext<D>& scale) {
  ExtVec<D> t(std::size_t{1} << point.size());
  t.set(0, scale);
  for (std::size_t k = 0; k < point.size(); ++k)
    for (std::size_t i = 0, m = std::size_t{1} << k; i < m; ++i) { const Ext<D> a = t[i], b = a * point[k]; t.set(m + i, b); t.set(i, a - b); }
  return t;
}
template <int D> void fold(ExtVec<D>& t, const Ext<D>& x) {
  const std::size_t m = t.size() / 2;
  for (std::size_t i = 0; i < m; ++i) { const Ext<D> a = t[2 * i]; t.set(i, a + x * (t[2 * i + 1] - a)); }
  t.truncate(m);
}
template <int D> void sum_pairs(ExtVec<D>& t) {
  const std::size_t m = t.size() / 2;
  for (std::size_t i = 0; i < m; ++i) t.set(i, t[2 * i] + t[2 * i + 1]);
  t.truncate(m);
}
template <int D> Ext<D> inner(const ExtVec<D>& a, const ExtVec<D>& b) { Ext<D> s; for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i]; return s; }
template <int D> Ext<D> inner(std::span<const Fp> a, const ExtVec<D>& b) { Ext<D> s; for (std::size_t i = 0; i < a.size(); ++i) s += b[i] * a[i]; return s; }
template <int D> std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>& a, const ExtVec<D>& b) {
  Ext<D> g0, g2;
  for (std::size_t i = 0; i < a.size() / 2; ++i) {
    const Ext<D> a0 = a[2 * i], a1 = a[2 * i + 1], b0 = b[2 * i], b1 = b[2 * i + 1];
    g0 += a0 * b0;
    g2 += (a1 + a1 - a0) * (b1 + b1 - b0);
  }
  return {g0, g2};
}
template <int D> std::array<Ext<D>, 2> fraction_round(const ExtVec<D>& eq, const ExtVec<D>& p0, const ExtVec<D>& p1, const ExtVec<D>& q0, const ExtVec<D>& q1, const Ext<D>& l) {
  Ext<D> h0, h2;
  for (std::size_t i = 0; i < eq.size(); ++i) {
    const auto f = [&](const Ext<D>& a, const Ext<D>& b, const Ext<D>& c, const Ext<D>& d) { return a * d + b * c + l * (c * d); };
    const auto two = [&](const ExtVec<D>& t) { const Ext<D> x = t[2 * i + 1]; return x + x - t[2 * i]; };
    h0 += eq[i] * f(p0[2 * i], p1[2 * i], q0[2 * i], q1[2 * i]);
    h2 += eq[i] * f(two(p0), two(p1), two(q0), two(q1));
  }
  return {h0, h2};
}
template <int D> FractionLevel<D> fraction_level(const ExtVec<D>& p, const ExtVec<D>& q, ExtVec<D>& pp, ExtVec<D>& qq) {
  const std::size_t m = p.size() / 2;
  FractionLevel<D> r{ExtVec<D>(m), ExtVec<D>(m), ExtVec<D>(m), ExtVec<D>(m)};
  for (std::size_t i = 0; i < m; ++i) {
    const Ext<D> a = p[2 * i], b = p[2 * i + 1], c = q[2 * i], d = q[2 * i + 1];
    r.p0.set(i, a); r.p1.set(i, b); r.q0.set(i, c); r.q1.set(i, d);
    pp.set(i, a * d + b * c); qq.set(i, c * d);
  }
  return r;
}
template <int D, class T> static void acc(ExtVec<D>& out, std::span<const Ext<D>> w, std::span<const T* const> rows, std::size_t n) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t k = 0; k < n; ++k) {
      Fp x;
      if constexpr (std::is_same_v<T, Fp>) x = rows[i][k]; else x = Fp::from_signed(rows[i][k]);
      out.add(k, w[i] * x);
    }
}
template <int D> void accumulate_rows(ExtVec<D>& o, std::span<const Ext<D>> w, std::span<const Fp* const> r, std::size_t n) { acc<D, Fp>(o, w, r, n); }
template <int D> void accumulate_rows(ExtVec<D>& o, std::span<const Ext<D>> w, std::span<const std::int16_t* const> r, std::size_t n) { acc<D, std::int16_t>(o, w, r, n); }
template <int D> void accumulate_rows(ExtVec<D>& o, std::span<const Ext<D>> w, std::span<const std::int32_t* const> r, std::size_t n) { acc<D, std::int32_t>(o, w, r, n); }
#define I(D) template ExtVec<D> eq_table(std::span<const Ext<D>>, const Ext<D>&); template void fold(ExtVec<D>&, const Ext<D>&); template void sum_pairs(ExtVec<D>&); template Ext<D> inner(const ExtVec<D>&, const ExtVec<D>&); template Ext<D> inner(std::span<const Fp>, const ExtVec<D>&); template std::array<Ext<D>, 2> quadratic_round(const ExtVec<D>&, const ExtVec<D>&); template std::array<Ext<D>, 2> fraction_round(const ExtVec<D>&, const ExtVec<D>&, const ExtVec<D>&, const ExtVec<D>&, const ExtVec<D>&, const Ext<D>&); template FractionLevel<D> fraction_level(const ExtVec<D>&, const ExtVec<D>&, ExtVec<D>&, ExtVec<D>&); template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const Fp* const>, std::size_t); template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const std::int16_t* const>, std::size_t); template void accumulate_rows(ExtVec<D>&, std::span<const Ext<D>>, std::span<const std::int32_t* const>, std::size_t);
I(2) I(3)
}
