// The prover's part of a schedule: leaves and levels of the fraction tree, tables of the products.
//
// Prover only. Source: docs/protocol/relations.md. Tested by proof/slice_test.cc.
#pragma once

#include <functional>

#include "dsperse/relation/schedule.h"
#include "dsperse/relation/values.h"

namespace dsperse::relation {

/// Changes that tests make inside the schedule; empty in production.
template <int D>
struct ScheduleForge {
  /// p and q of all leaves (interleaved index) before the tree is built.
  std::function<void(std::vector<crypto::Ext<D>>& p, std::vector<crypto::Ext<D>>& q)> leaves;
  /// What product `index` reads instead of its factor a or b.
  std::function<IntView(std::uint32_t index, bool is_b, IntView honest)> factor;
};

/// values must outlive the result.
template <int D>
std::unique_ptr<Witness<D>> make_witness(const Values& values, const ScheduleForge<D>* forge = nullptr);

}  // namespace dsperse::relation
