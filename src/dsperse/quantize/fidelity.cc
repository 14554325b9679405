// measure_fidelity: what rounding cost, tensor by tensor and at the outputs.
#include <algorithm>
#include <cmath>

#include "dsperse/quantize/quantize.h"

namespace dsperse::quantize {
namespace {

constexpr double kMostDecibels = 300;

struct TensorSums {
  double signal = 0, error = 0, count = 0, clipped = 0;
  std::int64_t largest = 0;
};

struct OutputSums {
  double largest_error = 0, error = 0, count = 0, xy = 0, xx = 0, yy = 0, rows = 0, agreeing = 0;
  double guesses = 0, float_loss = 0, integer_loss = 0;
};

std::vector<float> reals(const model::Tensor& t) {
  return t.dtype == model::DType::f32 ? t.f : std::vector<float>(t.i.begin(), t.i.end());
}

void compare(const Origin& origin, const TensorSpec& spec, const std::vector<float>& real, const IntTensor& q, TensorSums& sums) {
  const auto at = storage_index(origin.view);
  // Powers of two: multiplying by them is exact.
  const double step = std::ldexp(1.0, spec.exponent), back = std::ldexp(1.0, -spec.exponent);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const std::int64_t from = origin.index.empty() ? static_cast<std::int64_t>(i) : origin.index[i];
    if (from < 0) continue;
    const double x = apply(origin.after, static_cast<double>(real[static_cast<std::size_t>(from)])), scaled = x * step;
    const std::int64_t value = q[static_cast<std::size_t>(at[i])];
    const double difference = x - static_cast<double>(value) * back;
    sums.signal += x * x;
    sums.error += difference * difference;
    sums.count += 1;
    if (scaled > static_cast<double>(spec.hi) + 1 || scaled < static_cast<double>(spec.lo) - 1) sums.clipped += 1;
    sums.largest = std::max(sums.largest, std::abs(value));
  }
}

void compare_output(const IoMapping& io, const std::vector<float>& real, const std::vector<float>& got, OutputSums& sums) {
  for (std::size_t i = 0; i < real.size(); ++i) {
    const auto x = static_cast<double>(real[i]), y = static_cast<double>(got[i]);
    sums.largest_error = std::max(sums.largest_error, std::fabs(x - y));
    sums.error += std::fabs(x - y);
    sums.count += 1, sums.xy += x * y, sums.xx += x * x, sums.yy += y * y;
  }
  const Shape& shape = io.logical_shape;
  const auto rows = shape.size() < 2 ? 1 : shape.size() == 3 ? shape[0] * shape[1] : shape[0];
  const auto width = rows == 0 ? 0 : static_cast<std::ptrdiff_t>(real.size()) / rows;
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto best = [&](const std::vector<float>& v) {
      return std::max_element(v.begin() + r * width, v.begin() + (r + 1) * width) - v.begin();
    };
    sums.rows += 1;
    if (best(real) == best(got)) sums.agreeing += 1;
  }
}

/// The tokens that an output's rows guess: those of the only input, if it is one of integers and every one has a row that it
/// indexes; otherwise none.
std::vector<std::int64_t> guessed(const Sample& sample, const Shape& output) {
  if (sample.size() != 1 || output.empty()) return {};
  const model::Tensor& tokens = sample.begin()->second;
  const std::int64_t width = output.back();
  if (tokens.dtype != model::DType::i64 || tokens.i.size() < 2 || elements(output) != width * std::ssize(tokens.i)) return {};
  for (const std::int64_t t : tokens.i)
    if (t < 0 || t >= width) return {};
  return tokens.i;
}

/// -log of the softmax of row `r` at entry `at`.
double loss(const std::vector<float>& logits, std::size_t r, std::size_t width, std::size_t at) {
  const float* row = logits.data() + r * width;
  const double most = *std::max_element(row, row + width);
  double sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += std::exp(row[i] - most);
  return std::log(sum) + most - row[at];
}

