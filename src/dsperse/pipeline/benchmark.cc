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

/// A list of measurements of one number of threads.
class Sheet {
 public:
  Sheet(std::vector<Measurement>& out, const BenchmarkOptions& options, std::size_t threads)
      : out_(out), threads_(threads), note_(fmt::format("median of {}", options.repeat)) {}

  void times(std::string name, const Spread& s, std::string note = {}, std::optional<double> predicted = {}) {
    note = note.empty() ? note_ : note + "; " + note_;
    out_.push_back({std::move(name), s.median, "s", threads_, std::move(note), s.min, s.max, predicted});
  }
  void once(std::string name, double value, std::string unit, std::string note, std::optional<double> predicted = {}) {
    out_.push_back({std::move(name), value, std::move(unit), threads_, std::move(note), value, value, predicted});
  }

 private:
  std::vector<Measurement>& out_;
  std::size_t threads_;
  std::string note_;
};

std::size_t bytes_of(const quantize::WeightStore& weights) {
  std::size_t n = 0;
  for (const quantize::WeightValues& w : weights)
    n += w.narrow.size() * sizeof(std::int16_t) + w.wide.size() * sizeof(std::int64_t);
  return n;
}

/// One run of a compiled model: every boundary's values, and the seeds of the committed ones.
struct Ready {
  const Compiled& compiled;
  const store::PlanFile& plan;
  proof::Geometry boundary;
  std::vector<quantize::IntTensor> values;  ///< by chunk
  std::vector<Digest> seeds;                ///< by chunk
  Digest run_id{};

  [[nodiscard]] std::vector<quantize::IntTensor> inputs_of(const proof::SliceKey& slice) const {
    std::vector<quantize::IntTensor> in;
    for (const proof::Port& p : slice.inputs) in.push_back(values[p.chunk]);
    return in;
  }
  /// Bytes that are in memory here: what `dsperse prove` reads for slice i, and what it would not have while it works on it, the
  /// plan and the other slices.
  struct Held {
    std::size_t own = 0, beside = 0;
  };
  [[nodiscard]] Held held(std::uint32_t i) const {
    Held out{.beside = bytes_of(plan.model.weights)};
    for (std::uint32_t k = 0; k < compiled.secrets.size(); ++k)
      (k == i ? out.own : out.beside) += bytes_of(compiled.secrets[k].weights);
    std::vector<bool> own(values.size());
    for (const proof::Port& p : compiled.model.key.slices[i].ports()) own[p.chunk] = true;
    for (std::size_t c = 0; c < values.size(); ++c) (own[c] ? out.own : out.beside) += values[c].size() * sizeof(values[c][0]);
    return out;
  }
};

Result<Ready> make_ready(const Compiled& compiled, const store::PlanFile& plan, const quantize::TensorStore& inputs) {
  const proof::ModelKey& key = compiled.model.key;
  Ready out{compiled, plan, proof::boundary_geometry_of(key), {}, {}, {}};
  out.values.resize(key.chunks.size());
  std::size_t at = 0;
  // Input edges have one chunk each and lie in the order of the tensor ids.
  std::vector<quantize::TensorId> ids = plan.model.program.inputs;
  std::sort(ids.begin(), ids.end());
  for (const proof::Edge& e : key.edges)
    if (e.is_input) out.values[e.chunks.front()] = inputs[ids[at++]];
  for (std::size_t i = 0; i < key.slices.size(); ++i) {
    DSPERSE_TRY(quantize::TensorStore trace,
                slice_trace(key.slices[i], compiled.secrets[i].weights, out.inputs_of(key.slices[i])));
    for (const proof::Port& p : key.slices[i].outputs) out.values[p.chunk] = std::move(trace[p.tensor]);
  }
  for (std::size_t c = 0; c < key.chunks.size(); ++c) {
    DSPERSE_TRY(const Digest seed, random_seed());
    out.seeds.push_back(seed);
  }
  DSPERSE_TRY(out.run_id, random_seed());
  return out;
}

