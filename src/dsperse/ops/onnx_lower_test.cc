// ONNX's own single-operator cases as integers: those that the float half takes must be lowered or refused with a reason, and the
// integers must stay close to the float values.
//
// Float inputs after the first become constants where the operator needs that. Data: Debian's libonnx-testdata; without it the
// test is skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>

#include "dsperse/model/onnx/file.h"
#include "dsperse/model/onnx/load.h"
#include "dsperse/model/onnx/tensor.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/calibrate/calibrate.h"

namespace dsperse {
namespace {

namespace fs = std::filesystem;
using model::Graph;

constexpr const char* kData = "/usr/share/libonnx-testdata/data/node";
/// Cases that were lowered when this was last changed; raise it when more are.
constexpr std::size_t kLowered = 118;

Result<model::Tensor> read_tensor(const fs::path& path) {
  DSPERSE_TRY(const Bytes bytes, model::onnx_file::read_file(path, 1U << 28));
  onnx::TensorProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorKind::bad_input, "not a tensor", path);
  model::onnx_file::TensorContext context{1U << 28, false, {}};
  return model::onnx_file::decode_tensor(proto, context);
}

/// The case with inputs from the second on as constants: the integer ones, or all. Nothing if the float half does not take it.
std::optional<std::pair<Graph, quantize::Sample>> prepared(const fs::path& folder, bool all) {
  auto graph = model::load_onnx(folder / "model.onnx", {}, ops::float_operators());
  if (!graph) return std::nullopt;
  quantize::Sample sample;
  std::vector<model::Port> inputs;
  for (std::size_t i = 0; i < graph->inputs.size(); ++i) {
    auto value = read_tensor(folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"));
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

TEST(OnnxCases, IntegersStayCloseToFloat) {
  if (!fs::exists(kData)) GTEST_SKIP() << "ONNX's test data is not installed (Debian package libonnx-testdata)";
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(kData)) folders.push_back(entry.path());
  std::ranges::sort(folders);
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
      ++lowered;
      reason.clear();
      break;
    }
    if (reason.empty()) continue;
    ++refused;
    std::cout << "refused " << folder.filename().string() << ": " << reason << "\n";
  }
  std::cout << lowered << " cases lowered, " << refused << " refused as printed\n";
  EXPECT_GE(lowered, kLowered);
}

}  // namespace
}  // namespace dsperse
