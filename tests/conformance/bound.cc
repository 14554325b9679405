#include "bound.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "dsperse/model/execute.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::conformance {
namespace {

using model::DType;
using model::Tensor;
using Values = std::map<std::string, Tensor>;

/// ONNX's own tolerance is a part in 1000 and 1e-7; ours for values near zero is that of 32-bit sums.
constexpr double kRelative = 1e-3, kAbsolute = 1e-6;
/// Steps of an output that its own op may be off.
constexpr double kOutputSteps = 4;

/// Steps of a type of 16 bits, in which a case computed and rounded what we compute in 32.
constexpr double kCoarse = 2;

double tolerance(const Expected& e, double want) {
  return kAbsolute + std::max(kRelative, kCoarse * e.coarseness) * std::fabs(want);
}

/// What a value may be that is held in steps of h: a step up, a step down, one or the other by element (two mixtures), and the
/// steps just below and above it, which stay inside of a domain that ends at a whole number of steps.
using Moved = std::function<double(double x, double h, std::size_t i)>;
const std::array<Moved, 6>& patterns() {
  static const auto mixed = [](std::size_t i, std::uint64_t salt) {
    return ((static_cast<std::uint64_t>(i) + salt) * 0x9E3779B97F4A7C15ULL >> 40 & 1) != 0 ? 1.0 : -1.0;
  };
  static const std::array<Moved, 6> all{[](double x, double h, std::size_t) { return x + h; },
                                        [](double x, double h, std::size_t) { return x - h; },
                                        [](double x, double h, std::size_t i) { return x + h * mixed(i, 1); },
                                        [](double x, double h, std::size_t i) { return x + h * mixed(i, 77); },
                                        [](double x, double h, std::size_t) { return std::floor(x / h) * h; },
                                        [](double x, double h, std::size_t) { return std::ceil(x / h) * h; }};
  return all;
}

/// The outputs of the graph if tensor `name` had these values.
Result<Values> rerun(const model::Graph& graph, const Values& values, const std::string& name, Tensor changed) {
  Values now;
  now[name] = std::move(changed);
  for (const model::Node& node : graph.nodes) {
    if (std::ranges::find(node.outputs, name) != node.outputs.end()) continue;
    if (std::ranges::none_of(node.inputs, [&](const std::string& in) { return now.contains(in); })) continue;
    std::vector<const Tensor*> arguments;
    for (const std::string& in : node.inputs) {
      const Tensor* t = nullptr;
      if (const auto it = now.find(in); it != now.end())
        t = &it->second;
      else if (const auto v = values.find(in); v != values.end())
        t = &v->second;
      else if (const auto k = graph.constants.find(in); k != graph.constants.end())
        t = &k->second;
      arguments.push_back(t);
    }
    DSPERSE_TRY(auto outputs, model::evaluate_node(node, graph.opset, ops::float_operators(), arguments));
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) now.insert_or_assign(node.outputs[i], std::move(outputs[i]));
  }
  return now;
}

/// What the outputs may be off, element by element, because tensors before them are.
class Slack {
 public:
  Slack(const model::Graph& graph, const Values& values) : graph_(graph), values_(values) {
    for (const model::Port& p : graph.outputs) slack_.emplace_back(values.at(p.name).f.size() + values.at(p.name).i.size(), 0.0);
  }
  /// Adds what moving every element of `name` by `step` does, the largest of the patterns.
  void move(const std::string& name, const Tensor& at, double step) {
    std::vector<std::vector<double>> most;
    for (const auto& s : slack_) most.emplace_back(s.size(), 0.0);
    for (const Moved& moved : patterns()) {
      Tensor changed = at;
      for (std::size_t i = 0; i < changed.f.size(); ++i)
        changed.f[i] = static_cast<float>(moved(static_cast<double>(at.f[i]), step, i));
      const auto now = rerun(graph_, values_, name, std::move(changed));
      if (!now) continue;  // moved out of the operator's domain
      for (std::size_t o = 0; o < most.size(); ++o) {
        const auto it = now->find(graph_.outputs[o].name);
        if (it == now->end()) continue;
        const std::vector<float> was = reals(values_.at(graph_.outputs[o].name)), is = reals(it->second);
        for (std::size_t i = 0; i < is.size(); ++i) {
          const double d = std::fabs(static_cast<double>(is[i]) - static_cast<double>(was[i]));
          if (std::isfinite(d)) most[o][i] = std::max(most[o][i], d);
        }
      }
    }
    for (std::size_t o = 0; o < most.size(); ++o)
      for (std::size_t i = 0; i < most[o].size(); ++i) slack_[o][i] += most[o][i];
  }
  [[nodiscard]] double of(std::size_t output, std::size_t i) const { return slack_[output][i]; }

 private:
  const model::Graph& graph_;
  const Values& values_;
  std::vector<std::vector<double>> slack_;
};

