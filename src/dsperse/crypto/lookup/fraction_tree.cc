#include "dsperse/crypto/lookup/fraction_tree.h"

namespace dsperse::crypto {

template <int D>
FractionEnd<D> fraction_tree(Party<D>& party, std::size_t n_vars, const Form<D>& tables, FractionProver<D>* prover) {
  const std::array<Ext<D>, 2> root = prover != nullptr ? prover->root() : std::array<Ext<D>, 2>{};
  const Form<D> root_p = party.hide("root p", root[0]), root_q = party.hide("root q", root[1]);
  const Form<D> z = party.hide("root 1/q", inverse(root[1]));
  party.check("lookup root denominator", party.mul(root_q, z) - Ext<D>::one());
  party.check("lookup sum", party.mul(root_p, z) - tables);

  FractionEnd<D> end{{}, root_p, root_q};
  for (std::size_t k = 0; k < n_vars; ++k) {
    const Ext<D> lambda = party.challenge("lambda");
    RoundProver<D>* rounds = prover != nullptr ? prover->level(k, end.point, lambda) : nullptr;
    const auto s = eq_sumcheck<D>(party, "fraction", end.p + end.q * lambda, end.point, rounds);
    const std::array<Ext<D>, 4> v = prover != nullptr ? prover->level_end() : std::array<Ext<D>, 4>{};
    const Form<D> p0 = party.hide("p0", v[0]), p1 = party.hide("p1", v[1]);
    const Form<D> q0 = party.hide("q0", v[2]), q1 = party.hide("q1", v[3]);
    // One statement each: operands of one expression come in no fixed order, and slots are numbered as they come.
    const Form<D> p0_q1 = party.mul(p0, q1);
    const Form<D> p1_q0 = party.mul(p1, q0);
    const Form<D> q0_q1 = party.mul(q0, q1);
    party.check("lookup level", s.claim - p0_q1 - p1_q0 - q0_q1 * lambda);
    const Ext<D> mu = party.challenge("mu"), rest = Ext<D>::one() - mu;
    end.p = p0 * rest + p1 * mu;
    end.q = q0 * rest + q1 * mu;
    end.point.assign(1, mu);
    end.point.insert(end.point.end(), s.point.begin(), s.point.end());
  }
  return end;
}

template FractionEnd<2> fraction_tree(Party<2>&, std::size_t, const Form<2>&, FractionProver<2>*);
template FractionEnd<3> fraction_tree(Party<3>&, std::size_t, const Form<3>&, FractionProver<3>*);

}  // namespace dsperse::crypto
