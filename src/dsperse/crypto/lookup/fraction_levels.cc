#include "dsperse/crypto/lookup/fraction_levels.h"

namespace dsperse::crypto {

template <int D>
FractionLevels<D>::FractionLevels(FractionLevel<D> leaves) {
  levels_.push_back(std::move(leaves));
  while (levels_.back().p0.size() > 1) levels_.push_back(fraction_parents(levels_.back()));
  const FractionLevel<D>& top = levels_.back();
  root_ = {top.p0[0] * top.q1[0] + top.p1[0] * top.q0[0], top.q0[0] * top.q1[0]};
}

template <int D>
RoundProver<D>* FractionLevels<D>::level(std::size_t k, std::span<const Ext<D>> point, const Ext<D>& lambda) {
  (void)k;  // levels are asked for in order
  now_ = std::move(levels_.back());
  levels_.pop_back();
  lambda_ = lambda;
  next_.reset();
  add_scaled(now_.p0, now_.q0, lambda);
  eq_ = eq_table<D>(point.empty() ? point : point.subspan(1));
  return this;
}

template <int D>
std::array<Ext<D>, 4> FractionLevels<D>::level_end() {
  return {now_.p0[0] - lambda_ * now_.q0[0], now_.p1[0], now_.q0[0], now_.q1[0]};
}

template <int D>
std::array<Ext<D>, 2> FractionLevels<D>::round() {
  return next_ ? *next_ : fraction_round(eq_, now_);
}

template <int D>
void FractionLevels<D>::bind(const Ext<D>& x) {
  if (now_.p0.size() > 2)
    next_ = fold_fraction_round(eq_, now_, x);
  else
    for (ExtVec<D>* t : {&now_.p0, &now_.p1, &now_.q0, &now_.q1}) fold(*t, x);
}

template class FractionLevels<2>;
template class FractionLevels<3>;

}  // namespace dsperse::crypto
