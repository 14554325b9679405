// Sumcheck with hidden rounds, degree 2: each round sends g(0) and g(2), one-time padded; g(1) is implied by the claim.
//
// Two kinds: sum of a product of two tables, and the same with an eq(point, .) factor taken out (the polynomial h with
// g(x) = eq(point_k, x) h(x) is sent instead, so a cubic round costs two messages). The prover's tables are behind
// RoundProver, which is null for verifier and dry run. Source: docs/protocol/sumcheck.md (Gruen, eprint 2024/108, for the eq
// factor). Tested by crypto/sumcheck/sumcheck_test.cc.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "dsperse/crypto/hidden/party.h"

namespace dsperse::crypto {

/// The prover's tables of one sumcheck.
template <int D>
class RoundProver {
 public:
  virtual ~RoundProver() = default;
  /// Values at 0 and 2 of the next round's polynomial (h of an eq sumcheck).
  virtual std::array<Ext<D>, 2> round() = 0;
  /// Binds the next variable.
  virtual void bind(const Ext<D>& x) = 0;
};

template <int D>
struct SumcheckEnd {
  std::vector<Ext<D>> point;
  Form<D> claim;  ///< the summand at the point (without the eq factor)
};

enum class Pads { witness, end };

/// claim = sum over {0,1}^n_vars, variable 0 first.
template <int D>
SumcheckEnd<D> sumcheck(Party<D>& party, Pads pads, std::string_view label, const Form<D>& claim, std::size_t n_vars,
                        RoundProver<D>* prover);

/// claim = sum over x of eq(point, x) h(x), h of degree 2 in each variable. Coordinates of `point` must not be 0 (a prover
/// starts afresh, a verifier rejects: party.abort_run()).
template <int D>
SumcheckEnd<D> eq_sumcheck(Party<D>& party, std::string_view label, const Form<D>& claim, std::span<const Ext<D>> point,
                           RoundProver<D>* prover);

}  // namespace dsperse::crypto