double step_of(const quantize::TensorSpec& t) { return std::ldexp(1.0, -t.exponent); }

}  // namespace

Result<quantize::Sample> rounded(const quantize::Sample& sample, const quantize::QuantizedModel& m,
                                 const quantize::TensorStore& trace) {
  quantize::Sample out = sample;
  for (std::size_t i = 0; i < m.inputs.size(); ++i) {
    Tensor& t = out.at(m.inputs[i].name);
    if (t.dtype != DType::f32) continue;
    const quantize::TensorId id = m.program.inputs[i];
    DSPERSE_TRY(t.f, quantize::read_output(m.inputs[i], m.program.tensors[id], trace[id]));
  }
  return out;
}

std::vector<float> reals(const Tensor& t) { return t.dtype == DType::f32 ? t.f : std::vector<float>(t.i.begin(), t.i.end()); }

std::string float_difference(const Tensor& got, const Expected& expected) {
  const Tensor& want = expected.value;
  if (got.dtype != want.dtype) return "is " + model::dtype_text(got.dtype) + ", expected " + model::dtype_text(want.dtype);
  if (got.shape != want.shape) return "has shape " + model::shape_text(got.shape) + ", expected " + model::shape_text(want.shape);
  if (got.i != want.i) return "has other integers than expected";
  for (std::size_t i = 0; i < got.f.size(); ++i) {
    const auto g = static_cast<double>(got.f[i]), w = static_cast<double>(want.f[i]);
    if (!(std::fabs(g - w) <= tolerance(expected, w)))
      return "element " + std::to_string(i) + " is " + std::to_string(g) + ", expected " + std::to_string(w);
  }
  return {};
}

Result<Distance> measure(const model::Graph& graph, const quantize::Sample& sample, const quantize::QuantizedModel& m,
                         const quantize::TensorStore& trace, const std::vector<Expected>& expected) {
  DSPERSE_TRY(const quantize::Sample given, rounded(sample, m, trace));
  const auto run = [&](const quantize::Sample& x) -> Result<Values> {
    DSPERSE_TRY(auto values, run::run_float(graph, ops::float_operators(), x));
    for (const auto& [name, t] : x) values.try_emplace(name, t);
    return values;
  };
  DSPERSE_TRY(const Values values, run(given));
  DSPERSE_TRY(const Values exact, run(sample));
  Slack slack(graph, values);
  for (const quantize::Op& op : m.program.ops) {
    const quantize::TensorId id = quantize::op_output(op);
    const std::string& source = m.origins[id].source;
    const auto at = values.find(source);
    if (std::ranges::find(m.program.outputs, id) != m.program.outputs.end() || at == values.end()) continue;
    slack.move(source, at->second, step_of(m.program.tensors[id]));
  }
  for (const auto& [name, t] : graph.constants) {
    double largest = 0;
    for (const float v : t.f) largest = std::max(largest, std::fabs(static_cast<double>(v)));
    if (largest > 0) slack.move(name, t, std::ldexp(largest, -12));
  }
  Distance out;
  double closest = -1;
  for (std::size_t o = 0; o < m.outputs.size(); ++o) {
    const quantize::TensorSpec& spec = m.program.tensors[m.program.outputs[o]];
    const std::string& name = m.outputs[o].name;
    if (m.outputs[o].logical_shape != expected[o].value.shape) {
      out.text = "output " + std::to_string(o) + " has shape " + model::shape_text(m.outputs[o].logical_shape);
      return out;
    }
    DSPERSE_TRY(const std::vector<float> got, quantize::read_output(m.outputs[o], spec, trace[m.program.outputs[o]]));
    const std::vector<float> want = reals(expected[o].value), on_given = reals(values.at(name)), on_exact = reals(exact.at(name));
    const bool whole = expected[o].value.dtype != DType::f32;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto w = static_cast<double>(want[i]);
      const double error = std::fabs(static_cast<double>(got[i]) - w);
      const double moved = std::fabs(static_cast<double>(on_given[i]) - static_cast<double>(on_exact[i]));
      const double bound = (whole ? 0 : kOutputSteps * step_of(spec) + tolerance(expected[o], w)) + slack.of(o, i) +
                           (std::isfinite(moved) ? moved : 0);  // rounded out of the operator's domain: no excuse
      const double share = error == 0 ? 0 : error / bound;
      if (share > closest) {
        closest = share;
        out.error = error, out.bound = bound, out.steps = error / step_of(spec);
      }
      if (!(error <= bound) && out.text.empty())
        out.text = "output " + std::to_string(o) + ", element " + std::to_string(i) + " is " + std::to_string(got[i]) +
                   ", expected " + std::to_string(w) + " +- " + std::to_string(bound);
    }
  }
  return out;
}

}  // namespace dsperse::conformance
