#include "dsperse/crypto/lookup/numerators.h"

#include <algorithm>
#include <bit>

#include "dsperse/crypto/lookup/split_eq.h"
#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::crypto {
namespace {

unsigned bits_for(std::size_t n) { return static_cast<unsigned>(std::bit_width(n - 1)); }

}  // namespace

template <int D>
Numerators<D>::Numerators(const std::vector<LookupBlock<D>>& blocks, std::span<const E> point)
    : point_(point.begin(), point.end()) {
  for (const LookupBlock<D>& block : blocks) {
    unsigned vars = 0;
    for (const std::size_t size : block.shape) vars += bits_for(size);
    if (vars == 0) {
      Single s{block.offset / 2, {}};
      s.p[block.offset % 2] = E::one();
      add_single(s);
      continue;
    }
    Box box{block.offset >> vars, {}, {E::one(), E::one()}};
    E rest = eq_at<D>(point.subspan(vars - 1), box.place);
    unsigned end = vars - 1;                      // of the axis' variables in the point
    for (const std::size_t size : block.shape) {  // outermost first
      const unsigned bits = bits_for(size);
      if (bits == 0) continue;
      Axis axis{bits, {Steps{size, {}}, Steps{size, {}}}, rest};
      if (bits > end) {  // the innermost: bit 0 is the child's
        axis.bits = end;
        axis.p = {Steps{(size + 1) / 2, {}}, Steps{size / 2, {}}};
      } else {
        end -= bits;
        rest *= eq_prefix<D>(point.subspan(end, bits), size);
      }
      box.axes.push_back(axis);
    }
    if (settle(box))
      add_single({box.place, box.p});
    else
      boxes_.push_back(std::move(box));
  }
}

template <int D>
auto Numerators<D>::Steps::bound(const E& x) const -> Steps {
  if (ones % 2 == 0) return {ones / 2, next * (E::one() - x)};
  return {ones / 2, E::one() + x * (next - E::one())};
}

template <int D>
bool Numerators<D>::settle(Box& box) {
  while (!box.axes.empty() && box.axes.back().bits == 0) {
    for (std::size_t side = 0; side < 2; ++side) box.p[side] *= box.axes.back().p[side].at(0);
    box.axes.pop_back();
  }
  return box.axes.empty();
}

template <int D>
void Numerators<D>::add_single(const Single& s) {
  if (singles_.empty() || singles_.back().place != s.place) {
    singles_.push_back(s);
    return;
  }
  for (std::size_t side = 0; side < 2; ++side) singles_.back().p[side] += s.p[side];
}

template <int D>
std::array<Ext<D>, 2> Numerators<D>::round() const {
  const std::array<E, 2> x{E{}, E::from_signed(2)};
  const std::span<const E> left = std::span(point_).subspan(bound_ + 1);
  std::array<E, 2> sums;
  for (const Box& box : boxes_) {
    const Axis& axis = box.axes.back();
    const E weight = axis.rest * box.p[0] * box.p[1];
    const std::span<const E> vars = left.first(axis.bits - 1);
    for (std::size_t k = 0; k < 2; ++k) {
      const Steps a = axis.p[0].bound(x[k]), b = axis.p[1].bound(x[k]);
      const std::size_t ones = std::min(a.ones, b.ones);
      E sum = eq_prefix<D>(vars, ones);
      if (ones >> vars.size() == 0) {
        const E last = a.at(ones) * b.at(ones);
        if (last != E{}) sum += last * eq_at<D>(vars, ones);
      }
      sums[k] += sum * weight;
    }
  }
  for (std::size_t i = 0; i < singles_.size(); ++i) {
    const std::size_t place = singles_[i].place / 2;
    std::array<E, 2> even{}, odd{};
    (singles_[i].place % 2 == 0 ? even : odd) = singles_[i].p;
    if (i + 1 < singles_.size() && singles_[i + 1].place / 2 == place) odd = singles_[++i].p;
    const E weight = eq_at<D>(left, place);
    for (std::size_t k = 0; k < 2; ++k)
      sums[k] += (even[0] + (odd[0] - even[0]) * x[k]) * (even[1] + (odd[1] - even[1]) * x[k]) * weight;
  }
  return sums;
}

template <int D>
void Numerators<D>::bind(const E& x) {
  ++bound_;
  std::vector<Single> before;
  std::swap(before, singles_);
  std::vector<Box> boxes;
  for (Box& box : boxes_) {
    Axis& axis = box.axes.back();
    --axis.bits;
    for (Steps& steps : axis.p) steps = steps.bound(x);
    if (settle(box))
      add_single({box.place, box.p});
    else
      boxes.push_back(std::move(box));
  }
  boxes_ = std::move(boxes);
  for (const Single& s : before) {
    const E weight = s.place % 2 == 0 ? E::one() - x : x;
    add_single({s.place / 2, {s.p[0] * weight, s.p[1] * weight}});
  }
}

template class Numerators<2>;
template class Numerators<3>;

}  // namespace dsperse::crypto