/// Times by name over the repetitions, in the order in which the work is done.
class Times {
 public:
  void add(const std::string& name, double seconds) {
    for (auto& [known, values] : list_)
      if (known == name) return values.push_back(seconds);
    list_.emplace_back(name, std::vector<double>{seconds});
  }
  [[nodiscard]] const std::vector<std::pair<std::string, std::vector<double>>>& list() const { return list_; }

 private:
  std::vector<std::pair<std::string, std::vector<double>>> list_;
};

const std::string kRun = "run", kBoundaries = "commit boundaries", kWeights = "commit weights", kProve = "prove",
                  kVerify = "verify",
                  kWhole = "run, trees and proof";  // what a plan predicts of proving

/// Does once everything that `dsperse prove` and `verify` do for slice i, codewords as planned, without files. Opening 1 of the
/// origin every time, as nothing is published. Returns the proof's size.
Result<std::size_t> measure(const Ready& ready, const backend::Backend& backend, std::uint32_t i, Times& times) {
  const proof::ModelKey& key = ready.compiled.model.key;
  const proof::SliceKey& slice = key.slices[i];
  const store::ProvingKey& secret = ready.compiled.secrets[i];
  const proof::Codewords codewords = codewords_of(ready.compiled.model.predicted[i].codewords);
  auto start = Clock::now();
  double whole = 0;
  const auto lap = [&](const std::string& name) {
    const double spent = seconds_since(start);
    times.add(name, spent);
    whole += spent;
    start = Clock::now();
  };
  DSPERSE_TRY(const quantize::TensorStore trace, slice_trace(slice, secret.weights, ready.inputs_of(slice)));
  lap(kRun);
  proof::Statement statement{slice.digest(), {}, 0, ready.run_id, i, {}};
  const std::vector<proof::Port> ports = slice.ports();
  std::vector<std::optional<proof::BoundaryCommitment>> trees(ports.size());
  std::vector<const proof::BoundaryCommitment*> by_port;
  for (std::size_t p = 0; p < ports.size(); ++p) {
    const std::uint32_t c = ports[p].chunk;
    if (key.chunks[c].is_public) {
      statement.boundaries.push_back({c, std::nullopt, ready.values[c]});
    } else {
      DSPERSE_TRY(trees[p], proof::commit_boundary(key.profile(), ready.boundary, key.chunks[c], ready.values[c], ready.seeds[c],
                                                   codewords));
      statement.boundaries.push_back({c, trees[p]->root(), {}});
    }
    by_port.push_back(trees[p] ? &*trees[p] : nullptr);
  }
  lap(kBoundaries);
  DSPERSE_TRY(const proof::WeightCommitment weights, proof::commit_weights(slice, secret.weights, secret.seed, codewords));
  if (slice.weight_root) {
    statement.weights = slice.weight_root;
    statement.opening = 1;
  }
  lap(kWeights);
  const backend::Artefacts artefacts{slice, {}};
  proof::ProveStats stats;
  DSPERSE_TRY(const Bytes proof,
              backend.prove({&artefacts, &statement, &secret.weights, &trace, &weights, by_port, codewords}, &stats));
  lap(kProve);
  times.add(kWhole, whole);
  for (const auto& [stage, seconds] : stats.stages) times.add(kProve + ": " + stage, seconds);
  start = Clock::now();
  const Verdict verdict = backend.verify(slice, statement, proof);
  lap(kVerify);
  if (!verdict) return fail(ErrorKind::internal, "an honest proof is rejected: " + verdict.reason, "slice " + std::to_string(i));
  return proof.size();
}

