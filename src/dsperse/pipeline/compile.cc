#include "dsperse/pipeline/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "dsperse/base/random.h"
#include "dsperse/pipeline/float_slices.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/security.h"
#include "dsperse/proof/tie.h"

namespace dsperse::pipeline {
namespace {

using quantize::TensorId;

/// A name that no other edge has: tensors inside may be unnamed or share a name.
std::string unique_name(const std::string& wanted, TensorId id, std::set<std::string>& used) {
  std::string name = wanted.empty() ? "tensor" + std::to_string(id) : wanted;
  while (!used.insert(name).second) name.append("#").append(std::to_string(id));
  return name;
}

template <class Ids>
std::optional<std::size_t> position(const Ids& ids, TensorId id) {
  const auto it = std::find(ids.begin(), ids.end(), id);
  if (it == ids.end()) return std::nullopt;
  return static_cast<std::size_t>(it - ids.begin());
}

/// The sum of all rounds' errors keeps the profile, for a certificate that proves every slice under the deepest epochs.
Status check_sum(const proof::ModelKey& key) {
  std::set<std::uint32_t> all;
  std::map<std::uint32_t, std::size_t> links;
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    if (!key.slices[i].in_float) all.insert(i);
    if (key.slices[i].weight_root) links[i] = proof::kMaxEpochDepth;
  }
  DSPERSE_TRY(const proof::SecurityTable table, proof::security_of_certificate(key, all, links));
  if (table.total() >= proof::bits(key.profile())) return {};
  return fail(ErrorKind::unsupported,
              fmt::format("over all rounds of all {} slices the proofs would keep {:.1f} bits, below the {}-bit profile",
                          key.slices.size(), table.total(), proof::bits(key.profile())),
              table.weakest().name,
              key.profile() == proof::Profile::bits100 ? "compile with --profile 128" : "cut the model into fewer slices");
}

/// Each hidden weight of several slices, tied from slice to slice.
Result<std::vector<proof::WeightTie>> ties_of(const slice::Plan& plan, const proof::ModelKey& key) {
  std::vector<proof::WeightTie> out;
  std::map<quantize::WeightId, std::pair<std::uint32_t, std::uint32_t>> last;  // slice, its weight
  std::vector<std::uint32_t> used(key.slices.size(), 0);
  for (std::uint32_t i = 0; i < key.slices.size(); ++i) {
    if (!key.slices[i].weight_root) continue;
    std::map<std::uint32_t, proof::WeightTie> ties;  // by base
    for (std::uint32_t w = 0; w < plan.slices[i].weights.size(); ++w) {
      const auto [it, is_first] = last.emplace(plan.slices[i].weights[w], std::pair(i, w));
      if (!is_first) ties[it->second.first].weights.emplace_back(w, it->second.second);
      it->second = {i, w};
    }
    for (auto& [base, tie] : ties) {
      tie.slice = i, tie.base = base;
      for (const std::uint32_t slice : {i, base})
        if (++used[slice] > proof::kMaxTies)
          return fail(ErrorKind::unsupported, fmt::format("shares weights with more than {} slices", proof::kMaxTies),
                      fmt::format("slice {}", slice), "cut the model into fewer slices");
      tie.opening = proof::kWeightBudget - used[i];
      tie.base_opening = proof::kWeightBudget - used[base];
      out.push_back(std::move(tie));
    }
  }
  return out;
}

/// Proves the ties; trees are made again from their seeds, two at a time.
Status tie_weights(const store::PlanFile& file, const slice::Plan& plan, const std::vector<Digest>& seeds, proof::ModelKey& key,
                   const Observer& observer) {
  DSPERSE_TRY(std::vector<proof::WeightTie> ties, ties_of(plan, key));
  struct Tree {
    quantize::WeightStore weights;  // what the commitment reads
    proof::WeightCommitment commitment;
  };
  std::map<std::uint32_t, Tree> trees;
  const auto tree = [&](std::uint32_t i) -> Status {
    if (trees.contains(i)) return {};
    Tree& t = trees[i];
    DSPERSE_TRY(t.weights, file.weights_of(plan.slices[i].weights));
    DSPERSE_TRY(t.commitment, proof::commit_weights(key.slices[i], t.weights, seeds[i], proof::Codewords::recomputed));
    return {};
  };
  const auto count = static_cast<std::uint32_t>(ties.size());
  for (std::uint32_t n = 0; n < count; ++n) {
    proof::WeightTie& tie = ties[n];
    tell(observer, {Event::Kind::begin, n, count, "tie weights", 0, 0, 0});
    const auto start = std::chrono::steady_clock::now();
    std::erase_if(trees, [&](const auto& t) { return t.first != tie.slice && t.first != tie.base; });
    DSPERSE_CHECK_OK(tree(tie.base));
    DSPERSE_CHECK_OK(tree(tie.slice));
    const proof::WeightCommitment &base = trees.at(tie.base).commitment, &slice = trees.at(tie.slice).commitment;
    DSPERSE_TRY(tie, proof::prove_tie(key, std::move(tie), base, slice));
    tell(observer, {Event::Kind::finished, n, count, "tie weights",
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 0, 0});
  }
  key.ties = std::move(ties);
  return {};
}

}  // namespace

