#include "dsperse/slice/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsperse/slice/cost.h"
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
  const auto windowed = [&](auto& o) { o.x = tensor.at(o.x), o.y = tensor.at(o.y); };
  const auto linear = [&](auto& o) {
    windowed(o);
    o.w = weight.at(o.w);
    if (o.bias) o.bias = weight.at(*o.bias);
  };
  if (auto* conv = std::get_if<quantize::Conv>(&op.body)) linear(*conv);
  if (auto* gemm = std::get_if<quantize::Gemm>(&op.body)) linear(*gemm);
  if (auto* average = std::get_if<quantize::AveragePool>(&op.body)) windowed(*average);
  if (auto* maximum = std::get_if<quantize::MaxPool>(&op.body)) windowed(*maximum);
  if (auto* sum = std::get_if<quantize::Sum>(&op.body)) {
    sum->y = tensor.at(sum->y);
    for (auto& t : sum->terms) t.id = t.is_weight ? weight.at(t.id) : tensor.at(t.id);
  }
  if (auto* r = std::get_if<quantize::Rearrange>(&op.body)) {
    r->y = tensor.at(r->y);
    for (auto& p : r->pieces) p.x = tensor.at(p.x);
  }
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

Result<Cuts> cuts_after(const Program& program, const std::vector<std::string>& names) {
  std::map<std::string, std::uint32_t> producer;
  std::set<std::string> inputs;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) producer[program.tensors[quantize::op_output(program.ops[i])].name] = i;
  for (const TensorId id : program.inputs) inputs.insert(program.tensors[id].name);
  std::set<std::uint32_t> cuts;
  for (const std::string& name : names) {
    const auto it = producer.find(name);
    if (it == producer.end())
      return fail(ErrorKind::usage,
                  inputs.contains(name) ? "a model input is no place to cut" : "no tensor of this model has this name", name,
                  "name the output of an op of the model; fused ops keep their last output only");
    if (it->second + 1 < program.ops.size()) cuts.insert(it->second);  // after the last op nothing is left to cut
  }
  return Cuts(cuts.begin(), cuts.end());
}

}  // namespace

Cost predict(const Program& program) {
  const std::vector<bool> is_public = public_tensors(program);
  Tally tally(program, is_public);
  for (const Op& op : program.ops) tally.add(op);
  return tally.cost();
}

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
  const std::vector<bool> is_public = public_tensors(program);
  for (std::uint32_t s = 0; s < plan.slices.size(); ++s) {
    Slice& slice = plan.slices[s];
    fill_program(program, boundaries, s, slice);
    if (slice.program.outputs.empty())
      return fail(ErrorKind::unsupported, "a slice computes nothing that is used", program.ops[slice.first_op].name,
                  "cut elsewhere");
    Tally tally(program, is_public);
    for (std::uint32_t i = slice.first_op; i < slice.last_op; ++i) tally.add(program.ops[i]);
    slice.cost = tally.cost();
  }
  for (const Boundary& b : boundaries)
    if (crosses(b)) plan.boundaries.push_back(b);
  return plan;
}

Result<Plan> make_plan(const Program& program, const CutRequest& request) {
  const int ways = (request.count ? 1 : 0) + (request.after_tensors.empty() ? 0 : 1) + (request.memory_bytes ? 1 : 0);
  if (ways > 1)
    return fail(ErrorKind::usage, "more than one way to cut", {}, "give a slice count, tensor names or a memory limit");
  Cuts cuts;
  if (request.count) {
    DSPERSE_TRY(cuts, balanced_cuts(program, *request.count));
  } else if (request.memory_bytes) {
    DSPERSE_TRY(cuts, memory_cuts(program, *request.memory_bytes));
  } else if (!request.after_tensors.empty()) {
    DSPERSE_TRY(cuts, cuts_after(program, request.after_tensors));
  } else {
    cuts = join_readers(program, layer_cuts(program));
  }
  return plan_at(program, cuts);
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
