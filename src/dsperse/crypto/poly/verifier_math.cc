#include "dsperse/crypto/poly/verifier_math.h"

#include <algorithm>
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

// Products are summed unreduced: one reduction a limb and sum.
template <int D>
Ext<D> inner(std::span<const Ext<D>> a, std::span<const Ext<D>> b) {
  std::array<WideSum, D> low, high;  // of X^m, and of X^(D + m) = 7 X^m
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t m = 0; m < D; ++m)
      for (std::size_t k = 0; k < D; ++k) (k <= m ? low : high)[m].add(a[i].c[k], b[i].c[(m + D - k) % D]);
  Ext<D> out;
  for (std::size_t m = 0; m < D; ++m) out.c[m] = low[m].reduced() + kNonResidue * high[m].reduced();
  return out;
}

template <int D>
Ext<D> eq_inner(std::span<const Ext<D>> point, std::uint64_t begin, std::span<const Ext<D>> values) {
  constexpr std::size_t kTable = 9;
  std::size_t low = 0;
  while (low < std::min(point.size(), kTable) && (std::size_t{1} << low) < values.size()) ++low;
  const std::vector<Ext<D>> table = eq_values<D>(point.first(low));
  Ext<D> sum;
  while (!values.empty()) {
    const auto at = static_cast<std::size_t>(begin & ((std::uint64_t{1} << low) - 1));
    const std::size_t n = std::min(values.size(), table.size() - at);
    sum += eq_at<D>(point.subspan(low), begin >> low) * inner<D>(values.first(n), std::span<const Ext<D>>(table).subspan(at));
    values = values.subspan(n);
    begin += n;
  }
  return sum;
}

namespace {

/// Inverts nonzero elements of F in place by one inversion. Eight interleaved chains of products, so that multiplications do not
/// wait for each other; the chains' ends are inverted the same way. False if some element is zero.
bool invert_nonzero(std::span<Fp> x) {
  constexpr std::size_t kChains = 8;
  std::vector<Fp> before(x.size());  // product of all earlier ones of the chain
  std::array<Fp, kChains> chain, ends;
  chain.fill(Fp(1));
  for (std::size_t i = 0; i < x.size(); ++i) {
    Fp& c = chain[i % kChains];
    before[i] = c;
    c *= x[i];
  }
  Fp all(1);
  for (std::size_t k = 0; k < kChains; ++k) {
    ends[k] = all;
    all *= chain[k];
  }
  if (all == Fp()) return false;
  all = inverse(all);
  for (std::size_t k = kChains; k-- > 0;) {
    const Fp c = chain[k];
    chain[k] = all * ends[k];
    all *= c;
  }
  for (std::size_t i = x.size(); i-- > 0;) {
    Fp& rest = chain[i % kChains];
    const Fp v = x[i];
    x[i] = rest * before[i];
    rest *= v;
  }
  return true;
}

}  // namespace

namespace {

/// x[i] <- 1 / x[i], given their norms.
template <int D>
bool invert_by_norms(std::span<Ext<D>> x, std::span<Fp> norms) {
  if (!invert_nonzero(norms)) return false;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = adjugate(x[i]).adjugate * norms[i];
  return true;
}

}  // namespace

template <int D>
bool invert_all(std::span<Ext<D>> x) {
  std::vector<Fp> norms(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) norms[i] = adjugate(x[i]).norm;
  return invert_by_norms<D>(x, norms);
}

template <int D>
bool invert_progressions(std::span<Ext<D>> x, std::span<const std::size_t> ends) {
  std::vector<Fp> norms(x.size());
  std::size_t i = 0;
  for (const std::size_t end : ends) {
    std::array<Fp, D + 1> d;  // differences of order 0 ... D of the norms from i on
    const std::size_t first = std::min<std::size_t>(end - i, D + 1);
    for (std::size_t k = 0; k < first; ++k) norms[i + k] = d[k] = adjugate(x[i + k]).norm;
    if (end - i > first) {
      for (std::size_t order = 1; order <= D; ++order)
        for (std::size_t k = D; k >= order; --k) d[k] -= d[k - 1];
      for (; i < end; ++i) {
        norms[i] = d[0];
        for (std::size_t k = 0; k < D; ++k) d[k] += d[k + 1];
      }
    }
    i = end;
  }
  return invert_by_norms<D>(x, norms);
}

#define DSPERSE_INSTANTIATE(D)                                                                     \
  template std::vector<Ext<D>> eq_values<D>(std::span<const Ext<D>>);                              \
  template Ext<D> eq_at<D>(std::span<const Ext<D>>, std::uint64_t);                                \
  template std::vector<Ext<D>> eq_range<D>(std::span<const Ext<D>>, std::uint64_t, std::uint64_t); \
  template Ext<D> eq_inner<D>(std::span<const Ext<D>>, std::uint64_t, std::span<const Ext<D>>);    \
  template Ext<D> inner<D>(std::span<const Ext<D>>, std::span<const Ext<D>>);                      \
  template bool invert_all<D>(std::span<Ext<D>>);                                                  \
  template bool invert_progressions<D>(std::span<Ext<D>>, std::span<const std::size_t>);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
