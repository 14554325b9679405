#include "dsperse/pipeline/influence.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "dsperse/run/integer.h"

namespace dsperse::pipeline {
namespace {

using quantize::IntTensor;
using quantize::TensorId;

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
  }

 private:
  std::uint64_t state_;
};

IntTensor perturbed(IntTensor values, const quantize::TensorSpec& spec, SplitMix64 random) {
  const std::int64_t k = std::max<std::int64_t>(1, (spec.hi - spec.lo) / 100);
  for (auto& q : values) {
    std::int64_t e = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * k)) - k;  // -k..k-1
    if (e >= 0) ++e;
    q = static_cast<IntTensor::value_type>(std::clamp<std::int64_t>(q + e, spec.lo, spec.hi));
  }
  return values;
}

/// RMS(y' - y) / RMS(y); the quantum cancels.
double moved(const IntTensor& before, const IntTensor& after) {
  double change = 0, size = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto y = static_cast<double>(before[i]), d = static_cast<double>(after[i]) - y;
    change += d * d;
    size += y * y;
  }
  if (size == 0) size = static_cast<double>(before.size());
  return before.empty() ? 0 : std::sqrt(change / size);
}

/// What comes after a slice, as a program of its own; nothing after the last.
struct Rest {
  slice::Slice slice;
  quantize::WeightStore weights;
  std::optional<run::IntegerRunner> runner;
};

Status prepare(const quantize::QuantizedModel& model, std::uint32_t last_op, Rest& rest) {
  if (last_op >= model.program.ops.size()) return {};
  DSPERSE_TRY(slice::Plan two, slice::plan_at(model.program, {last_op - 1}));
  rest.slice = std::move(two.slices[1]);
  rest.weights = slice::slice_weights(rest.slice, model.weights);
  DSPERSE_TRY(rest.runner, run::IntegerRunner::create(rest.slice.program, rest.weights));
  return {};
}

/// The model's outputs with one tensor replaced after the slice.
Result<std::vector<IntTensor>> outputs_with(const quantize::QuantizedModel& model, const Rest& rest,
                                            const quantize::TensorStore& trace, TensorId tensor, const IntTensor& values) {
  std::vector<IntTensor> out;
  quantize::TensorStore after = slice::slice_trace(rest.slice, trace);
  const auto local = std::find(rest.slice.tensors.begin(), rest.slice.tensors.end(), tensor);
  if (rest.runner) {
    if (local != rest.slice.tensors.end()) after[static_cast<std::size_t>(local - rest.slice.tensors.begin())] = values;
    DSPERSE_CHECK_OK(rest.runner->run(after));
  }
  for (const TensorId id : model.program.outputs) {
    const auto made = std::find(rest.slice.tensors.begin(), rest.slice.tensors.end(), id);
    if (id == tensor)
      out.push_back(values);
    else
      out.push_back(made == rest.slice.tensors.end() ? trace[id]
                                                     : after[static_cast<std::size_t>(made - rest.slice.tensors.begin())]);
  }
  return out;
}

}  // namespace

Result<std::vector<double>> measure_influence(const quantize::QuantizedModel& model, const slice::Plan& plan,
                                              std::span<const RunInputs> samples) {
  const quantize::Program& program = model.program;
  samples = samples.first(std::min(samples.size(), kInfluenceSamples));
  if (samples.empty()) return fail(ErrorKind::usage, "influence needs a calibration sample");
  std::vector<quantize::TensorStore> traces;
  {
    DSPERSE_TRY(const run::IntegerRunner runner, run::IntegerRunner::create(program, model.weights));
    for (const RunInputs& inputs : samples) DSPERSE_CHECK_OK(runner.run(traces.emplace_back(inputs)));
  }
  std::vector<double> out;
  for (std::size_t s = 0; s < plan.slices.size(); ++s) {
    const slice::Slice& slice = plan.slices[s];
    Rest rest;
    DSPERSE_CHECK_OK(prepare(model, slice.last_op, rest));
    double greatest = 0;
    for (const TensorId local : slice.program.outputs) {
      const TensorId id = slice.tensors[local];
      double sum = 0;
      for (std::size_t x = 0; x < traces.size(); ++x) {
        const SplitMix64 random((s << 40U) ^ (std::uint64_t{id} << 16U) ^ x);
        DSPERSE_TRY(const auto outputs,
                    outputs_with(model, rest, traces[x], id, perturbed(traces[x][id], program.tensors[id], random)));
        double mean = 0;
        for (std::size_t o = 0; o < outputs.size(); ++o)
          mean += moved(traces[x][program.outputs[o]], outputs[o]) / static_cast<double>(outputs.size());
        sum += mean;
      }
      greatest = std::max(greatest, sum / static_cast<double>(traces.size()));
    }
    out.push_back(greatest);
  }
  return out;
}

}  // namespace dsperse::pipeline
