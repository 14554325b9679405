#include "dsperse/quantize/quantize.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "dsperse/quantize/finish.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {
namespace {

Status collect(const Draft& draft, const std::map<std::string, model::Tensor>& values,
               std::vector<TensorStatistics>& statistics) {
  for (TensorId t = 0; t < draft.tensors.size(); ++t) {
    const Origin& origin = draft.tensors[t];
    const model::Tensor& x = values.at(origin.source);
    for (const float v : x.f) {
      if (!std::isfinite(v))
        return fail(ErrorKind::bad_input, "the float model gives NaN or infinity on a calibration sample", origin.source,
                    "check model and calibration data");
      statistics[t].add(apply(origin.after, static_cast<double>(v)));
    }
    for (const auto v : x.i) statistics[t].add(static_cast<double>(v));
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
  std::vector<TensorStatistics> statistics(draft.tensors.size());
  for (const auto& sample : samples) {
    DSPERSE_TRY(const auto values, float_values(interpreters.run_float, sample, draft.tensors));
    DSPERSE_CHECK_OK(collect(draft, values, statistics));
  }
  DSPERSE_TRY(const Scales scales, choose_scales(draft, statistics, options));
  DSPERSE_TRY(Finished done, finish(draft, scales, statistics, options));
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
        t.i.resize(n);
      }
      sample.emplace(port.name, std::move(t));
    }
  return samples;
}

}  // namespace dsperse::quantize
