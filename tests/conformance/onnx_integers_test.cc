// ONNX's own single-operator cases as integers and proofs: those that the float half takes must be lowered or refused with a
// reason, the integers must stay close to the float values, and every lowered case (but two with windows of 200 taps) must
// be proved and its proofs accepted.
//
// Float inputs after the first become constants where the operator needs that. Data: Debian's libonnx-testdata; without it the
// test is skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>

#include "dsperse/backend/native/native.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/pipeline/benchmark.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "onnx_case.h"

namespace dsperse {
namespace {

namespace fs = std::filesystem;
using model::Graph;

/// Cases that were lowered when this was last changed; raise it when more are.
constexpr std::size_t kLowered = 118;

/// The case with inputs from the second on as constants: the integer ones, or all. Nothing if the float half does not take it.
std::optional<std::pair<Graph, quantize::Sample>> prepared(const fs::path& folder, bool all) {
  auto graph = conformance::load_case(folder / "model.onnx");
  if (!graph) return std::nullopt;
  quantize::Sample sample;
  std::vector<model::Port> inputs;
  for (std::size_t i = 0; i < graph->inputs.size(); ++i) {
    auto value = conformance::read_tensor(folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"));
    const model::Port& port = graph->inputs[i];
    if (!value || value->shape != port.shape) return std::nullopt;
    if (i > 0 && (all || port.dtype != model::DType::f32)) {
      graph->constants[port.name] = *value;
    } else {
      inputs.push_back(port);
      sample[port.name] = *value;
    }
  }
  graph->inputs = inputs;
  if (inputs.empty() || !model::prepare(*graph, ops::float_operators())) return std::nullopt;
  return std::pair{*std::move(graph), std::move(sample)};
}

/// "" if some output is further from the float one than six steps of its own or a part in 200 of the largest value.
std::string difference(const Graph& graph, const quantize::QuantizedModel& m, const quantize::Sample& sample) {
  const auto values = quantize::interpreters(graph, ops::float_operators()).run_float(sample);
  for (std::size_t i = 0; i < m.outputs.size(); ++i) {
    double largest = 0;
    for (const float x : values->at(m.outputs[i].name).f) largest = std::max(largest, std::fabs(static_cast<double>(x)));
    const double step = std::ldexp(1.0, -m.program.tensors[m.program.outputs[i]].exponent),
                 error = m.fidelity.outputs[i].max_abs_error;
    if (error > std::max(6 * step, largest / 200))
      return m.outputs[i].name + " is off by " + std::to_string(error / step) + " steps of " + std::to_string(step);
  }
  return {};
}

/// A maximum over windows so wide (the package has two of 200 taps on 200,000 pixels) that making its constraints takes minutes.
bool wide_window(const quantize::Program& program) {
  return std::ranges::any_of(program.ops, [](const quantize::Op& op) {
    const auto* pool = std::get_if<quantize::MaxPool>(&op.body);
    return pool != nullptr && std::max(pool->window.kernel[0], pool->window.kernel[1]) > 32;
  });
}

/// Every slice of the case proved and verified once; "" or what went wrong.
std::string proved(const quantize::QuantizedModel& m, const quantize::Sample& sample) {
  store::PlanFile plan;
  plan.name = "case";
  plan.calibration = "the case";
  plan.model = m;
  for (std::uint32_t i = 0; i + 1 < m.program.ops.size(); ++i) plan.cuts.push_back(i);
  plan.treatments.assign(plan.cuts.size() + 1, {.proof = true});
  plan.predicted.resize(plan.cuts.size() + 1);
  quantize::TensorStore inputs(m.program.tensors.size());
  for (std::size_t i = 0; i < m.inputs.size(); ++i) {
    const quantize::TensorId id = m.program.inputs[i];
    const model::Tensor& x = sample.at(m.inputs[i].name);
    auto q = quantize::quantize_input(m.inputs[i], m.program.tensors[id],
                                      x.dtype == model::DType::f32 ? x.f : std::vector<float>(x.i.begin(), x.i.end()));
    if (!q) return q.error().text();
    inputs[id] = std::move(q->values);
  }
  const auto done = pipeline::benchmark_plan(plan, inputs, backend::Native(), {1, {1}, proof::Profile::bits100}, {});
  return done ? std::string() : done.error().text();
}

TEST(OnnxCases, IntegersStayCloseToFloatAndAreProved) {
  const std::vector<fs::path> folders = conformance::case_folders();
  if (folders.empty()) GTEST_SKIP() << "ONNX's test data is not installed (Debian package libonnx-testdata)";
  std::size_t lowered = 0, refused = 0;
  for (const fs::path& folder : folders) {
    std::string reason;
    for (const bool all : {false, true}) {
      const auto one = prepared(folder, all);
      if (!one) continue;
      const auto m = quantize::calibrate(one->first, ops::float_operators(), ops::lowerings(), {one->second});
      if (!m) {
        EXPECT_TRUE(m.error().kind == ErrorKind::unsupported || m.error().kind == ErrorKind::bad_input)
            << folder << m.error().text();
        reason = m.error().text();
        continue;
      }
      EXPECT_EQ(difference(one->first, *m, one->second), "") << folder.filename();
      if (!m->program.ops.empty() && !wide_window(m->program)) {
        EXPECT_EQ(proved(*m, one->second), "") << folder.filename();
      }
      ++lowered;
      reason.clear();
      break;
    }
    if (reason.empty()) continue;
    ++refused;
    std::cout << "refused " << folder.filename().string() << ": " << reason << "\n";
  }
  std::cout << lowered << " cases lowered, all but those of very wide windows proved and verified, " << refused
            << " refused as printed\n";
  EXPECT_GE(lowered, kLowered);
}

}  // namespace
}  // namespace dsperse
