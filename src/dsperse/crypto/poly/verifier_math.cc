#include "dsperse/crypto/poly/verifier_math.h"

#include <array>

namespace dsperse::crypto {

template <int D>
std::vector<Ext<D>> eq_values(std::span<const Ext<D>> point) {
  std::vector<Ext<D>> t(std::size_t{1} << point.size());
  t[0] = Ext<D>::one();
  for (std::size_t k = 0; k < point.size(); ++k) {
    const std::size_t m = std::size_t{1} << k;
    for (std::size_t i = 0; i < m; ++i) {
      t[m + i] = t[i] * point[k];
      t[i] -= t[m + i];
    }
  }
  return t;
}

template <int D>
Ext<D> eq_at(std::span<const Ext<D>> point, std::uint64_t index) {
  if (point.size() < 64 && (index >> point.size()) != 0) return {};
  Ext<D> r = Ext<D>::one();
  for (std::size_t k = 0; k < point.size(); ++k) r *= ((index >> k) & 1) != 0 ? point[k] : Ext<D>::one() - point[k];
  return r;
}

template <int D>
std::vector<Ext<D>> eq_range(std::span<const Ext<D>> point, std::uint64_t begin, std::uint64_t end) {
  std::vector<Ext<D>> out;
  if (begin >= end) return out;
  unsigned low = 0;  // variables of a table that the range crosses at most once
  while ((std::uint64_t{1} << low) < end - begin && low < point.size()) ++low;
  const std::vector<Ext<D>> table = eq_values<D>(point.first(low));
  const std::uint64_t mask = (std::uint64_t{1} << low) - 1;
  out.reserve(static_cast<std::size_t>(end - begin));
  Ext<D> high = eq_at<D>(point.subspan(low), begin >> low);
  for (std::uint64_t i = begin; i < end; ++i) {
    if (i != begin && (i & mask) == 0) high = eq_at<D>(point.subspan(low), i >> low);
    out.push_back(high * table[static_cast<std::size_t>(i & mask)]);
  }
  return out;
}

template <int D>
Ext<D> inner(std::span<const Ext<D>> a, std::span<const Ext<D>> b) {
  Ext<D> s;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}

// Eight interleaved chains of products, so that multiplications do not wait for each other.
template <int D>
bool invert_all(std::span<Ext<D>> x) {
  constexpr std::size_t kChains = 8;
  std::vector<Ext<D>> before(x.size());  // product of all earlier ones of the chain
  std::array<Ext<D>, kChains> chain;
  chain.fill(Ext<D>::one());
  for (std::size_t i = 0; i < x.size(); ++i) {
    before[i] = chain[i % kChains];
    chain[i % kChains] *= x[i];
  }
  for (Ext<D>& c : chain) {
    if (c == Ext<D>::zero()) return false;
    c = inverse(c);
  }
  for (std::size_t i = x.size(); i-- > 0;) {
    Ext<D>& rest = chain[i % kChains];
    const Ext<D> v = x[i];
    x[i] = rest * before[i];
    rest *= v;
  }
  return true;
}

#define DSPERSE_INSTANTIATE(D)                                                                     \
  template std::vector<Ext<D>> eq_values<D>(std::span<const Ext<D>>);                              \
  template Ext<D> eq_at<D>(std::span<const Ext<D>>, std::uint64_t);                                \
  template std::vector<Ext<D>> eq_range<D>(std::span<const Ext<D>>, std::uint64_t, std::uint64_t); \
  template Ext<D> inner<D>(std::span<const Ext<D>>, std::span<const Ext<D>>);                      \
  template bool invert_all<D>(std::span<Ext<D>>);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