/// Every slice, and the sums.
Status measure_slices(const Ready& ready, const backend::Backend& backend, const BenchmarkOptions& options,
                      const Observer& observer, Sheet& sheet) {
  const store::CompiledModel& model = ready.compiled.model;
  const auto count = static_cast<std::uint32_t>(model.key.slices.size());
  std::vector<std::pair<std::string, Spread>> sums;
  std::size_t proofs = 0;
  std::uint64_t largest = 0, largest_predicted = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    tell(observer, {Event::Kind::begin, i, count, "prove and verify", 0, 0, 0});
    const auto start = Clock::now();
    release_memory();
    const PeakMeter meter;
    Times times;
    std::size_t bytes = 0;
    for (unsigned k = 0; k < options.repeat; ++k) {
      DSPERSE_TRY(bytes, measure(ready, backend, i, times));
    }
    const Ready::Held held = ready.held(i);
    const std::uint64_t resident = peak_rss_bytes(), beyond = meter.peak() + held.own;
    const std::uint64_t whole = resident - std::min<std::uint64_t>(resident, held.beside);
    const slice::Cost& predicted = model.predicted[i];
    for (const auto& [name, values] : times.list()) {
      const Spread s = spread(values);
      auto sum = std::find_if(sums.begin(), sums.end(), [&](const auto& known) { return known.first == name; });
      if (sum == sums.end()) sum = sums.insert(sums.end(), {name, Spread{}});
      add(sum->second, s);
      if (name == kProve) sheet.times(fmt::format("prove slice {}", i), s);
      if (name == kWhole) sheet.times(fmt::format("run, trees and proof, slice {}", i), s, "", predicted.prove_seconds);
      if (name == kVerify) sheet.times(fmt::format("verify slice {}", i), s);
    }
    sheet.once(fmt::format("peak memory, slice {}", i), static_cast<double>(beyond), "bytes", "beyond what the process had",
               static_cast<double>(predicted.peak_bytes));
    sheet.once(fmt::format("proof, slice {}", i), static_cast<double>(bytes), "bytes", "",
               static_cast<double>(predicted.proof_bytes));
    proofs += bytes;
    if (whole > largest) {
      largest = whole;
      largest_predicted = whole - std::min(whole, beyond) + predicted.peak_bytes;
    }
    tell(observer, {Event::Kind::finished, i, count, "prove and verify", seconds_since(start), 0, bytes});
  }
  slice::Cost total;
  for (const slice::Cost& c : model.predicted) {
    total.prove_seconds += c.prove_seconds;
    total.proof_bytes += c.proof_bytes;
  }
  for (const auto& [name, s] : sums)
    sheet.times(name, s, "sum over slices", name == kWhole ? std::optional(total.prove_seconds) : std::nullopt);
  sheet.once("proofs", static_cast<double>(proofs), "bytes", "all slices", static_cast<double>(total.proof_bytes));
  sheet.once("peak memory, prove", static_cast<double>(largest), "bytes", "of the largest slice, process and all",
             static_cast<double>(largest_predicted));
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
  for (const std::size_t n : options.threads) {
    set_threads(n);
    Sheet sheet(out, options, n);
    release_memory();
    reset_peak_rss();
    tell(observer, {Event::Kind::stage, 0, 0, fmt::format("{} thread(s)", n), 0, 0, 0});
    auto start = Clock::now();
    DSPERSE_TRY(const Compiled compiled,
                compile_plan(plan, {options.profile, false, options.public_weights, options.goal}, backend, {}));
    sheet.once("compile", seconds_since(start), "s", "once, weight range proofs included");
    sheet.once("peak memory, compile", static_cast<double>(peak_rss_bytes()), "bytes", "resident, of this process");
    DSPERSE_TRY(const Ready ready, make_ready(compiled, plan, inputs));
    DSPERSE_CHECK_OK(measure_slices(ready, backend, options, observer, sheet));
    start = Clock::now();
    for (const proof::SliceKey& s : compiled.model.key.slices)
      if (const Verdict v = proof::verify_ranges(s); !v)
        return fail(ErrorKind::internal, "an honest weight range proof is rejected: " + v.reason);
    sheet.once("verify weight ranges", seconds_since(start), "s", "all slices, once a key");
    sheet.once("key", static_cast<double>(proof::encode_model_key(compiled.model.key).size()), "bytes", "of the verifier");
  }
  return out;
}

}  // namespace dsperse::pipeline
