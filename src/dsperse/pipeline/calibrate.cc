#include "dsperse/pipeline/calibrate.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/base/parallel.h"
#include "dsperse/pipeline/costing.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/pipeline/slice_prover.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/store/disk/file.h"

namespace dsperse::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

using Json = nlohmann::ordered_json;
struct Field {
  const char* name;
  std::optional<double> slice::Measured::* value;
};
constexpr std::array kFields{
    Field{"prove_s", &slice::Measured::prove_seconds},       Field{"run_s", &slice::Measured::run_seconds},
    Field{"compile_s", &slice::Measured::compile_seconds},   Field{"verify_s", &slice::Measured::verify_seconds},
    Field{"prove_bytes", &slice::Measured::prove_bytes},     Field{"run_bytes", &slice::Measured::run_bytes},
    Field{"compile_bytes", &slice::Measured::compile_bytes}, Field{"proof_bytes", &slice::Measured::proof_bytes}};

void least(std::optional<double>& to, double value) { to = std::min(to.value_or(value), value); }
void first(std::optional<double>& to, double value) {
  if (!to) to = value;
}

/// Inputs that are as large as they may be, up and down: times do not depend on values.
std::vector<store::FileTensor> some_inputs(const store::PlanFile& plan) {
  std::vector<store::FileTensor> out;
  for (std::size_t i = 0; i < plan.model.inputs.size(); ++i) {
    const quantize::TensorSpec& spec = plan.model.program.tensors[plan.model.program.inputs[i]];
    store::FileTensor t;
    t.name = plan.model.inputs[i].name;
    t.shape = plan.model.inputs[i].logical_shape;
    for (std::int64_t k = 0; k < quantize::elements(t.shape); ++k)
      t.values.push_back(static_cast<float>((k * 7919) % 2001 - 1000) / 256.0F);
    static_cast<void>(spec);
    out.push_back(std::move(t));
  }
  return out;
}

/// Proves and verifies the run once.
Status measure_proofs(const std::string& folder, const backend::Backend& backend, store::OpeningStore& openings,
                      std::vector<slice::Measured>& out) {
  ProveOptions options;
  DSPERSE_TRY(const ProveStep step, prove_step(folder, "", std::nullopt, backend, openings, options, {}));
  for (const SliceOutcome& s : step.summary.slices) {
    slice::Measured& m = out[s.record.slice];
    least(m.prove_seconds, s.record.prove_s);
    first(m.prove_bytes, static_cast<double>(s.record.work_bytes));
    m.proof_bytes = static_cast<double>(s.record.proof_bytes);
  }
  const proof::ModelKey& key = step.model.key;
  DSPERSE_TRY(const proof::Certificate certificate, proof::decode_certificate(key, step.summary.certificate));
  for (const proof::SliceProof& p : certificate.slices) {
    proof::Statement statement = slice_statement(key, p.slice, step.run_id, certificate.table);
    statement.weights = p.weights;
    statement.opening = p.opening;
    const auto start = Clock::now();
    if (const Verdict v = backend.verify(key.slices[p.slice], statement, p.proof); !v)
      return fail(ErrorKind::internal, "an honest proof is rejected: " + v.reason, "slice " + std::to_string(p.slice));
    least(out[p.slice].verify_seconds, seconds_since(start));
  }
  return {};
}

}  // namespace

Result<Calibrated> measure_plan(const store::PlanFile& plan, const backend::Backend& backend, const std::string& folder,
                                unsigned repeat) {
  set_threads(1);
  Calibrated out;
  out.process_bytes = static_cast<double>(PeakMeter().base());
  for (const quantize::WeightValues& w : plan.model.weights)
    out.process_bytes -= static_cast<double>(2 * w.narrow.size() + 8 * w.wide.size());
  out.slices.resize(plan.treatments.size());
  const std::string dsm = store::join(folder, "m.dsm");
  DSPERSE_TRY(store::OpeningStore openings, store::OpeningStore::open(store::join(folder, "state")));
  {
    DSPERSE_TRY(const CompiledSlices compiled, compile_step(plan, {}, backend, openings, dsm, store::join(folder, "m.dsk"), {}));
    for (std::size_t i = 0; i < compiled.used.size(); ++i) {
      out.slices[i].compile_seconds = compiled.used[i].seconds;
      out.slices[i].compile_bytes = static_cast<double>(compiled.used[i].peak_bytes);
    }
  }
  const std::vector<store::FileTensor> inputs = some_inputs(plan);
  for (unsigned k = 0; k < repeat; ++k) {
    const std::string run_folder = store::join(folder, "run" + std::to_string(k));
    {
      DSPERSE_TRY(const RunStep run, run_step(dsm, inputs, {}, run_folder, {}));
      for (std::size_t i = 0; i < run.run.slices.size(); ++i) {
        const SliceRun& s = run.run.slices[i];
        least(out.slices[i].run_seconds, s.seconds + s.commit_s);
        first(out.slices[i].run_bytes, static_cast<double>(s.peak_bytes));
      }
    }
    DSPERSE_CHECK_OK(measure_proofs(run_folder, backend, openings, out.slices));
  }
  return out;
}

Status add_counts(const store::PlanFile& plan, std::vector<slice::Measured>& slices) {
  const quantize::Program& program = plan.model.program;
  DSPERSE_TRY(const slice::Plan cut, slice::plan_at(program, plan.cuts));
  if (slices.size() != cut.slices.size()) return fail(ErrorKind::internal, "measurements of another network");
  const std::uint64_t largest = cut.largest_boundary(program);
  const slice::Costing costs = costing();
  const slice::Setting setting = costs.setting(slices.size(), largest);
  const slice::Tally::Facts facts(program);
  for (std::size_t i = 0; i < slices.size(); ++i) {
    slice::Tally tally(facts, setting.boundary.c);
    for (std::uint32_t op = cut.slices[i].first_op; op < cut.slices[i].last_op; ++op) tally.add(op);
    slices[i].counts = costs.counts(tally);
    slices[i].slices = slices.size();
    slices[i].largest = largest;
  }
  return {};
}

std::string calibrated_document(const Calibrated& calibrated) {
  Json slices = Json::array();
  for (const slice::Measured& m : calibrated.slices) {
    Json j = Json::object();
    for (const Field& f : kFields)
      if (m.*f.value) j[f.name] = *(m.*f.value);
    slices.push_back(std::move(j));
  }
  return Json{{"process_bytes", calibrated.process_bytes}, {"slices", slices}}.dump();
}

Result<Calibrated> read_calibrated(const std::string& json) {
  const bool shallow = nests_at_most({reinterpret_cast<const std::uint8_t*>(json.data()), json.size()});
  const Json j = shallow ? Json::parse(json, nullptr, false) : Json();
  Calibrated out;
  try {
    out.process_bytes = j.at("process_bytes").get<double>();
    for (const Json& s : j.at("slices")) {
      slice::Measured m;
      for (const Field& f : kFields)
        if (s.contains(f.name)) m.*f.value = s.at(f.name).get<double>();
      out.slices.push_back(m);
    }
  } catch (const nlohmann::json::exception& e) {
    return fail(ErrorKind::backend, std::string("a measuring process wrote no measurements: ") + e.what());
  }
  return out;
}

}  // namespace dsperse::pipeline
