#include "dsperse/slice/cut.h"

#include <algorithm>
#include <string>

namespace dsperse::slice {
namespace {

using quantize::Program;
using quantize::TensorId;

/// Slice of every op.
std::vector<std::uint32_t> slice_of_ops(const Program& program, const Cuts& cuts) {
  std::vector<std::uint32_t> slice(program.ops.size(), 0);
  std::uint32_t s = 0;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    slice[i] = s;
    if (s < cuts.size() && cuts[s] == i) ++s;
  }
  return slice;
}

/// First committed tensor that too many slices read.
const Boundary* crowded(const std::vector<Boundary>& boundaries) {
  for (const Boundary& b : boundaries)
    if (!b.is_input && !b.is_output && b.consumers.size() > kMaxConsumers) return &b;
  return nullptr;
}

}  // namespace

std::vector<bool> public_tensors(const Program& program) {
  std::vector<bool> is_public(program.tensors.size(), false);
  for (const TensorId id : program.inputs) is_public[id] = true;
  for (const TensorId id : program.outputs) is_public[id] = true;
  return is_public;
}

Cuts layer_cuts(const Program& program) {
  Cuts cuts;
  bool layer = false;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    const auto* const contract = std::get_if<quantize::Contract>(&program.ops[i].body);
    const bool element_wise = contract != nullptr && contract->kept == contract->letters.size();
    if (element_wise || quantize::op_macs(program, program.ops[i]) == 0) continue;
    if (layer) cuts.push_back(i - 1);
    layer = true;
  }
  return cuts;
}

std::vector<Boundary> boundary_graph(const Program& program, const Cuts& cuts) {
  const std::vector<std::uint32_t> slice = slice_of_ops(program, cuts);
  std::vector<Boundary> all(program.tensors.size());
  for (TensorId id = 0; id < all.size(); ++id) all[id].tensor = id;
  for (const TensorId id : program.inputs) all[id].is_input = true;
  for (const TensorId id : program.outputs) all[id].is_output = true;
  for (std::size_t i = 0; i < slice.size(); ++i) {
    for (const TensorId id : quantize::op_inputs(program.ops[i])) {
      Boundary& b = all[id];
      if (b.producer != slice[i] && (b.consumers.empty() || b.consumers.back() != slice[i])) b.consumers.push_back(slice[i]);
    }
    all[quantize::op_output(program.ops[i])].producer = slice[i];
  }
  return all;
}

Cuts join_readers(const Program& program, Cuts cuts) {
  for (;;) {
    const std::vector<Boundary> boundaries = boundary_graph(program, cuts);
    const Boundary* const b = crowded(boundaries);
    if (b == nullptr) return cuts;
    // The two nearest slices among the producer and its readers become one.
    std::uint32_t low = b->producer, high = b->consumers[0];
    for (std::size_t i = 1; i < b->consumers.size(); ++i)
      if (b->consumers[i] - b->consumers[i - 1] < high - low) low = b->consumers[i - 1], high = b->consumers[i];
    cuts.erase(cuts.begin() + low, cuts.begin() + high);
  }
}

const std::string* crowded_tensor(const Program& program, const Cuts& cuts) {
  const std::vector<Boundary> boundaries = boundary_graph(program, cuts);
  const Boundary* const b = crowded(boundaries);
  return b == nullptr ? nullptr : &program.tensors[b->tensor].name;
}

}  // namespace dsperse::slice
