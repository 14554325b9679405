#include "dsperse/pipeline/execute.h"

#include <chrono>

#include "dsperse/base/random.h"
#include "dsperse/pipeline/float_slices.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/pipeline/output.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/run_slice.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/trust/verdict/boundaries.h"

namespace dsperse::pipeline {
namespace {

using quantize::IntTensor;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Tensors of the output ports.
Result<std::vector<IntTensor>> integer_outputs(const store::ModelFolder& model, std::uint32_t i,
                                               const std::vector<IntTensor>& inputs, SliceRun& stats) {
  const proof::SliceKey& slice = model.model().key.slices[i];
  DSPERSE_TRY(const store::ProvingKey secret, model.proving_key(i));
  DSPERSE_TRY(quantize::TensorStore trace, slice_trace(slice, secret.weights, inputs, &stats));
  std::vector<IntTensor> out;
  for (const proof::Port& p : slice.outputs) out.push_back(std::move(trace[p.tensor]));
  return out;
}

Result<std::vector<IntTensor>> float_outputs(const store::ModelFolder& model, std::uint32_t i,
                                             const std::vector<IntTensor>& inputs, FloatRunner& runner, SliceRun& stats) {
  const auto start = Clock::now();
  DSPERSE_TRY(const Bytes network, model.network(i));
  DSPERSE_TRY(std::vector<IntTensor> out, runner.run(model.model().key.slices[i], network, inputs, stats.saturated));
  stats.seconds = seconds_since(start);
  return out;
}

}  // namespace

Status place_inputs(const proof::ModelKey& key, const EdgeTensors& inputs, std::vector<IntTensor>& chunks) {
  std::size_t used = 0;
  for (const proof::Edge& e : key.edges) {
    if (!e.is_input) continue;
    const auto it = inputs.find(e.name);
    if (it == inputs.end()) return fail(ErrorKind::bad_input, "input not given", e.name);
    ++used;
    std::size_t at = 0;
    for (const std::uint32_t c : e.chunks) {
      const auto n = static_cast<std::size_t>(quantize::elements(key.chunks[c].shape));
      if (it->second.size() - at < n) return fail(ErrorKind::bad_input, "input has too few elements", e.name);
      chunks[c].assign(it->second.begin() + static_cast<std::ptrdiff_t>(at),
                       it->second.begin() + static_cast<std::ptrdiff_t>(at + n));
      at += n;
    }
    if (at != it->second.size()) return fail(ErrorKind::bad_input, "input has too many elements", e.name);
  }
  if (used != inputs.size()) return fail(ErrorKind::bad_input, "an input that the model does not have");
  return {};
}

Result<quantize::TensorStore> slice_trace(const proof::SliceKey& slice, const quantize::WeightStore& weights,
                                          const std::vector<IntTensor>& inputs, SliceRun* stats) {
  const auto start = Clock::now();
  run::RunStats ops;
  DSPERSE_TRY(quantize::TensorStore trace, proof::run_slice(slice, weights, inputs, &ops));
  if (stats != nullptr) {
    for (const run::OpStats& op : ops.ops) stats->saturated += op.saturated;
    stats->seconds = seconds_since(start);
  }
  return trace;
}

Result<RunSummary> run_model(const store::ModelFolder& model, const std::string& model_path, const EdgeTensors& inputs,
                             const Bytes& nonce, std::uint32_t draw, store::RunFolder& folder, const Observer& observer) {
  const proof::ModelKey& key = model.model().key;
  if (draw > key.slices.size())
    return fail(ErrorKind::usage, "a challenge can't draw more slices than the model has: " + std::to_string(key.slices.size()));
  if (nonce.size() > 64) return fail(ErrorKind::usage, "a nonce has at most 64 bytes");
  std::vector<IntTensor> chunks(key.chunks.size());
  DSPERSE_CHECK_OK(place_inputs(key, inputs, chunks));
  RunSummary out;
  const proof::Geometry boundary = proof::boundary_geometry_of(key);
  std::vector<proof::Boundary> table(key.chunks.size());
  /// Commits, stores and notes a chunk that is there; returns seconds.
  const auto store_chunk = [&](std::uint32_t c) -> Result<double> {
    const auto start = Clock::now();
    store::StoredBoundary stored{chunks[c], std::nullopt, {}};
    if (!key.chunks[c].is_public) {
      DSPERSE_TRY(stored.seed, random_seed());
      DSPERSE_TRY(const proof::BoundaryCommitment tree,
                  proof::commit_boundary(key.profile(), boundary, key.chunks[c], stored.values, stored.seed,
                                         proof::Codewords::recomputed));
      stored.root = tree.root();
    }
    DSPERSE_CHECK_OK(folder.put_boundary(c, stored));
    table[c] = {c, stored.root, stored.root ? IntTensor{} : std::move(stored.values)};
    return seconds_since(start);
  };
  std::vector<std::uint32_t> last_reader(key.chunks.size(), UINT32_MAX);
  std::vector<bool> is_output(key.chunks.size(), false);
  const auto count = static_cast<std::uint32_t>(key.slices.size());
  FloatRunner floats;
  for (std::uint32_t i = 0; i < count; ++i)
    for (const proof::Port& p : key.slices[i].inputs) last_reader[p.chunk] = i;
  for (const proof::Edge& e : key.edges) {
    for (const std::uint32_t c : e.chunks) {
      if (e.is_output) is_output[c] = true;
      if (!e.is_input) continue;
      DSPERSE_TRY(const double seconds, store_chunk(c));
      out.commit_s += seconds;
    }
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const proof::SliceKey& slice = key.slices[i];
    tell(observer, {Event::Kind::begin, i, count, "run", 0, 0, 0});
    const PeakMeter meter;
    SliceRun stats;
    {
      std::vector<IntTensor> in;
      for (const proof::Port& p : slice.inputs)
        in.push_back(last_reader[p.chunk] == i && !is_output[p.chunk] ? std::move(chunks[p.chunk]) : chunks[p.chunk]);
      auto made = slice.in_float ? float_outputs(model, i, in, floats, stats) : integer_outputs(model, i, in, stats);
      if (!made) return std::unexpected(made.error().within("slice " + std::to_string(i)));
      for (std::size_t k = 0; k < slice.outputs.size(); ++k) chunks[slice.outputs[k].chunk] = std::move((*made)[k]);
    }
    for (const proof::Port& p : slice.outputs) {
      DSPERSE_TRY(const double seconds, store_chunk(p.chunk));
      stats.commit_s += seconds;
      if (last_reader[p.chunk] == UINT32_MAX && !is_output[p.chunk]) chunks[p.chunk] = {};
    }
    stats.peak_bytes = meter.peak();
    DSPERSE_CHECK_OK(folder.put_run(i, {stats.seconds + stats.commit_s, stats.peak_bytes}));
    out.commit_s += stats.commit_s;
    out.slices.push_back(stats);
    tell(observer, {Event::Kind::finished, i, count, "run", stats.seconds, 0, 0});
  }
  store::RunInfo info;
  info.model_id = key.id();
  info.nonce = nonce;
  info.model_path = model_path;
  DSPERSE_TRY(info.salt, random_seed());
  out.model_id = info.model_id;
  out.run_id = proof::run_id(info.model_id, nonce, info.salt);
  for (const proof::Edge& e : key.edges) {
    if (e.is_output) out.outputs[e.name] = edge_values(e, chunks);
    if (e.is_input && !key.chunks[e.chunks.front()].is_public)
      for (const std::uint32_t c : e.chunks) out.input_roots[e.name].push_back(*table[c].root);
  }
  out.published = {info.model_id, info.salt, nonce, count, draw, trust::boundary_digests(table)};
  DSPERSE_TRY(const std::string document, output_document(key, out.outputs, out.input_roots));
  DSPERSE_CHECK_OK(store::write_file(store::join(folder.path(), "output.json"), document, store::Access::shared));
  DSPERSE_CHECK_OK(write_published(folder.path(), out.published));
  DSPERSE_CHECK_OK(folder.finish(info));
  return out;
}

}  // namespace dsperse::pipeline
