#include "dsperse/crypto/sumcheck/sumcheck.h"

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

template <int D>
SumcheckEnd<D> eq_sumcheck(Party<D>& party, std::string_view label, const Form<D>& claim, std::span<const Ext<D>> point,
                           RoundProver<D>* prover) {
  SumcheckEnd<D> end{{}, claim};
  for (const Ext<D>& p : point) {
    if (p == Ext<D>::zero()) party.abort_run();
    const std::array<Ext<D>, 2> h = prover != nullptr ? prover->round() : std::array<Ext<D>, 2>{};
    const Form<D> h0 = party.hide(label, h[0]), h2 = party.hide(label, h[1]);
    // claim = (1 - p) h(0) + p h(1)
    const Form<D> h1 = (end.claim - h0 * (Ext<D>::one() - p)) * inverse(p);
    const Ext<D> x = party.challenge("x");
    end.claim = interpolate(h0, h1, h2, x);
    end.point.push_back(x);
    if (prover != nullptr) prover->bind(x);
  }
  return end;
}

#define DSPERSE_INSTANTIATE(D)                                                                                       \
  template SumcheckEnd<D> sumcheck(Party<D>&, Pads, std::string_view, const Form<D>&, std::size_t, RoundProver<D>*); \
  template SumcheckEnd<D> eq_sumcheck(Party<D>&, std::string_view, const Form<D>&, std::span<const Ext<D>>, RoundProver<D>*);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
