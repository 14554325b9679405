#include "dsperse/quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "dsperse/quantize/finish.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {
namespace {

Status add_values(const model::Tensor& x, const std::string& name, const RealActivation& after, TensorStatistics& to) {
  for (const float v : x.f) {
    if (!std::isfinite(v))
      return fail(ErrorKind::bad_input, "the float model gives NaN or infinity on a calibration sample", name,
                  "check model and calibration data");
    to.add(apply(after, static_cast<double>(v)));
  }
  for (const auto v : x.i) to.add(static_cast<double>(v));
  return {};
}

Status collect(const Draft& draft, const std::map<std::string, model::Tensor>& values, Calibration& calibration) {
  for (TensorId t = 0; t < draft.tensors.size(); ++t) {
    const Origin& origin = draft.tensors[t];
    DSPERSE_CHECK_OK(add_values(values.at(origin.source), origin.source, origin.after, calibration.tensors[t]));
  }
  for (std::size_t i = 0; i < draft.activations.size(); ++i) {
    const RealActivation& a = draft.activations[i];
    if (a.f != Function::table) continue;
    const auto x = values.find(a.input);
    if (x == values.end()) return fail(ErrorKind::internal, "the float run lacks a tensor", a.input);
    DSPERSE_CHECK_OK(add_values(x->second, a.input, {}, calibration.tables[i]));
  }
  return {};
}

/// The float run of a sample, complete.
Result<std::map<std::string, model::Tensor>> float_values(const RunFloat& run, const Sample& sample,
                                                          const std::vector<Origin>& origins) {
  DSPERSE_TRY(auto values, run(sample));
  for (const auto& [name, tensor] : sample) values.try_emplace(name, tensor);
  for (const auto& origin : origins)
    if (!values.contains(origin.source)) return fail(ErrorKind::internal, "the float run lacks a tensor", origin.source);
  return values;
}

}  // namespace

Result<QuantizedModel> quantize_model(const model::Graph& graph, const LowerSet& lower, const Interpreters& interpreters,
                                      const std::vector<Sample>& samples, const QuantizeOptions& options) {
  if (samples.empty()) return fail(ErrorKind::usage, "calibration needs at least one sample");
  DSPERSE_TRY(Draft draft, lower_graph(graph, lower));
  Calibration calibration{std::vector<TensorStatistics>(draft.tensors.size()),
                          std::vector<TensorStatistics>(draft.activations.size())};
  for (const auto& sample : samples) {
    DSPERSE_TRY(const auto values, float_values(interpreters.run_float, sample, draft.tensors));
    DSPERSE_CHECK_OK(collect(draft, values, calibration));
  }
  DSPERSE_TRY(const Scales scales, choose_scales(draft, calibration.tensors, options));
  DSPERSE_TRY(Finished done, finish(draft, scales, calibration, options));
  QuantizedModel model{std::move(done.program),  std::move(done.weights),  std::move(draft.inputs),
                       std::move(draft.outputs), std::move(draft.tensors), {}};
  DSPERSE_TRY(model.fidelity, measure_fidelity(model, interpreters, samples));
  return model;
}

std::vector<Sample> default_samples(const model::Graph& graph, std::size_t count) {
  std::mt19937_64 rng(20240601);
  const auto normal = [&] {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(rng() >> 40) * 0x1p-24;
    return static_cast<float>(sum);
  };
  std::vector<Sample> samples(count);
  for (auto& sample : samples)
    for (const auto& port : graph.inputs) {
      model::Tensor t{port.dtype, port.shape, {}, {}};
      const auto n = static_cast<std::size_t>(elements(port.shape));
      if (port.dtype == model::DType::f32) {
        t.f.resize(n);
        std::generate(t.f.begin(), t.f.end(), normal);
      } else {
        // Of narrow types anything, of wide ones (token ids and the like) what every model takes.
        const bool truth = port.dtype == model::DType::boolean, narrow = truth || (port.lo >= -128 && port.hi <= 255);
        const std::int64_t lo = truth ? 0 : port.lo, hi = truth ? 1 : port.hi;
        t.i.resize(n);
        if (narrow)
          for (std::int64_t& v : t.i) v = lo + static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(hi - lo + 1));
      }
      sample.emplace(port.name, std::move(t));
    }
  return samples;
}

}  // namespace dsperse::quantize
