// ONNX's own test cases against the loader, the operators and the float interpreter.
//
// Every case of the data package is loaded; those with operators and opsets that dsperse has are run, as they are and after
// prepare(), and compared with the expected outputs. What is skipped is printed with its reason. The number that passes may not
// drop. Data: Debian's libonnx-testdata; without it the test is skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <random>

#include "dsperse/model/onnx/file.h"
#include "dsperse/model/onnx/load.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"
#include "onnx_case.h"

namespace dsperse {
namespace {

namespace fs = std::filesystem;
using conformance::case_folders;
using conformance::load_case;
using conformance::read_tensors;
using model::Graph;
using model::Tensor;

constexpr double kRelative = 1e-4, kAbsolute = 1e-6;
// Cases that passed when this was last changed; raise it when more do.
constexpr std::size_t kPassing = 236;

struct Outcome {
  enum class Kind { passed, foreign, skipped, failed } kind;
  std::string detail;
};

/// "" or how the tensors differ.
std::string difference(const Tensor& got, const Tensor& want) {
  if (got.dtype != want.dtype) return "is " + model::dtype_text(got.dtype) + ", expected " + model::dtype_text(want.dtype);
  if (got.shape != want.shape) return "has shape " + model::shape_text(got.shape) + ", expected " + model::shape_text(want.shape);
  if (got.i != want.i) return "integers differ";
  for (std::size_t i = 0; i < got.f.size(); ++i)
    if (!(std::fabs(static_cast<double>(got.f[i]) - static_cast<double>(want.f[i])) <=
          kAbsolute + kRelative * std::fabs(static_cast<double>(want.f[i]))))
      return "element " + std::to_string(i) + " is " + std::to_string(got.f[i]) + ", expected " + std::to_string(want.f[i]);
  return {};
}

/// Test cases feed shapes, axes and bounds as inputs; they are constants in every model that dsperse takes. first: inputs from
/// this position on become constants (integer ones only, or all).
Graph bind(const Graph& source, const std::vector<Tensor>& values, std::size_t first, bool all) {
  Graph graph = source;
  graph.inputs.clear();
  for (std::size_t i = 0; i < source.inputs.size(); ++i) {
    if (i >= first && (all || values[i].dtype != model::DType::f32))
      graph.constants[source.inputs[i].name] = values[i];
    else
      graph.inputs.push_back(source.inputs[i]);
  }
  return graph;
}

std::string compare(const Graph& graph, const std::map<std::string, Tensor>& inputs, const std::vector<Tensor>& expected) {
  std::map<std::string, Tensor> used;
  for (const model::Port& port : graph.inputs) used[port.name] = inputs.at(port.name);
  const auto got = run::run_float(graph, ops::float_operators(), used);
  if (!got) return got.error().text();
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (const std::string text = difference(got->at(graph.outputs[i].name), expected[i]); !text.empty())
      return "output " + std::to_string(i) + " " + text;
  return {};
}

Outcome run_data_set(const Graph& loaded, const fs::path& data_set) {
  using enum Outcome::Kind;
  const auto values = read_tensors(data_set, "input_");
  const auto expected = read_tensors(data_set, "output_");
  if (!values) return {skipped, "input data: " + values.error().what};
  if (!expected) return {skipped, "output data: " + expected.error().what};
  if (values->size() != loaded.inputs.size()) return {skipped, "optional inputs are left out"};
  std::map<std::string, Tensor> inputs;
  for (std::size_t i = 0; i < values->size(); ++i) {
    if ((*values)[i].shape != loaded.inputs[i].shape)
      return {skipped, "data has another shape than the model's input (empty tensors)"};
    inputs[loaded.inputs[i].name] = (*values)[i];
  }

  const std::size_t n = values->size();
  std::string reason;
  for (const auto& [first, all] :
       {std::pair{std::size_t{1}, false}, std::pair{std::size_t{1}, true}, std::pair{std::size_t{0}, true}}) {
    Graph graph = bind(loaded, *values, std::min(first, n), all);
    if (const auto status = model::infer_shapes(graph, ops::float_operators()); !status) {
      if (reason.empty()) reason = status.error().what;
      if (status.error().kind == ErrorKind::unsupported) continue;
      return {failed, status.error().text()};
    }
    if (const std::string text = compare(graph, inputs, *expected); !text.empty()) return {failed, text};
    Graph prepared = bind(loaded, *values, std::min(first, n), all);
    if (model::prepare(prepared, ops::float_operators()))
      if (const std::string text = compare(prepared, inputs, *expected); !text.empty())
        return {failed, "after prepare(): " + text};
    return {passed, {}};
  }
  return {skipped, reason};
}

Outcome run_case(const fs::path& folder) {
  using enum Outcome::Kind;
  const auto loaded = load_case(folder / "model.onnx");
  if (!loaded) return {loaded.error().what.starts_with("operators not supported") ? foreign : skipped, loaded.error().what};
  Outcome outcome{skipped, "no data set"};
  for (std::size_t i = 0; fs::exists(folder / ("test_data_set_" + std::to_string(i))); ++i) {
    outcome = run_data_set(*loaded, folder / ("test_data_set_" + std::to_string(i)));
    if (outcome.kind != passed) break;
  }
  return outcome;
}

constexpr const char* kMissing = "ONNX's test data is not installed (Debian package libonnx-testdata)";

TEST(OnnxCases, FloatInterpreterGivesTheExpectedOutputs) {
  const std::vector<fs::path> folders = case_folders();
  if (folders.empty()) GTEST_SKIP() << kMissing;
  std::size_t passed = 0, foreign = 0, skipped = 0, failed = 0;
  for (const fs::path& folder : folders) {
    const Outcome outcome = run_case(folder);
    const std::string name = folder.parent_path().filename().string() + "/" + folder.filename().string();
    switch (outcome.kind) {
      case Outcome::Kind::passed:
        ++passed;
        break;
      case Outcome::Kind::foreign:
        ++foreign;
        break;
      case Outcome::Kind::skipped:
        ++skipped;
        std::cout << "skipped " << name << ": " << outcome.detail << "\n";
        break;
      case Outcome::Kind::failed:
        ++failed;
        ADD_FAILURE() << name << ": " << outcome.detail;
        break;
    }
  }
  std::cout << passed << " cases passed, " << failed << " failed, " << skipped << " skipped as printed, " << foreign
            << " use operators that dsperse does not have\n";
  EXPECT_GE(passed, kPassing);
}

/// Cut or with some bits flipped; the same for the same seed.
Bytes damaged(Bytes bytes, std::uint32_t seed) {
  std::mt19937 rng(seed);
  if (bytes.empty()) return bytes;
  if (rng() % 4 == 0) {
    bytes.resize(rng() % bytes.size());
    return bytes;
  }
  for (auto flips = 1 + rng() % 4; flips > 0; --flips)
    bytes[rng() % bytes.size()] ^= static_cast<std::uint8_t>(1U << (rng() % 8));
  return bytes;
}

TEST(OnnxCases, DamagedFilesGiveAGraphOrAnError) {
  const std::vector<fs::path> folders = case_folders();
  if (folders.empty()) GTEST_SKIP() << kMissing;
  model::LoadOptions options;
  options.max_tensor_bytes = 1 << 20;
  std::size_t graphs = 0, errors = 0;
  std::uint32_t seed = 0;
  for (const fs::path& folder : folders) {
    const auto bytes = model::onnx_file::read_file(folder / "model.onnx", 1U << 28);
    ASSERT_TRUE(bytes);
    const int copies = model::parse_onnx(*bytes, {}, options, ops::float_operators()) ? 60 : 4;
    for (int i = 0; i < copies; ++i) {
      auto graph = model::parse_onnx(damaged(*bytes, ++seed), {}, options, ops::float_operators());
      if (graph && model::infer_shapes(*graph, ops::float_operators())) {
        ++graphs;
        model::remove_dead(*graph);
        (void)model::fuse(*graph);
      } else {
        ++errors;
      }
    }
  }
  std::cout << graphs << " damaged files still gave a graph, " << errors << " an error\n";
  EXPECT_GT(graphs, 100U);
  EXPECT_GT(errors, folders.size());
}

}  // namespace
}  // namespace dsperse
