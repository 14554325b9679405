// Plans: where a Program is cut, what each slice is, what it is predicted to cost, and whether layers are split into tiles first.
//
// Pure functions Program -> Plan. A cut lies between two ops of the topological order, so slices are intervals of ops and every
// boundary tensor is a committed tensor; slicing never changes a value. Tensors that skip over slices cross as boundaries of all
// that read them. Not here: the formulas (cost.h), the searches (search.h), what is done about a
// slice's result (trust/policy), keys (proof/), files (store/). Source: docs/design/0016. Tested by slice/plan_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/slice/cost.h"
#include "dsperse/slice/optimize.h"
#include "dsperse/slice/tile.h"

namespace dsperse::slice {

/// One slice: ops [first_op, last_op) of the model as a Program of its own.
struct Slice {
  std::uint32_t first_op = 0, last_op = 0;
  quantize::Program program;
  std::vector<quantize::TensorId> tensors;  ///< slice TensorId -> model TensorId
  std::vector<quantize::WeightId> weights;  ///< slice WeightId -> model WeightId
  Cost cost;
  /// Of a slice that an engine runs in float (pipeline/float_slices.h): its tensors, and no op.
  [[nodiscard]] bool in_float() const { return first_op == last_op; }
};

/// A tensor that crosses slices or is a model input or output. producer: slice, or kUser for model inputs.
struct Boundary {
  static constexpr std::uint32_t kUser = 0xFFFFFFFFU;
  quantize::TensorId tensor = 0;  ///< of the model
  std::uint32_t producer = kUser;
  std::vector<std::uint32_t> consumers;  ///< other slices that read it, ascending; at most four unless it is an input or output
  bool is_input = false, is_output = false;
};

struct Plan {
  std::vector<Slice> slices;
  std::vector<Boundary> boundaries;  ///< by model TensorId, ascending
  /// Where layers were split: the program that the plan is of, and which weights it has. Otherwise it is of the program as given.
  std::optional<Tiled> tiled;

  /// Of the largest committed boundary; 0 without any.
  [[nodiscard]] std::uint64_t largest_boundary(const quantize::Program& program) const;
  /// Most memory that compiling, running or proving takes, slice by slice, as predicted: the process and its key included.
  [[nodiscard]] std::uint64_t peak_bytes(const Costing& costing) const;
};

/// How to cut; at most one way is used. Default: one slice per layer block (an op with weights and what follows it up to the
/// next).
struct CutRequest {
  std::optional<std::uint32_t> count;      ///< this many slices, balanced by predicted prove time
  std::vector<std::string> after_tensors;  ///< cut after the op that makes each of these tensors (names of Program tensors)
  std::optional<double> deadline_seconds;  ///< until all slices are proved
  unsigned workers = 1;                    ///< of the deadline: slices that are proved at a time
  bool least_memory = false;               ///< the least peak that cuts between ops reach
  bool by_memory = false;                  ///< the best cut within memory_bytes; layers that are too large are split
  /// Compile, run and prove stay below, each on its own, the process included. With a deadline: of all workers together.
  /// With by_memory, a count or a deadline.
  std::optional<std::uint64_t> memory_bytes;
  Optimize optimize = Optimize::time;  ///< of by_memory, least_memory and deadlines: what is least in sum
};

/// Errors: a name that is no tensor; a count above the ops; no cut fits the memory (says which op is too large and what would
/// fit); no cut keeps the deadline (says the earliest end found); more than four slices read one tensor (fewer slices are tried
/// first); predictions are needed and costing has none (usage).
[[nodiscard]] Result<Plan> make_plan(const quantize::Program& program, const CutRequest& request, const Costing& costing);
/// The plan with cuts exactly after the ops of these indices (ascending, each < ops - 1), without predictions.
[[nodiscard]] Result<Plan> plan_at(const quantize::Program& program, const std::vector<std::uint32_t>& last_ops);
/// Predictions for the slices of a plan of this program; codewords are recomputed where a slice would not fit `bytes` otherwise.
void price(Plan& plan, const quantize::Program& program, const Costing& costing, std::uint64_t bytes = UINT64_MAX);

/// Values of a slice's tensors out of the model's trace, and its weights out of the model's.
quantize::TensorStore slice_trace(const Slice& slice, const quantize::TensorStore& trace);
quantize::WeightStore slice_weights(const Slice& slice, const quantize::WeightStore& weights);

}  // namespace dsperse::slice
