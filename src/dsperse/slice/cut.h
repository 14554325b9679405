// Cuts and what follows from them: the boundary graph, the default cut by layer blocks. Pure. Searches: search.h; plans: plan.h.
//
// Tested by slice/plan_test.cc (against all cuts of small programs).
#pragma once

#include <cstdint>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/slice/plan.h"

namespace dsperse::slice {

/// Index of the last op of every slice but the final one, ascending.
using Cuts = std::vector<std::uint32_t>;

/// Most slices that may read one committed tensor.
inline constexpr std::size_t kMaxConsumers = 4;
/// Of every tensor, by TensorId: its producer and the other slices that read it. Those without readers that are neither input nor
/// output stay inside of a slice.
std::vector<Boundary> boundary_graph(const quantize::Program& program, const Cuts& cuts);

/// One slice per layer block: a Conv or Gemm and what follows it up to the next; ops before the first join it.
Cuts layer_cuts(const quantize::Program& program);

/// Joins neighbouring slices until at most kMaxConsumers slices read each committed tensor.
Cuts join_readers(const quantize::Program& program, Cuts cuts);

/// Name of a committed tensor that more than kMaxConsumers slices read; nullptr if there is none.
const std::string* crowded_tensor(const quantize::Program& program, const Cuts& cuts);

/// By TensorId: model inputs and outputs, whose values are in the statement.
std::vector<bool> public_tensors(const quantize::Program& program);

}  // namespace dsperse::slice
