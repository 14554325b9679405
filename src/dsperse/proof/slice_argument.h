// A slice key (or its weight ranges, or an epoch link) as a masked argument: which tensors lie in which tree.
//
// Shared by prover and verifier. Source: docs/protocol/statements.md. Tested by proof/slice_test.cc.
#pragma once

#include "dsperse/proof/argument.h"
#include "dsperse/proof/statement.h"
#include "dsperse/relation/schedule.h"

namespace dsperse::proof {

/// Constraints of a slice; committed inputs are range-checked.
[[nodiscard]] Result<relation::Relation> slice_relation(const SliceKey& key);
/// Trees of a slice: weights, one per committed port in port order, the witness.
ArgumentSpec slice_spec(const SliceKey& key, const relation::Relation& relation);
/// publics by TensorRef; roots per group.
relation::PublicTensors public_tensors(const SliceKey& key, const relation::Relation& relation, const Statement& statement);
std::vector<std::vector<Digest>> slice_roots(const SliceKey& key, const Statement& statement);
Head slice_head(const Statement& statement);
/// By a dry run of the schedule, whose cost does not grow with the tensors.
template <int D>
Layout slice_layout(const ArgumentSpec& spec, const relation::Relation& relation);

/// Constraints of the weights' ranges: every weight within its max_abs.
[[nodiscard]] Result<relation::Relation> range_relation(const quantize::Program& program);
template <int D>
std::pair<ArgumentSpec, Layout> range_argument(const SliceKey& key, const relation::Relation& relation);
Head range_head(const SliceKey& key);

/// Base and epoch hold the same weights: one random linear functional of the difference.
template <int D>
std::pair<ArgumentSpec, Layout> link_argument(const SliceKey& key);
template <int D>
void link_schedule(crypto::Party<D>& party, const SliceKey& key);
Head link_head(const SliceKey& key, const EpochLink& link);

}  // namespace dsperse::proof
