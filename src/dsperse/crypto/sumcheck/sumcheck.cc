#include "dsperse/crypto/sumcheck/sumcheck.h"

#include <algorithm>

namespace dsperse::crypto {
namespace {

/// The quadratic through (0, g0), (1, g1), (2, g2) at x.
template <int D>
Form<D> interpolate(const Form<D>& g0, const Form<D>& g1, const Form<D>& g2, const Ext<D>& x) {
  const Ext<D> one = Ext<D>::one(), two = one + one, half(inverse(Fp(2)));
  Form<D> out = g0 * ((x - one) * (x - two) * half);
  out += g1 * (x * (two - x));
  out += g2 * (x * (x - one) * half);
  return out;
}

/// sum += f s.
template <int D>
void add_scaled(Form<D>& sum, const Form<D>& f, const Ext<D>& s) {
  sum.constant += f.constant * s;
  for (const auto& [v, c] : f.coef) sum.coef.emplace_back(v, c * s);
  for (LinearClaim<D> c : f.claims) {
    c.scalar *= s;
    sum.claims.push_back(std::move(c));
  }
}

/// 1 / p of every coordinate by one inversion; all zero if any is.
template <int D>
std::vector<Ext<D>> inverse_each(std::span<const Ext<D>> point) {
  std::vector<Ext<D>> out;
  out.reserve(point.size());
  Ext<D> all = Ext<D>::one();
  for (const Ext<D>& p : point) {
    out.push_back(all);
    all *= p;
  }
  Ext<D> rest = inverse(all);
  for (std::size_t k = point.size(); k-- > 0;) {
    out[k] *= rest;
    rest *= point[k];
  }
  return out;
}

}  // namespace

template <int D>
SumcheckEnd<D> sumcheck(Party<D>& party, Pads pads, std::string_view label, const Form<D>& claim, std::size_t n_vars,
                        RoundProver<D>* prover) {
  SumcheckEnd<D> end{{}, claim};
  for (std::size_t k = 0; k < n_vars; ++k) {
    const std::array<Ext<D>, 2> g = prover != nullptr ? prover->round() : std::array<Ext<D>, 2>{};
    const Form<D> g0 = pads == Pads::end ? party.hide_end(label, g[0]) : party.hide(label, g[0]);
    const Form<D> g2 = pads == Pads::end ? party.hide_end(label, g[1]) : party.hide(label, g[1]);
    const Ext<D> x = party.challenge("x");
    end.claim = interpolate(g0, end.claim - g0, g2, x);
    end.point.push_back(x);
    if (prover != nullptr) prover->bind(x);
  }
  return end;
}

// With claim C = (1 - p) h(0) + p h(1) the next one is h(x) = C g + h(0) u + h(2) w, g = x (2 - x) / p. So the last is the sum of
// all messages, each times what came after it: one pass at the end, instead of scaling a growing form in every round.
template <int D>
SumcheckEnd<D> eq_sumcheck(Party<D>& party, std::string_view label, const Form<D>& claim, std::span<const Ext<D>> point,
                           RoundProver<D>* prover) {
  const Ext<D> one = Ext<D>::one(), two = one + one, half(inverse(Fp(2)));
  struct Round {
    Form<D> h0, h2;
    Ext<D> u, w, g;
  };
  std::vector<Round> rounds;
  rounds.reserve(point.size());
  if (std::find(point.begin(), point.end(), Ext<D>{}) != point.end()) party.abort_run();
  const std::vector<Ext<D>> inverses = inverse_each(point);
  SumcheckEnd<D> end;
  end.point.reserve(point.size());
  for (std::size_t k = 0; k < point.size(); ++k) {
    const std::array<Ext<D>, 2> h = prover != nullptr ? prover->round() : std::array<Ext<D>, 2>{};
    Round r{party.hide(label, h[0]), {}, {}, {}, {}};
    r.h2 = party.hide(label, h[1]);
    const Ext<D> x = party.challenge("x");
    r.g = x * (two - x) * inverses[k];
    r.u = (x - one) * (x - two) * half - r.g * (one - point[k]);
    r.w = x * (x - one) * half;
    rounds.push_back(std::move(r));
    end.point.push_back(x);
    if (prover != nullptr) prover->bind(x);
  }
  Ext<D> after = one;
  for (std::size_t k = rounds.size(); k-- > 0;) {
    const Round& r = rounds[k];
    add_scaled(end.claim, r.h0, r.u * after);
    add_scaled(end.claim, r.h2, r.w * after);
    after *= r.g;
  }
  add_scaled(end.claim, claim, after);
  return end;
}

#define DSPERSE_INSTANTIATE(D)                                                                                       \
  template SumcheckEnd<D> sumcheck(Party<D>&, Pads, std::string_view, const Form<D>&, std::size_t, RoundProver<D>*); \
  template SumcheckEnd<D> eq_sumcheck(Party<D>&, std::string_view, const Form<D>&, std::span<const Ext<D>>, RoundProver<D>*);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
