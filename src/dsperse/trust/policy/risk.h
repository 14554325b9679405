// What a treatment leaves and what it costs, under assumptions that are stated.
//
// Model: each replica lies with the colluding share of its kind, independently, and liars hand in the same wrong result. Where an
// audit deters (E1 holds), only the irrational part of them still lies. A mismatch is settled by a proof and not audited besides;
// a unanimous result is audited with probability p. policy/simulation_test.cc plays this model. Not here: deterrence itself
// (economics.h). Source: docs/trust/economics.md. Tested by policy/risk_test.cc.
#pragma once

#include <string>

#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {

/// What is believed of the workers; the defaults believe nothing good.
struct Assumptions {
  /// Shares of all operators, regions, engines that would hand in the same wrong result; 0 to 1.
  double colluding_operators = 1, colluding_regions = 1, colluding_engines = 1;
  double irrational = 1;           ///< part of the colluding that lies although it does not pay; 0: all are rational
  double detection = 1;            ///< eta of an audit by re-execution; a proof finds everything
  std::uint32_t proof_bits = 100;  ///< a proof is wrongly accepted with at most 2^-bits
};
/// Costs of one slice, in any one unit.
struct SliceCost {
  double native = 1;  ///< running it
  double proof = 1;   ///< running and proving it
};

[[nodiscard]] Status check(const Assumptions& assumptions);
[[nodiscard]] Status check(const SliceCost& cost);

/// Probability that one wrong result is accepted. deterred: E1 holds for the audit of this treatment.
///   proof 2^-bits; otherwise s^k (1 - caught) + P(mismatch) 2^-bits, with s the lying share, caught = p eta.
/// Errors (usage): a treatment or assumption out of its domain.
[[nodiscard]] Result<double> failure(const Treatment& treatment, const Assumptions& assumptions, bool deterred);

/// Expected cost:
///   proof C_proof; otherwise k native + P(mismatch) C_proof + p (1 - P(mismatch)) (native, or C_proof if audited by proof).
[[nodiscard]] Result<double> expected_cost(const Treatment& treatment, const SliceCost& cost, const Assumptions& assumptions,
                                           bool deterred);

/// The numbers that failure() rests on, in words: "share 0.2 of operators colludes; E1 holds, 0.1 of them irrational".
[[nodiscard]] std::string assumed(const Treatment& treatment, const Assumptions& assumptions, bool deterred);

}  // namespace dsperse::trust
