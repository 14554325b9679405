#include "single_case.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "bound.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/calibrate/calibrate.h"
#include "dsperse/run/float.h"
#include "dsperse/run/integer.h"
#include "onnx_case.h"
#include "proved.h"

namespace dsperse::conformance {
namespace {

namespace fs = std::filesystem;
using model::DType;
using model::Graph;
using model::Tensor;

/// A case's files.
struct Case {
  Graph graph;
  std::vector<Tensor> inputs;
  std::vector<Expected> expected;
};

/// Ends a case: what stage it is at, and how.
struct End {
  Ending status;
  std::string step, reason;
};
End declined(std::string step, std::string reason) { return {Ending::declined, std::move(step), std::move(reason)}; }
End failed(std::string step, std::string reason) { return {Ending::failed, std::move(step), std::move(reason)}; }
/// Unsupported and beyond a limit: declined; anything else is a mistake, of dsperse or of this harness.
End ended(std::string step, const Error& e) {
  const bool ours = e.kind == ErrorKind::unsupported || e.kind == ErrorKind::resource;
  return {ours ? Ending::declined : Ending::failed, std::move(step), e.text()};
}

std::optional<End> read(const fs::path& folder, Case& c) {
  const fs::path data = folder / "test_data_set_0";
  for (const bool output : {false, true}) {
    auto values = read_tensors(data, output ? "output_" : "input_");
    if (!values) {
      // A tensor with NaN or infinity is refused like one in a model's file; of a case that is no mistake.
      if (values.error().what == "tensor holds NaN or infinity") return declined("data", "NaN or infinity in the case's values");
      if (values.error().what == "tensor without a data type") return declined("data", "an optional value or a sequence");
      return ended("data", values.error());
    }
    if (!output) {
      c.inputs = std::move(*values);
      continue;
    }
    for (Tensor& t : *values) {
      const auto file = data / ("output_" + std::to_string(c.expected.size()) + ".pb");
      c.expected.push_back({std::move(t), coarseness(file)});
    }
  }
  for (const Expected& e : c.expected)
    if (!std::ranges::all_of(e.value.f, [](float v) { return std::isfinite(v); }))
      return declined("data", "NaN or infinity in the case's values");
  if (fs::exists(folder / "test_data_set_1")) return failed("data", "more than one data set");
  std::map<std::string, model::Shape> shapes;
  const auto names = input_names(folder / "model.onnx");
  for (std::size_t i = 0; i < std::min(names.size(), c.inputs.size()); ++i) shapes[names[i]] = c.inputs[i].shape;
  for (const Tensor& t : c.inputs)
    if (std::ranges::find(t.shape, 0) != t.shape.end()) return declined("data", "a tensor without elements");
  auto graph = load_case(folder / "model.onnx", shapes);
  if (!graph) return ended("import", graph.error());
  if (graph->inputs.size() != c.inputs.size() || graph->outputs.size() != c.expected.size())
    return failed("import", "the model has another number of inputs or outputs than the data");
  c.graph = std::move(*graph);
  return std::nullopt;
}

using Fixed = std::vector<bool>;  ///< by input: becomes a constant

/// From nothing fixed to everything but the first input, each once. Cases feed weights, axes and scales as inputs, which are
/// constants in models.
std::vector<Fixed> ways(const Case& c) {
  const std::size_t n = c.inputs.size();
  std::vector<Fixed> out;
  const auto add = [&](const auto& fix) {
    Fixed f(n);
    for (std::size_t i = 0; i < n; ++i) f[i] = fix(i);
    if (std::ranges::find(out, f) == out.end()) out.push_back(std::move(f));
  };
  const auto whole = [&](std::size_t i) { return c.inputs[i].dtype != DType::f32; };
  add([](std::size_t) { return false; });
  add([&](std::size_t i) { return i > 0 && whole(i); });
  add([&](std::size_t i) { return i > 0 && (whole(i) || c.inputs[i].shape.empty()); });
  add([&](std::size_t i) { return whole(i); });
  add([](std::size_t i) { return i > 0; });
  return out;
}

Graph bind(const Case& c, const Fixed& fixed, quantize::Sample& sample) {
  Graph graph = c.graph;
  graph.inputs.clear();
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    const model::Port& port = c.graph.inputs[i];
    if (fixed[i]) {
      graph.constants[port.name] = c.inputs[i];
    } else {
      graph.inputs.push_back(port);
      sample[port.name] = c.inputs[i];
    }
  }
  return graph;
}

/// The float interpreter against the expected outputs.
std::optional<End> compare_float(const Graph& graph, const quantize::Sample& sample, const Case& c, const std::string& step) {
  const auto got = run::run_float(graph, ops::float_operators(), sample);
  if (!got) return ended(step, got.error());
  for (std::size_t i = 0; i < c.expected.size(); ++i)
    if (const std::string text = float_difference(got->at(graph.outputs[i].name), c.expected[i]); !text.empty())
      return failed(step, "output " + std::to_string(i) + " " + text);
  return std::nullopt;
}

Result<quantize::TensorStore> quantized(const quantize::QuantizedModel& m, const quantize::Sample& sample, std::size_t& clamped) {
  quantize::TensorStore trace(m.program.tensors.size());
  for (std::size_t i = 0; i < m.inputs.size(); ++i) {
    const quantize::TensorId id = m.program.inputs[i];
    const Tensor& x = sample.at(m.inputs[i].name);
    DSPERSE_TRY(auto q, quantize::quantize_input(m.inputs[i], m.program.tensors[id], reals(x)));
    clamped += q.clamped;
    trace[id] = std::move(q.values);
  }
  return trace;
}

/// The sample as the integers hold it.
Result<quantize::Sample> held_of(const quantize::QuantizedModel& m, const quantize::Sample& sample) {
  std::size_t clamped = 0;
  DSPERSE_TRY(const auto trace, quantized(m, sample, clamped));
  return rounded(sample, m, trace);
}

End integers(const Graph& graph, const quantize::Sample& sample, const Case& c, const Settings& settings, Outcome& outcome) {
  quantize::QuantizeOptions options;
  options.activation_bits = options.weight_bits = settings.bits;
  // Calibrated on the case's input and on what the integers hold of it: rounding a wide range may leave that of the first alone.
  auto m = quantize::calibrate(graph, ops::float_operators(), ops::lowerings(), {sample}, options);
  if (m) {
    const auto held = held_of(*m, sample);
    if (!held) return ended("integers", held.error());
    if (auto both = quantize::calibrate(graph, ops::float_operators(), ops::lowerings(), {sample, *held}, options))
      m = std::move(both);
  }
  if (!m && m.error().what.starts_with("the float model gives NaN or infinity"))
    return declined("integers", "NaN or infinity inside the model");
  if (!m) return ended("integers", m.error());
  outcome.ops = m->program.ops.size();
  std::size_t clamped = 0;
  auto trace = quantized(*m, sample, clamped);
  if (!trace) return ended("integers", trace.error());
  if (clamped > 0) return declined("integers", "integer inputs of more than 16 bits");
  const auto runner = run::IntegerRunner::create(m->program, m->weights);
  if (!runner) return failed("integers", runner.error().text());
  if (const auto s = runner->run(*trace); !s) return failed("integers", s.error().text());
  const auto distance = measure(graph, sample, *m, *trace, c.expected);
  if (!distance) return failed("integers", distance.error().text());
  outcome.error = distance->error, outcome.bound = distance->bound, outcome.steps = distance->steps;
  if (!distance->text.empty()) return failed("integers", distance->text);
  if (m->program.ops.empty()) return {Ending::folded, "integers", "the output is the input"};
  Proved sheet;
  const auto proved = prove_and_attack(*m, *trace, sheet);
  outcome.key_ms = sheet.key_ms, outcome.prove_ms = sheet.prove_ms, outcome.verify_ms = sheet.verify_ms;
  outcome.proof_bytes = sheet.proof_bytes, outcome.lookups = sheet.lookups;
  if (!proved) return ended(sheet.step, proved.error());
  return {Ending::passed, "attack", {}};
}

/// One way of feeding the case. Declined: another way may do.
End attempt(const Case& c, const Fixed& fixed, const Settings& settings, Outcome& outcome) {
  quantize::Sample sample;
  Graph graph = bind(c, fixed, sample);
  if (const auto s = model::infer_shapes(graph, ops::float_operators()); !s) return ended("import", s.error());
  if (const auto end = compare_float(graph, sample, c, "float")) return *end;
  Graph folded = graph;
  if (model::fold_constants(folded, ops::float_operators()) &&
      std::ranges::all_of(folded.outputs, [&](const model::Port& p) { return folded.constants.contains(p.name); })) {
    if (const auto end = compare_float(folded, sample, c, "prepare")) return *end;
    return {Ending::folded, "prepare", "the outputs are constants"};
  }
  if (const auto s = model::prepare(graph, ops::float_operators()); !s) return ended("prepare", s.error());
  if (const auto end = compare_float(graph, sample, c, "prepare")) return *end;
  return integers(graph, sample, c, settings, outcome);
}

/// How far a case came.
std::size_t rank(const std::string& step) {
  static const std::array<std::string, 8> kSteps{"data", "import", "float", "prepare", "integers", "key", "proof", "attack"};
  return static_cast<std::size_t>(std::ranges::find(kSteps, step) - kSteps.begin());
}

End run(const fs::path& folder, const Settings& settings, Outcome& outcome) {
  Case c;
  if (auto end = read(folder, c)) return *end;
  outcome.inputs = c.inputs.size();
  std::optional<End> furthest;
  for (const Fixed& fixed : ways(c)) {
    Outcome tried = outcome;
    End end = attempt(c, fixed, settings, tried);
    if (end.status == Ending::declined) {
      if (!furthest || rank(end.step) >= rank(furthest->step)) furthest = std::move(end);
      continue;
    }
    outcome = tried;
    outcome.fixed = static_cast<std::size_t>(std::ranges::count(fixed, true));
    if (end.status == Ending::folded && outcome.fixed == fixed.size() && furthest)
      end.reason = "on constants alone; else " + furthest->step + ": " + furthest->reason;
    return end;
  }
  return *furthest;
}

void append(std::string& out, const std::string& text) {
  out += '"';
  for (const char ch : text) {
    const auto u = static_cast<unsigned char>(ch);
    if (ch == '"' || ch == '\\')
      out += '\\', out += ch;
    else
      out += u < 0x20 ? ' ' : ch;
  }
  out += '"';
}

}  // namespace