Result<BoundaryGraph> boundary_graph(const quantize::QuantizedModel& model, const slice::Plan& plan, bool private_input) {
  const quantize::Program& program = model.program;
  BoundaryGraph out;
  std::map<TensorId, std::uint32_t> chunk_of;
  std::set<std::string> used;
  for (const slice::Boundary& b : plan.boundaries) {  // not what pieces in float make and read: these are inside
    if (b.is_input) used.insert(model.inputs[*position(program.inputs, b.tensor)].name);
    if (b.is_output) used.insert(model.outputs[*position(program.outputs, b.tensor)].name);
  }
  for (const slice::Boundary& b : plan.boundaries) {
    const quantize::TensorSpec& t = program.tensors[b.tensor];
    proof::Edge edge;
    edge.is_input = b.is_input;
    edge.is_output = b.is_output;
    if (b.is_input) edge.io = model.inputs[*position(program.inputs, b.tensor)];
    if (b.is_output) {
      const quantize::IoMapping& io = model.outputs[*position(program.outputs, b.tensor)];
      if (edge.io && *edge.io != io)
        return fail(ErrorKind::unsupported, "a model input is passed through as an output", io.name,
                    "remove that output from the model");
      edge.io = io;
    }
    edge.name = edge.io ? edge.io->name : unique_name(t.name, b.tensor, used);
    const auto index = static_cast<std::uint32_t>(out.chunks.size());
    edge.chunks = {index};
    chunk_of[b.tensor] = index;
    const bool is_public = b.is_output || (b.is_input && !private_input);
    out.chunks.push_back({edge.name, t.shape, t.exponent, t.lo, t.hi, is_public});
    out.edges.push_back(std::move(edge));
  }
  for (const slice::Slice& s : plan.slices) {
    for (const bool is_output : {false, true}) {
      std::vector<proof::Port> ports;
      for (const TensorId id : is_output ? s.program.outputs : s.program.inputs) {
        const auto chunk = chunk_of.find(s.tensors[id]);
        if (chunk == chunk_of.end())
          return fail(ErrorKind::internal, "a slice reads or makes a tensor that is no boundary",
                      program.tensors[s.tensors[id]].name);
        ports.push_back({id, chunk->second, out.chunks[chunk->second].is_public});
      }
      (is_output ? out.outputs : out.inputs).push_back(std::move(ports));
    }
  }
  return out;
}

