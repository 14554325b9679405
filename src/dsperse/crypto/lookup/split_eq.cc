#include "dsperse/crypto/lookup/split_eq.h"

#include <algorithm>

#include "dsperse/crypto/poly/multilinear.h"

namespace dsperse::crypto {

// Indices below `end` agree with it above some bit where it has a one and they a zero.
template <int D>
Ext<D> eq_prefix(std::span<const Ext<D>> point, std::uint64_t end) {
  if (end >> point.size() != 0) return Ext<D>::one();
  Ext<D> sum, agree = Ext<D>::one();
  for (std::size_t k = point.size(); k-- > 0;) {
    const Ext<D> one = agree * point[k], zero = agree - one;
    const bool bit = ((end >> k) & 1) != 0;
    if (bit) sum += zero;
    agree = bit ? one : zero;
  }
  return sum;
}

template <int D>
SplitEq<D>::SplitEq(std::span<const Ext<D>> point) : point_(point.begin(), point.end()), first_(1) {
  const std::span<const Ext<D>> left = rest();
  const std::size_t low = std::min(kLow, left.size());
  low_ = eq_table<D>(left.first(low));
  high_ = eq_table<D>(left.subspan(low));
}

template <int D>
void SplitEq<D>::next() {
  ++first_;
  const std::span<const Ext<D>> left = rest();
  if (left.size() < kLow) {
    sum_pairs(low_);
  } else {
    low_ = eq_table<D>(left.first(kLow));
    sum_pairs(high_);
  }
}

template Ext<2> eq_prefix(std::span<const Ext<2>>, std::uint64_t);
template Ext<3> eq_prefix(std::span<const Ext<3>>, std::uint64_t);
template class SplitEq<2>;
template class SplitEq<3>;

}  // namespace dsperse::crypto
