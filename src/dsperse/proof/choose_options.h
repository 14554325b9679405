// The choices that shape a slice's constraints, by predicted cost: limb size, and which activation tables are wide.
//
// Pure; a key holds the result, so verifiers need no part of this. Source: docs/design/0014. Tested by
// proof/choose_options_test.cc.
#pragma once

#include "dsperse/proof/profile.h"
#include "dsperse/quantize/lookup_tally.h"
#include "dsperse/relation/relation.h"

namespace dsperse::proof {

/// More table rows or lookups than one slice may have.
[[nodiscard]] bool beyond_a_proof(const quantize::LookupCounts& counts);

/// Relative cost of a slice's lookups, comparable between choices of one slice; what is beyond a proof costs more than all else.
/// symbols: committed ones that no choice changes.
[[nodiscard]] double lookup_cost(const quantize::LookupCounts& counts, std::uint64_t symbols, Optimize goal);

/// Least cost among the choices whose constraints fit their budgets. ranged: committed inputs. The cheapest of all if
/// none does.
[[nodiscard]] relation::Options choose_options(const quantize::Program& program, const std::vector<quantize::TensorId>& ranged,
                                               Optimize goal);

}  // namespace dsperse::proof