Result<CompiledSlices> compile_slices(const store::PlanFile& file, const CompileOptions& options, const backend::Backend& backend,
                                      const Observer& observer, const KeepSecret& keep) {
  const quantize::Program& program = file.model.program;
  DSPERSE_TRY(slice::Plan integers, slice::plan_at(program, file.cuts));
  std::vector<store::FloatPiece> floats = file.floats;
  DSPERSE_TRY(slice::Plan plan, with_float_slices(std::move(integers), file.model, floats, file.inner));
  if (plan.slices.size() != file.treatments.size()) return fail(ErrorKind::bad_input, "plan: cuts and treatments do not fit");
  for (const store::FloatPiece& piece : floats) DSPERSE_CHECK_OK(check_float_treatment(piece, file.treatments[piece.slice]));
  for (std::size_t i = 0; i < plan.slices.size(); ++i)
    if (const auto why = backend.unsupported(plan.slices[i].program); why && file.treatments[i].proof)
      return fail(ErrorKind::unsupported, "this slice cannot be proved: " + *why, "slice " + std::to_string(i),
                  "cut it differently, or set its mode to something else than proof");
  // Codewords as it was planned; what that means for the plan as it is now is predicted anew.
  const slice::Costing costs = costing(options.cost, options.profile, options.goal);
  slice::Plan lean = plan;
  slice::price(plan, program, costs);
  slice::price(lean, program, costs, 0);
  for (std::size_t i = 0; i < plan.slices.size(); ++i)
    if (i < file.predicted.size() && file.predicted[i].codewords == slice::Codewords::recomputed)
      plan.slices[i].cost = lean.slices[i].cost;
  DSPERSE_TRY(BoundaryGraph graph, boundary_graph(file.model, plan, options.private_input));
  CompiledSlices out;
  out.model.name = file.name;
  out.model.treatments = file.treatments;
  proof::ModelKey& key = out.model.key;
  key.chunks = std::move(graph.chunks);
  key.edges = std::move(graph.edges);
  key.labels = file.labels;
  const auto count = static_cast<std::uint32_t>(plan.slices.size());
  const proof::SecurityParams params{options.profile, proof::slack_of(count), proof::kWorkBits};
  const proof::Geometry boundary = proof::boundary_geometry(params, key.chunks, options.goal);
  std::vector<Digest> seeds;  // by slice
  for (std::uint32_t i = 0; i < count; ++i) {
    const slice::Slice& s = plan.slices[i];
    tell(observer, {Event::Kind::begin, i, count, "commit weights", 0, s.cost.compile_seconds, 0});
    const PeakMeter meter;
    const auto start = std::chrono::steady_clock::now();
    DSPERSE_TRY(const Digest seed, random_seed());
    store::ProvingKey secret{{}, seed, {}};
    if (s.in_float()) {
      const store::FloatPiece& piece = *std::ranges::find(floats, i, &store::FloatPiece::slice);
      DSPERSE_TRY(proof::SliceKey in_float, float_key(piece, file.model, s, graph.inputs[i], graph.outputs[i], params, boundary));
      key.slices.push_back(std::move(in_float));
      out.model.predicted.push_back(s.cost);
      secret.network = piece.network;
      DSPERSE_CHECK_OK(keep(i, key.slices.back(), secret));
      seeds.push_back(seed);
      out.used.push_back({});
      tell(observer, {Event::Kind::finished, i, count, "commit weights", 0, 0, 0});
      continue;
    }
    DSPERSE_TRY(secret.weights, file.weights_of(s.weights));
    auto artefacts = backend.setup(
        params,
        {s.program, graph.inputs[i], graph.outputs[i], options.public_weights, options.goal, codewords_of(s.cost.codewords)},
        boundary, secret.weights, seed);
    if (!artefacts) return std::unexpected(artefacts.error().within("slice " + std::to_string(i)));
    key.slices.push_back(std::move(artefacts->key));
    out.model.predicted.push_back(s.cost);
    DSPERSE_CHECK_OK(keep(i, key.slices.back(), secret));
    seeds.push_back(seed);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    out.used.push_back({seconds, meter.peak()});
    tell(observer, {Event::Kind::finished, i, count, "commit weights", seconds, 0, 0});
  }
  DSPERSE_CHECK_OK(tie_weights(file, plan, seeds, key, observer));
  DSPERSE_CHECK_OK(proof::check_model_key(key));
  DSPERSE_CHECK_OK(check_sum(key));
  return out;
}

Result<Compiled> compile_plan(const store::PlanFile& plan, const CompileOptions& options, const backend::Backend& backend,
                              const Observer& observer) {
  Compiled out;
  DSPERSE_TRY(CompiledSlices slices, compile_slices(plan, options, backend, observer,
                                                    [&](std::uint32_t, const proof::SliceKey&, const store::ProvingKey& secret) {
                                                      out.secrets.push_back(secret);
                                                      return Status{};
                                                    }));
  out.model = std::move(slices.model);
  return out;
}

}  // namespace dsperse::pipeline