void add_losses(const std::vector<std::int64_t>& tokens, const std::vector<float>& real, const std::vector<float>& got,
                OutputSums& sums) {
  if (tokens.empty()) return;
  const std::size_t width = real.size() / tokens.size();
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto next = static_cast<std::size_t>(tokens[i + 1]);
    sums.guesses += 1;
    sums.float_loss += loss(real, i, width, next);
    sums.integer_loss += loss(got, i, width, next);
  }
}

double decibels(const TensorSums& s) {
  if (s.error == 0) return kMostDecibels;
  return s.signal == 0 ? 0 : std::min(kMostDecibels, 10 * std::log10(s.signal / s.error));
}

}  // namespace

Result<Fidelity> measure_fidelity(const QuantizedModel& model, const Interpreters& interpreters,
                                  const std::vector<Sample>& samples) {
  const Program& p = model.program;
  DSPERSE_TRY(const RunInteger run, interpreters.prepare_integer(p, model.weights));
  std::vector<TensorSums> tensors(p.tensors.size());
  std::vector<OutputSums> outputs(p.outputs.size());
  for (const auto& sample : samples) {
    DSPERSE_TRY(auto values, interpreters.run_float(sample));
    for (const auto& [name, tensor] : sample) values.try_emplace(name, tensor);
    TensorStore trace(p.tensors.size());
    for (std::size_t i = 0; i < p.inputs.size(); ++i) {
      const auto given = sample.find(model.inputs[i].name);
      if (given == sample.end()) return fail(ErrorKind::bad_input, "the sample lacks an input", model.inputs[i].name);
      DSPERSE_TRY(auto q, quantize_input(model.inputs[i], p.tensors[p.inputs[i]], reals(given->second)));
      trace[p.inputs[i]] = std::move(q.values);
    }
    DSPERSE_CHECK_OK(run(trace));
    for (TensorId t = 0; t < p.tensors.size(); ++t) {
      const auto real = values.find(model.origins[t].source);
      if (real == values.end()) return fail(ErrorKind::internal, "the float run lacks a tensor", model.origins[t].source);
      compare(model.origins[t], p.tensors[t], reals(real->second), trace[t], tensors[t]);
    }
    for (std::size_t i = 0; i < p.outputs.size(); ++i) {
      DSPERSE_TRY(const auto got, read_output(model.outputs[i], p.tensors[p.outputs[i]], trace[p.outputs[i]]));
      const std::vector<float> real = reals(values.at(model.outputs[i].name));
      compare_output(model.outputs[i], real, got, outputs[i]);
      add_losses(guessed(sample, model.outputs[i].logical_shape), real, got, outputs[i]);
    }
  }
  Fidelity f{samples.size(), {}, {}};
  for (TensorId t = 0; t < p.tensors.size(); ++t) {
    const TensorSpec& spec = p.tensors[t];
    const auto declared = std::max<std::int64_t>(1, std::max(std::abs(spec.lo), std::abs(spec.hi)));
    f.tensors.push_back({spec.name, spec.exponent, static_cast<double>(tensors[t].largest) / static_cast<double>(declared),
                         tensors[t].count == 0 ? 0 : tensors[t].clipped / tensors[t].count, decibels(tensors[t])});
  }
  for (std::size_t i = 0; i < p.outputs.size(); ++i) {
    const OutputSums& s = outputs[i];
    const double norms = std::sqrt(s.xx * s.yy);
    f.outputs.push_back({model.outputs[i].name, s.largest_error, s.count == 0 ? 0 : s.error / s.count,
                         norms == 0 ? 1 : s.xy / norms, s.rows == 0 ? 1 : s.agreeing / s.rows});
    if (s.guesses > 0) {
      f.outputs.back().perplexity_float = std::exp(s.float_loss / s.guesses);
      f.outputs.back().perplexity_integers = std::exp(s.integer_loss / s.guesses);
    }
  }
  return f;
}

}  // namespace dsperse::quantize
