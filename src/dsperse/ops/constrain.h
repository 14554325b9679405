// From the integer program of a slice to its constraints: one function, one case per operator.
//
// Deterministic: prover and verifier derive the same Relation from the key. Source: docs/protocol/operators.md.
// Tested by ops/ops_test.cc.
#pragma once

#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/relation/relation.h"

namespace dsperse::ops {

/// ranged: tensors that are committed inputs of the slice; their declared ranges are checked by lookups. The program must have
/// passed check_program. Errors (unsupported) name the op that does not fit.
[[nodiscard]] Result<relation::Relation> constrain(const quantize::Program& program,
                                                   const std::vector<quantize::TensorId>& ranged,
                                                   const relation::Options& options);

}  // namespace dsperse::ops
