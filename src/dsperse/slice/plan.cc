#include "dsperse/slice/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsperse/quantize/operands.h"
#include "dsperse/slice/cut.h"

namespace dsperse::slice {
namespace {

using quantize::Op;
using quantize::Program;
using quantize::TensorId;
using quantize::WeightId;

bool crosses(const Boundary& b) { return b.is_input || b.is_output || !b.consumers.empty(); }

/// The op with its ids replaced.
Op renumbered(Op op, const std::map<TensorId, TensorId>& tensor, const std::map<WeightId, WeightId>& weight) {
  quantize::each_operand(op.body, [&](TensorId& id) { id = tensor.at(id); }, [&](WeightId& id) { id = weight.at(id); });
  std::visit([&](auto& o) { o.y = tensor.at(o.y); }, op.body);
  return op;
}

/// Fills tensors, weights and the program of a slice whose interval is set.
void fill_program(const Program& model, const std::vector<Boundary>& boundaries, std::uint32_t index, Slice& slice) {
  std::set<TensorId> tensors;
  std::set<WeightId> weights;
  for (std::uint32_t i = slice.first_op; i < slice.last_op; ++i) {
    for (const TensorId id : quantize::op_inputs(model.ops[i])) tensors.insert(id);
    for (const WeightId id : quantize::op_weights(model.ops[i])) weights.insert(id);
    tensors.insert(quantize::op_output(model.ops[i]));
  }
  slice.tensors.assign(tensors.begin(), tensors.end());
  slice.weights.assign(weights.begin(), weights.end());
  std::map<TensorId, TensorId> tensor;
  std::map<WeightId, WeightId> weight;
  Program& p = slice.program;
  for (TensorId t = 0; t < slice.tensors.size(); ++t) {
    const TensorId id = slice.tensors[t];
    tensor[id] = t;
    p.tensors.push_back(model.tensors[id]);
    if (boundaries[id].producer != index)
      p.inputs.push_back(t);
    else if (crosses(boundaries[id]))
      p.outputs.push_back(t);
  }
  for (WeightId w = 0; w < slice.weights.size(); ++w) {
    weight[slice.weights[w]] = w;
    p.weights.push_back(model.weights[slice.weights[w]]);
  }
  for (std::uint32_t i = slice.first_op; i < slice.last_op; ++i) p.ops.push_back(renumbered(model.ops[i], tensor, weight));
}

}  // namespace

Result<Plan> plan_at(const Program& program, const std::vector<std::uint32_t>& last_ops) {
  Plan plan;
  std::uint32_t first = 0;
  const auto ops = static_cast<std::uint32_t>(program.ops.size());
  const auto add = [&](std::uint32_t end) {
    Slice s;
    s.first_op = first, s.last_op = end;
    plan.slices.push_back(std::move(s));
    first = end;
  };
  for (const std::uint32_t last : last_ops) {
    if (last < first || last + 1 >= ops)
      return fail(ErrorKind::usage, "cut after op " + std::to_string(last) + " is out of order or range", {},
                  "cuts rise and lie between two ops of the " + std::to_string(ops));
    add(last + 1);
  }
  add(ops);
  if (const std::string* crowded = crowded_tensor(program, last_ops))
    return fail(ErrorKind::unsupported, "more than four slices read this tensor", *crowded, "use fewer slices");
  const std::vector<Boundary> boundaries = boundary_graph(program, last_ops);
  for (std::uint32_t s = 0; s < plan.slices.size(); ++s) {
    Slice& slice = plan.slices[s];
    fill_program(program, boundaries, s, slice);
    if (slice.program.outputs.empty())
      return fail(ErrorKind::unsupported, "a slice computes nothing that is used", program.ops[slice.first_op].name,
                  "cut elsewhere");
  }
  for (const Boundary& b : boundaries)
    if (crosses(b)) plan.boundaries.push_back(b);
  return plan;
}

std::uint64_t Plan::largest_boundary(const Program& program) const {
  std::uint64_t most = 0;
  for (const Boundary& b : boundaries)
    if (!b.is_input && !b.is_output)
      most = std::max(most, static_cast<std::uint64_t>(quantize::elements(program.tensors[b.tensor].shape)));
  return most;
}

std::uint64_t Plan::peak_bytes(const Costing& costing) const {
  std::uint64_t most = 0, key = 0;
  for (const Slice& s : slices) most = std::max(most, s.cost.most_bytes()), key += s.cost.key_bytes;
  return most + costing.process_bytes(key);
}

void price(Plan& plan, const Program& program, const Costing& costing, std::uint64_t bytes) {
  const Setting setting = costing.setting(plan.slices.size(), plan.largest_boundary(program));
  const Tally::Facts facts(program);
  for (Slice& slice : plan.slices) {
    if (slice.in_float()) continue;
    Tally tally(facts, setting.boundary.c);
    for (std::uint32_t i = slice.first_op; i < slice.last_op; ++i) tally.add(i);
    slice.cost = costing.cost_within(costing.counts(tally), setting, bytes);
  }
}

quantize::TensorStore slice_trace(const Slice& slice, const quantize::TensorStore& trace) {
  quantize::TensorStore out;
  for (const TensorId id : slice.tensors) out.push_back(id < trace.size() ? trace[id] : quantize::IntTensor{});
  return out;
}

quantize::WeightStore slice_weights(const Slice& slice, const quantize::WeightStore& weights) {
  quantize::WeightStore out;
  for (const WeightId id : slice.weights) out.push_back(weights[id]);
  return out;
}

}  // namespace dsperse::slice
