// Plans: where a Program is cut, what each slice is, what it is predicted to cost.
//
// Pure functions Program -> Plan. A cut lies between two ops of the topological order, so slices are intervals of ops and every
// boundary tensor is a committed tensor; slicing never changes a value. Tensors that skip over slices cross as boundaries of all
// that read them. Not here: what is done about a
// slice's result (trust/policy), keys (proof/), files (store/). Source: docs/architecture.md. Tested by slice/plan_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::slice {

/// Predicted with the cost model; printed as predictions, shown beside measurements later.
struct Cost {
  std::uint64_t macs = 0, lookups = 0, weight_symbols = 0, witness_symbols = 0;
  double prove_seconds = 0;
  std::uint64_t peak_bytes = 0, proof_bytes = 0;
};

/// One slice: ops [first_op, last_op) of the model as a Program of its own.
struct Slice {
  std::uint32_t first_op = 0, last_op = 0;
  quantize::Program program;
  std::vector<quantize::TensorId> tensors;  ///< slice TensorId -> model TensorId
  std::vector<quantize::WeightId> weights;  ///< slice WeightId -> model WeightId
  Cost cost;
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
};

/// How to cut; exactly one is used. Default: one slice per layer block (an op with weights and what follows it up to the next).
struct CutRequest {
  std::optional<std::uint32_t> count;         ///< this many slices, balanced by predicted prove time
  std::vector<std::string> after_tensors;     ///< cut after the op that makes each of these tensors (names of Program tensors)
  std::optional<std::uint64_t> memory_bytes;  ///< fewest slices whose predicted peak fits
};

/// Errors: a name that is no tensor; a count above the ops; no cut fits the memory (says which op is too large and by how much);
/// more than four slices read one tensor (fewer slices are then tried first).
[[nodiscard]] Result<Plan> make_plan(const quantize::Program& program, const CutRequest& request);
/// The plan with cuts exactly after the ops of these indices (ascending, each < ops - 1).
[[nodiscard]] Result<Plan> plan_at(const quantize::Program& program, const std::vector<std::uint32_t>& last_ops);

/// Cost of proving a program as one slice whose inputs and outputs are public. (A slice of a plan has its own cost: Slice::cost.)
Cost predict(const quantize::Program& program);

/// Values of a slice's tensors out of the model's trace, and its weights out of the model's.
quantize::TensorStore slice_trace(const Slice& slice, const quantize::TensorStore& trace);
quantize::WeightStore slice_weights(const Slice& slice, const quantize::WeightStore& weights);

}  // namespace dsperse::slice
