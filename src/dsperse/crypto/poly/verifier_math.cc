#include "dsperse/crypto/poly/verifier_math.h"
namespace dsperse::crypto {
template <int D> std::vector<Ext<D>> eq_values(std::span<const Ext<D>> point) {
  std::vector<Ext<D>> t{Ext<D>::one()};
  for (std::size_t k = 0; k < point.size(); ++k) {
    const std::size_t m = t.size();
    t.resize(2 * m);
    for (std::size_t i = 0; i < m; ++i) { t[m + i] = t[i] * point[k]; t[i] -= t[m + i]; }
  }
  return t;
}
template <int D> Ext<D> eq_at(std::span<const Ext<D>> point, std::uint64_t index) {
  Ext<D> r = Ext<D>::one();
  for (std::size_t k = 0; k < point.size(); ++k) r *= ((index >> k) & 1) != 0 ? point[k] : Ext<D>::one() - point[k];
  return point.size() < 64 && (index >> point.size()) != 0 ? Ext<D>{} : r;
}
template <int D> std::vector<Ext<D>> eq_range(std::span<const Ext<D>> point, std::uint64_t begin, std::uint64_t end) {
  std::vector<Ext<D>> out;
  if (begin >= end) return out;
  unsigned low = 0;
  while ((std::uint64_t{1} << low) < end - begin && low < point.size()) ++low;
  const auto table = eq_values<D>(point.first(low));
  out.reserve(end - begin);
  std::uint64_t high = ~std::uint64_t{0};
  Ext<D> w;
  for (std::uint64_t i = begin; i < end; ++i) {
    if ((i >> low) != high) { high = i >> low; w = eq_at<D>(point.subspan(low), high); }
    out.push_back(w * table[i & ((std::uint64_t{1} << low) - 1)]);
  }
  return out;
}
template <int D> Ext<D> inner(std::span<const Ext<D>> a, std::span<const Ext<D>> b) {
  Ext<D> s;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
template <int D> bool invert_all(std::span<Ext<D>> x) {
  std::vector<Ext<D>> pre(x.size());
  Ext<D> p = Ext<D>::one();
  for (std::size_t i = 0; i < x.size(); ++i) { pre[i] = p; p *= x[i]; }
  if (p == Ext<D>{}) return false;
  p = inverse(p);
  for (std::size_t i = x.size(); i-- > 0;) { const Ext<D> v = x[i]; x[i] = p * pre[i]; p *= v; }
  return true;
}
#define I(D) template std::vector<Ext<D>> eq_values<D>(std::span<const Ext<D>>); template Ext<D> eq_at<D>(std::span<const Ext<D>>, std::uint64_t); template std::vector<Ext<D>> eq_range<D>(std::span<const Ext<D>>, std::uint64_t, std::uint64_t); template Ext<D> inner<D>(std::span<const Ext<D>>, std::span<const Ext<D>>); template bool invert_all<D>(std::span<Ext<D>>);
I(2) I(3)
}
