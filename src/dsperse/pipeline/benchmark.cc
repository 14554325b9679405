#include "dsperse/pipeline/benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "dsperse/base/parallel.h"
#include "dsperse/base/random.h"
#include "dsperse/pipeline/compile.h"
#include "dsperse/pipeline/execute.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/pipeline/slice_prover.h"
#include "dsperse/proof/verify.h"

namespace dsperse::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Median, least and largest of the repetitions.
struct Spread {
  double median = 0, min = 0, max = 0;
};
Spread spread(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return {v[v.size() / 2], v.front(), v.back()};
}
void add(Spread& sum, const Spread& s) {
  sum.median += s.median;
  sum.min += s.min;
  sum.max += s.max;
}

Measurement timed(std::string name, const Spread& s, std::size_t threads, std::string note) {
  return {std::move(name), s.median, "s", threads, std::move(note), s.min, s.max};
}
Measurement once(std::string name, double value, std::string unit, std::size_t threads, std::string note) {
  return {std::move(name), value, std::move(unit), threads, std::move(note), value, value};
}

/// A compiled model with one run, its boundary trees and weight trees.
struct Ready {
  const Compiled& compiled;
  std::vector<quantize::TensorStore> traces;  ///< by slice
  std::vector<proof::Boundary> table;
  std::vector<std::optional<proof::BoundaryCommitment>> chunks;
  std::vector<proof::WeightCommitment> weights;
  Digest run_id{};
};

Result<Ready> make_ready(const Compiled& compiled, const quantize::Program& program, const quantize::TensorStore& inputs) {
  const proof::ModelKey& key = compiled.model.key;
  Ready out{compiled, {}, {}, {}, {}, {}};
  std::vector<quantize::IntTensor> values(key.chunks.size());
  std::size_t at = 0;
  // Input edges have one chunk each and lie in the order of the tensor ids.
  std::vector<quantize::TensorId> ids = program.inputs;
  std::sort(ids.begin(), ids.end());
  for (const proof::Edge& e : key.edges)
    if (e.is_input) values[e.chunks.front()] = inputs[ids[at++]];
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    std::vector<quantize::IntTensor> in;
    for (const proof::Port& p : key.slices[i].inputs) in.push_back(values[p.chunk]);
    DSPERSE_TRY(quantize::TensorStore trace, slice_trace(key.slices[i], compiled.secrets[i].weights, in));
    for (const proof::Port& p : key.slices[i].outputs) values[p.chunk] = trace[p.tensor];
    out.traces.push_back(std::move(trace));
    DSPERSE_TRY(proof::WeightCommitment tree,
                proof::commit_weights(key.slices[i], compiled.secrets[i].weights, compiled.secrets[i].seed));
    out.weights.push_back(std::move(tree));
  }
  const proof::Geometry boundary = proof::boundary_geometry_of(key);
  for (std::uint32_t c = 0; c < key.chunks.size(); ++c) {
    if (key.chunks[c].is_public) {
      out.table.push_back({c, std::nullopt, values[c]});
      out.chunks.emplace_back();
      continue;
    }
    DSPERSE_TRY(const Digest seed, random_seed());
    DSPERSE_TRY(proof::BoundaryCommitment tree, proof::commit_boundary(key.profile(), boundary, key.chunks[c], values[c], seed));
    out.table.push_back({c, tree.root(), {}});
    out.chunks.emplace_back(std::move(tree));
  }
  DSPERSE_TRY(out.run_id, random_seed());
  return out;
}

struct SliceTimes {
  std::vector<double> prove, verify;
  std::size_t proof_bytes = 0;
};

