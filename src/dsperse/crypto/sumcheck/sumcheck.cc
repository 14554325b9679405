#include "dsperse/crypto/sumcheck/sumcheck.h"

#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::crypto {
namespace {

/// The quadratic through (0, g0), (1, g1), (2, g2) at x is g0 at0 + g1 at1 + g2 at2.
template <int D>
struct Lagrange {
  explicit Lagrange(const Ext<D>& x) {
    const Ext<D> one = Ext<D>::one(), less = x - one, lesser = less - one, half_x = x * kHalf;
    at0 = less * lesser * kHalf;
    at1 = -(x * lesser);
    at2 = half_x * less;
  }
  static constexpr Fp kHalf = inverse(Fp(2));
  Ext<D> at0, at1, at2;
};

/// The claims of the rounds as one form. Each is linear in the one before it, claim' = scale claim + a g(0) + c g(2), so the
/// factors of a message are known when the last challenge is: one product each, instead of one for each later round.
template <int D>
class Claims {
 public:
  using Hidden = typename Party<D>::Hidden;
  explicit Claims(std::size_t rounds) { rounds_.reserve(rounds); }

  void add(const Ext<D>& scale, const Hidden& g0, const Ext<D>& a, const Hidden& g2, const Ext<D>& c) {
    rounds_.push_back({scale, a, c, g0, g2});
  }
  Form<D> end(const Form<D>& claim) const {
    Ext<D> later = Ext<D>::one();
    Form<D> out;
    out.coef.reserve(claim.coef.size() + 2 * rounds_.size());
    for (std::size_t k = rounds_.size(); k-- > 0;) {
      const Round& r = rounds_[k];
      for (const auto& [hidden, factor] : {std::pair(r.g0, r.a * later), std::pair(r.g2, r.c * later)}) {
        out.constant += hidden.message * factor;
        out.coef.emplace_back(hidden.pad, -factor);
      }
      later *= r.scale;
    }
    out.add_scaled(claim, later);
    return out;
  }

 private:
  struct Round {
    Ext<D> scale, a, c;
    Hidden g0, g2;
  };
  std::vector<Round> rounds_;
};

}  // namespace

template <int D>
SumcheckEnd<D> sumcheck(Party<D>& party, Pads pads, std::string_view label, const Form<D>& claim, std::size_t n_vars,
                        RoundProver<D>* prover) {
  SumcheckEnd<D> end;
  end.point.reserve(n_vars);
  Claims<D> claims(n_vars);
  for (std::size_t k = 0; k < n_vars; ++k) {
    const std::array<Ext<D>, 2> g = prover != nullptr ? prover->round() : std::array<Ext<D>, 2>{};
    const auto g0 = pads == Pads::end ? party.say_end(label, g[0]) : party.say(label, g[0]);
    const auto g2 = pads == Pads::end ? party.say_end(label, g[1]) : party.say(label, g[1]);
    const Ext<D> x = party.challenge("x");
    const Lagrange<D> at(x);
    claims.add(at.at1, g0, at.at0 - at.at1, g2, at.at2);  // g(1) = claim - g(0)
    end.point.push_back(x);
    if (prover != nullptr) prover->bind(x);
  }
  end.claim = claims.end(claim);
  return end;
}

// With claim C = (1 - p) h(0) + p h(1) the next one is h(x) = C g + h(0) u + h(2) w, g = x (2 - x) / p. So the last is the sum of
// all messages, each times what came after it: one pass at the end, instead of scaling a growing form in every round.
template <int D>
SumcheckEnd<D> eq_sumcheck(Party<D>& party, std::string_view label, const Form<D>& claim, std::span<const Ext<D>> point,
                           RoundProver<D>* prover) {
  SumcheckEnd<D> end;
  end.point.reserve(point.size());
  std::vector<Ext<D>> inverses(point.begin(), point.end());
  if (!invert_all<D>(std::span<Ext<D>>(inverses))) party.abort_run();
  Claims<D> claims(point.size());
  for (std::size_t k = 0; k < point.size(); ++k) {
    const std::array<Ext<D>, 2> h = prover != nullptr ? prover->round() : std::array<Ext<D>, 2>{};
    const auto h0 = party.say(label, h[0]);
    const auto h2 = party.say(label, h[1]);
    const Ext<D> x = party.challenge("x");
    const Lagrange<D> at(x);
    // claim = (1 - p) h(0) + p h(1)
    const Ext<D> scale = at.at1 * inverses[k];
    claims.add(scale, h0, at.at0 - (Ext<D>::one() - point[k]) * scale, h2, at.at2);
    end.point.push_back(x);
    if (prover != nullptr) prover->bind(x);
  }
  end.claim = claims.end(claim);
  return end;
}

#define DSPERSE_INSTANTIATE(D)                                                                                       \
  template SumcheckEnd<D> sumcheck(Party<D>&, Pads, std::string_view, const Form<D>&, std::size_t, RoundProver<D>*); \
  template SumcheckEnd<D> eq_sumcheck(Party<D>&, std::string_view, const Form<D>&, std::span<const Ext<D>>, RoundProver<D>*);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::crypto
