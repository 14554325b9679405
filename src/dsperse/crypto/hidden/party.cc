#include "dsperse/crypto/hidden/party.h"

#include "dsperse/base/rule.h"

namespace dsperse::crypto {
template <int D>
typename Party<D>::Hidden Party<D>::say(std::string_view label, const Ext<D>& value) {
  const std::uint32_t i = pads_++;
  return {pad_var(i), channel_.hidden(label, i, value)};
}

template <int D>
typename Party<D>::Hidden Party<D>::say_end(std::string_view label, const Ext<D>& value) {
  const std::uint32_t i = end_pads_++;
  return {i, channel_.last(label, i, value)};
}

template <int D>
Form<D> Party<D>::hide(std::string_view label, const Ext<D>& value) {
  const Hidden hidden = say(label, value);
  Form<D> f(hidden.message);
  f.coef.emplace_back(hidden.pad, -Ext<D>::one());
  f.pad = hidden.pad;
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
  const Ext<D> rho = challenge("rho"), one = Ext<D>::one();
  for (std::uint32_t k = 0; k < slots_.size(); ++k) {
    const Var a = pad_var(slots_[k].first), b = pad_var(slots_[k].second);
    const Var ab = slot_var(k, 0), f = slot_var(k, 1), g = slot_var(k, 2), h = slot_var(k, 3);
    Form<D> fe, fd, product;
    fe.coef = {{a, rho}, {f, -one}};
    fd.coef = {{b, one}, {g, -one}};
    const Ext<D> e = channel_.clear("e", clears_++, fe);
    const Ext<D> d = channel_.clear("d", clears_++, fd);
    fe.constant = -e;
    fd.constant = -d;
    product.coef = {{ab, rho}, {h, -one}, {g, -e}, {f, -d}};
    product.constant = -(e * d);
    check("sacrifice e", std::move(fe));
    check("sacrifice d", std::move(fd));
    check("sacrifice product", std::move(product));
  }
}

template <int D>
Folded<D> Party<D>::fold_checks() {
  const Ext<D> eta = challenge("eta");
  Ext<D> power = Ext<D>::one();
  Folded<D> out;
  std::vector<Ext<D>> pad_coef(pads_), slot_coef(4 * slots_.size());
  std::map<std::pair<std::uint32_t, const RankOne<D>*>, std::size_t> claim_of;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if constexpr (kDisarmable)  // by both sides: what a verifier without this check would accept
      if (disarmed("check " + check_ids_[i])) continue;
    Form<D>& form = checks_[i];
    for (const auto& [v, c] : form.coef) ((v & kSlotBit) != 0 ? slot_coef[v & ~kSlotBit] : pad_coef[v]) += c * power;
    for (LinearClaim<D>& c : form.claims) {
      c.scalar *= power;
      const auto [it, fresh] = claim_of.try_emplace({c.id, c.functional.get()}, out.claims.size());
      if (fresh)
        out.claims.push_back(std::move(c));
      else
        out.claims[it->second].scalar += c.scalar;
    }
    out.value -= form.constant * power;
    power *= eta;
  }
  out.coef.reserve(pad_coef.size() + slot_coef.size());
  for (std::uint32_t i = 0; i < pad_coef.size(); ++i) out.coef.emplace_back(pad_var(i), pad_coef[i]);
  for (std::uint32_t i = 0; i < slot_coef.size(); ++i) out.coef.emplace_back(kSlotBit | i, slot_coef[i]);
  return out;
}

template class Party<2>;
template class Party<3>;

}  // namespace dsperse::crypto
