// From a prepared float Graph and calibration data to the integer Program, its weights, and a report of what was lost.
//
// The two interpreters are handed in, so that this room needs neither; quantize/calibrate binds those of run/.
// Source: docs/semantics.md. Tested by ops/lower_test.cc and ops/network_test.cc; fidelity by quantize/fidelity_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"
#include "dsperse/quantize/draft.h"
#include "dsperse/quantize/io.h"
#include "dsperse/quantize/lower.h"
#include "dsperse/quantize/options.h"
#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// One calibration sample: a float (or integer) tensor per graph input.
using Sample = std::map<std::string, model::Tensor>;

/// Every tensor of the float model by ONNX name, for one sample.
using RunFloat = std::function<Result<std::map<std::string, model::Tensor>>(const Sample&)>;
/// Fills a trace whose inputs are set.
using RunInteger = std::function<Status(TensorStore&)>;
/// Prepares a Program for many runs; both arguments outlive the result.
using PrepareInteger = std::function<Result<RunInteger>(const Program&, const WeightStore&)>;
struct Interpreters {
  RunFloat run_float;
  PrepareInteger prepare_integer;
};

/// Of one tensor of the Program, over the samples, integer run against float run.
struct TensorFidelity {
  std::string name;
  std::int32_t exponent = 0;
  double range_use = 0;      ///< largest |q| seen / largest declared
  double clipped_share = 0;  ///< float values beyond the declared range by more than one step
  double sqnr_db = 0;        ///< signal to error, the errors of earlier layers included; 300 at most
};
struct OutputFidelity {
  std::string name;
  double max_abs_error = 0, mean_abs_error = 0, cosine = 1;
  double top1_agreement = 1;  ///< share of rows with the same largest element; a row: the last axis of outputs with two or
                              ///< three axes, all but the first of those with more
  /// Of a language model's logits (one integer input of T tokens, an output of T rows that each token indexes): exp of the mean
  /// loss of token i + 1 under row i.
  std::optional<double> perplexity_float = {}, perplexity_integers = {};
};
struct Fidelity {
  std::size_t samples = 0;
  std::vector<TensorFidelity> tensors;
  std::vector<OutputFidelity> outputs;
};

/// A Program together with what the prover side knows of it.
struct QuantizedModel {
  Program program;
  WeightStore weights;
  std::vector<IoMapping> inputs, outputs;  ///< in the order of program.inputs / outputs
  std::vector<Origin> origins;             ///< by TensorId: what each tensor is in the float model
  Fidelity fidelity;                       ///< over the calibration samples
};

/// graph: prepared (model/passes.h). samples: at least one. Errors (unsupported) name the node and say why. Deterministic.
[[nodiscard]] Result<QuantizedModel> quantize_model(const model::Graph& graph, const LowerSet& lower,
                                                    const Interpreters& interpreters, const std::vector<Sample>& samples,
                                                    const QuantizeOptions& options);

/// A stated default when the user has no calibration data: `count` samples, close to standard normal (the sum of twelve uniform
/// numbers) from a fixed seed, equal on every machine; integer inputs: 0.
std::vector<Sample> default_samples(const model::Graph& graph, std::size_t count);

/// Integer run against float run on any samples.
[[nodiscard]] Result<Fidelity> measure_fidelity(const QuantizedModel& model, const Interpreters& interpreters,
                                                const std::vector<Sample>& samples);

}  // namespace dsperse::quantize