/// Proves slice i once and verifies the proof; opening 1 of the origin every time, as nothing is published.
Status measure(const Ready& ready, const backend::Backend& backend, std::uint32_t i, SliceTimes& times) {
  const proof::SliceKey& slice = ready.compiled.model.key.slices[i];
  proof::Statement statement = slice_statement(ready.compiled.model.key, i, ready.run_id, ready.table);
  if (slice.weight_root) {
    statement.weights = slice.weight_root;
    statement.opening = 1;
  }
  std::vector<const proof::BoundaryCommitment*> trees;
  for (const proof::Port& p : slice.ports()) trees.push_back(ready.chunks[p.chunk] ? &*ready.chunks[p.chunk] : nullptr);
  const backend::Artefacts artefacts{slice, {}};
  const auto start = Clock::now();
  DSPERSE_TRY(const Bytes proof, backend.prove({&artefacts, &statement, &ready.compiled.secrets[i].weights, &ready.traces[i],
                                                &ready.weights[i], trees},
                                               nullptr));
  times.prove.push_back(seconds_since(start));
  times.proof_bytes = proof.size();
  const auto check = Clock::now();
  const Verdict verdict = backend.verify(slice, statement, proof);
  times.verify.push_back(seconds_since(check));
  if (!verdict) return fail(ErrorKind::internal, "an honest proof is rejected: " + verdict.reason, "slice " + std::to_string(i));
  return {};
}

}  // namespace

Result<std::vector<Measurement>> benchmark_plan(const store::PlanFile& plan, const quantize::TensorStore& inputs,
                                                const backend::Backend& backend, const BenchmarkOptions& options,
                                                const Observer& observer) {
  const std::size_t before = threads();
  struct Restore {
    std::size_t n;
    ~Restore() { set_threads(n); }
  } const restore{before};
  std::vector<Measurement> out;
  const std::string note = fmt::format("median of {}", options.repeat);
  for (const std::size_t n : options.threads) {
    set_threads(n);
    reset_peak_rss();
    tell(observer, {Event::Kind::stage, 0, 0, fmt::format("{} thread(s)", n), 0, 0, 0});
    auto start = Clock::now();
    DSPERSE_TRY(const Compiled compiled,
                compile_plan(plan, {options.profile, false, options.public_weights, options.goal}, backend, {}));
    out.push_back(once("compile", seconds_since(start), "s", n, "once, weight range proofs included"));
    out.push_back(once("peak memory, compile", static_cast<double>(peak_rss_bytes()), "bytes", n, "resident, of this process"));
    start = Clock::now();
    DSPERSE_TRY(const Ready ready, make_ready(compiled, plan.model.program, inputs));
    out.push_back(once("run and commit", seconds_since(start), "s", n, "once, weight trees included"));
    release_memory();
    reset_peak_rss();
    const auto count = static_cast<std::uint32_t>(compiled.model.key.slices.size());
    Spread prove, verify;
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      tell(observer, {Event::Kind::begin, i, count, "prove and verify", 0, 0, 0});
      const auto slice_start = Clock::now();
      SliceTimes times;
      for (unsigned k = 0; k < options.repeat; ++k) DSPERSE_CHECK_OK(measure(ready, backend, i, times));
      const Spread proving = spread(times.prove), verifying = spread(times.verify);
      out.push_back(timed(fmt::format("prove slice {}", i), proving, n, note));
      out.push_back(timed(fmt::format("verify slice {}", i), verifying, n, note));
      add(prove, proving);
      add(verify, verifying);
      bytes += times.proof_bytes;
      tell(observer, {Event::Kind::finished, i, count, "prove and verify", seconds_since(slice_start), 0, times.proof_bytes});
    }
    start = Clock::now();
    for (const proof::SliceKey& s : compiled.model.key.slices)
      if (const Verdict v = proof::verify_ranges(s); !v)
        return fail(ErrorKind::internal, "an honest weight range proof is rejected: " + v.reason);
    out.push_back(once("verify weight ranges", seconds_since(start), "s", n, "all slices, once a key"));
    out.push_back(timed("prove", prove, n, "all slices one after the other, sums over slices; " + note));
    out.push_back(timed("verify", verify, n, "all slices, without weight ranges, sums over slices; " + note));
    out.push_back(once("proofs", static_cast<double>(bytes), "bytes", n, "all slices"));
    out.push_back(once("peak memory, prove", static_cast<double>(peak_rss_bytes()), "bytes", n,
                       "resident, of this process, all slices' trees in memory"));
  }
  return out;
}

}  // namespace dsperse::pipeline