Outcome run_case(const fs::path& folder, const Settings& settings) {
  Outcome outcome;
  End end = run(folder, settings, outcome);
  outcome.status = end.status;
  outcome.step = std::move(end.step);
  outcome.reason = std::move(end.reason);
  return outcome;
}

std::string json_line(const fs::path& folder, const Outcome& o) {
  static const char* const kNames[] = {"passed", "folded", "declined", "failed"};
  std::string out = "{\"folder\":";
  append(out, folder.string());
  out += ",\"status\":\"" + std::string(kNames[static_cast<int>(o.status)]) + "\",\"step\":";
  append(out, o.step);
  out += ",\"reason\":";
  append(out, o.reason);
  const auto number = [&](const char* name, double v) {
    char text[64];
    std::snprintf(text, sizeof text, ",\"%s\":%.6g", name, v);
    out += text;
  };
  const auto count = [&](const char* name, std::size_t v) { out += ",\"" + std::string(name) + "\":" + std::to_string(v); };
  count("inputs", o.inputs), count("fixed", o.fixed), count("ops", o.ops);
  number("error", o.error), number("bound", o.bound), number("steps", o.steps);
  number("key_ms", o.key_ms), number("prove_ms", o.prove_ms), number("verify_ms", o.verify_ms);
  count("proof_bytes", o.proof_bytes), count("lookups", o.lookups);
  return out + "}";
}

}  // namespace dsperse::conformance
