#include "dsperse/crypto/hidden/form.h"

namespace dsperse::crypto {

template <int D>
Form<D>& Form<D>::operator+=(const Form& o) {
  constant += o.constant;
  coef.insert(coef.end(), o.coef.begin(), o.coef.end());
  claims.insert(claims.end(), o.claims.begin(), o.claims.end());
  pad = kNoPad;
  return *this;
}

template <int D>
Form<D>& Form<D>::operator-=(const Form& o) {
  constant -= o.constant;
  coef.reserve(coef.size() + o.coef.size());
  for (const auto& [v, c] : o.coef) coef.emplace_back(v, -c);
  for (LinearClaim<D> c : o.claims) {
    c.scalar = -c.scalar;
    claims.push_back(std::move(c));
  }
  pad = kNoPad;
  return *this;
}

template <int D>
Form<D>& Form<D>::operator*=(const Ext<D>& s) {
  constant *= s;
  for (auto& [v, c] : coef) c *= s;
  for (LinearClaim<D>& c : claims) c.scalar *= s;
  pad = kNoPad;
  return *this;
}

template <int D>
Form<D>& Form<D>::add_scaled(const Form& o, const Ext<D>& s) {
  constant += o.constant * s;
  for (const auto& [v, c] : o.coef) coef.emplace_back(v, c * s);
  for (const LinearClaim<D>& c : o.claims) claims.push_back({c.id, c.scalar * s, c.functional});
  pad = kNoPad;
  return *this;
}

template struct Form<2>;
template struct Form<3>;

}  // namespace dsperse::crypto
