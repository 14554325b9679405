#include "dsperse/crypto/hidden/party.h"

#include "dsperse/base/rule.h"

namespace dsperse::crypto {
namespace {

template <int D>
Form<D> variable(Var v) {
  Form<D> f;
  f.coef.emplace_back(v, Ext<D>::one());
  return f;
}

}  // namespace

template <int D>
Form<D> Party<D>::hide(std::string_view label, const Ext<D>& value) {
  const std::uint32_t i = pads_++;
  Form<D> f(channel_.hidden(label, i, value));
  f.coef.emplace_back(pad_var(i), -Ext<D>::one());
  f.pad = i;
  return f;
}

template <int D>
Form<D> Party<D>::hide_end(std::string_view label, const Ext<D>& value) {
  const std::uint32_t i = end_pads_++;
  Form<D> f(channel_.last(label, i, value));
  f.coef.emplace_back(i, -Ext<D>::one());
  return f;
}

// (ca - a)(cb - b) = ca cb - cb a - ca b + ab
template <int D>
Form<D> Party<D>::mul(const Form<D>& a, const Form<D>& b) {
  if (a.pad == Form<D>::kNoPad || b.pad == Form<D>::kNoPad) {  // a schedule's fault: a slot would hold nobody's product
    abort_run();
    return {};
  }
  const auto k = static_cast<std::uint32_t>(slots_.size());
  slots_.emplace_back(a.pad, b.pad);
  Form<D> f(a.constant * b.constant);
  f.coef.emplace_back(pad_var(a.pad), -b.constant);
  f.coef.emplace_back(pad_var(b.pad), -a.constant);
  f.coef.emplace_back(slot_var(k, 0), Ext<D>::one());
  return f;
}

template <int D>
void Party<D>::check(std::string_view id, Form<D> form) {
  if (kDisarmable || role_ == Role::dry) check_ids_.emplace_back(id);
  checks_.push_back(std::move(form));
}

template <int D>
void Party<D>::sacrifice() {
  const Ext<D> rho = challenge("rho");
  for (std::uint32_t k = 0; k < slots_.size(); ++k) {
    const Form<D> a = variable<D>(pad_var(slots_[k].first)), b = variable<D>(pad_var(slots_[k].second));
    const Form<D> ab = variable<D>(slot_var(k, 0)), f = variable<D>(slot_var(k, 1));
    const Form<D> g = variable<D>(slot_var(k, 2)), h = variable<D>(slot_var(k, 3));
    const Form<D> fe = a * rho - f, fd = b - g;
    const Ext<D> e = channel_.clear("e", clears_++, fe);
    const Ext<D> d = channel_.clear("d", clears_++, fd);
    check("sacrifice e", fe - e);
    check("sacrifice d", fd - d);
    check("sacrifice product", ab * rho - h - g * e - f * d - e * d);
  }
}

template <int D>
Folded<D> Party<D>::fold_checks() {
  const Ext<D> eta = challenge("eta");
  Ext<D> power = Ext<D>::one();
  Folded<D> out;
  std::vector<Ext<D>> pad_coef(pads_), slot_coef(4 * slots_.size());
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if constexpr (kDisarmable)  // by both sides: what a verifier without this check would accept
      if (disarmed("check " + check_ids_[i])) continue;
    Form<D>& form = checks_[i];
    for (const auto& [v, c] : form.coef) ((v & kSlotBit) != 0 ? slot_coef[v & ~kSlotBit] : pad_coef[v]) += c * power;
    for (LinearClaim<D>& c : form.claims) {
      c.scalar *= power;
      out.claims.push_back(std::move(c));
    }
    out.value -= form.constant * power;
    power *= eta;
  }
  for (std::uint32_t i = 0; i < pad_coef.size(); ++i) out.coef.emplace_back(pad_var(i), pad_coef[i]);
  for (std::uint32_t i = 0; i < slot_coef.size(); ++i) out.coef.emplace_back(kSlotBit | i, slot_coef[i]);
  return out;
}

template class Party<2>;
template class Party<3>;

}  // namespace dsperse::crypto
