#include "dsperse/pipeline/native.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "dsperse/run/integer.h"

namespace dsperse::pipeline {
namespace {

constexpr std::size_t kRuns = 5;
constexpr double kLongEnough = 1;  // seconds

double total(const run::RunStats& stats) {
  return std::accumulate(stats.ops.begin(), stats.ops.end(), 0.0,
                         [](double sum, const run::OpStats& op) { return sum + op.seconds; });
}

}  // namespace

Result<trust::NativeRate> measure_native(const quantize::QuantizedModel& model, const RunInputs& inputs, std::size_t slices) {
  DSPERSE_TRY(const run::IntegerRunner runner, run::IntegerRunner::create(model.program, model.weights));
  std::vector<run::RunStats> runs;
  double spent = 0;
  while (runs.size() < kRuns && spent < kLongEnough) {
    quantize::TensorStore trace = inputs;
    DSPERSE_CHECK_OK(runner.run(trace, &runs.emplace_back()));
    spent += total(runs.back());
  }
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return total(a) < total(b); });
  const run::RunStats& median = runs[runs.size() / 2];
  double with = 0, without = 0;
  std::uint64_t macs = 0;
  for (std::size_t i = 0; i < median.ops.size(); ++i) {
    const std::uint64_t n = quantize::op_macs(model.program, model.program.ops[i]);
    (n > 0 ? with : without) += median.ops[i].seconds;
    macs += n;
  }
  return trust::NativeRate{.seconds_fixed = without / static_cast<double>(std::max<std::size_t>(1, slices)),
                           .seconds_per_mac = macs == 0 ? 0 : with / static_cast<double>(macs)};
}

trust::NativeRate native_rate(double seconds, const quantize::Program& program, std::size_t slices) {
  std::uint64_t macs = 0;
  for (const quantize::Op& op : program.ops) macs += quantize::op_macs(program, op);
  if (macs == 0) return {.seconds_fixed = seconds / static_cast<double>(std::max<std::size_t>(1, slices)), .seconds_per_mac = 0};
  return {.seconds_fixed = 0, .seconds_per_mac = seconds / static_cast<double>(macs)};
}

trust::PlanFacts plan_facts(const slice::Plan& plan, const trust::NativeRate& rate) {
  trust::PlanFacts out;
  for (const slice::Slice& s : plan.slices) {
    out.programs.push_back(&s.program);
    out.costs.push_back(trust::slice_cost(s.cost, rate));
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::set<std::uint32_t> outputs;
  for (const slice::Boundary& b : plan.boundaries) {
    if (b.producer == slice::Boundary::kUser) continue;
    for (const std::uint32_t consumer : b.consumers) edges.emplace(b.producer, consumer);
    if (b.is_output) outputs.insert(b.producer);
  }
  out.edges.assign(edges.begin(), edges.end());
  out.outputs.assign(outputs.begin(), outputs.end());
  return out;
}

}  // namespace dsperse::pipeline
