// From a prepared float Graph and calibration data to the integer Program, its weights, and a report of what was lost.
//
// Source: docs/semantics.md. Tested by quantize/quantize_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dsperse/model/operator.h"
#include "dsperse/quantize/io.h"
#include "dsperse/quantize/lower.h"
#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// One calibration sample: a float (or integer) tensor per graph input.
using Sample = std::map<std::string, model::Tensor>;

struct QuantizeOptions {
  unsigned activation_bits = 12;  ///< 8..16, signed
  unsigned weight_bits = 12;      ///< 8..16
  bool per_channel = true;        ///< weight exponents per output channel, otherwise per tensor
  std::map<std::string, unsigned> tensor_bits;  ///< activation bits of single tensors, by ONNX name
};

/// Of one tensor of the Program, over the calibration samples, integer run against float run.
struct TensorFidelity {
  std::string name;
  std::int32_t exponent = 0;
  double range_use = 0;    ///< largest |q| seen / largest declared
  double clipped_share = 0;
  double sqnr_db = 0;
};
struct OutputFidelity {
  std::string name;
  double max_abs_error = 0, mean_abs_error = 0, cosine = 1;
  double top1_agreement = 1;  ///< share of samples whose largest element is the same (outputs with more than one element)
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
  Fidelity fidelity;
};

/// graph: prepared (model/passes.h). samples: at least one. Errors (unsupported) name the node and say why.
[[nodiscard]] Result<QuantizedModel> quantize_model(const model::Graph& graph, const model::OperatorSet& operators, const LowerSet& lower,
                                                    const std::vector<Sample>& samples, const QuantizeOptions& options);

/// A stated default when the user has no calibration data: `count` samples, standard normal from a fixed seed (integer inputs: 0).
std::vector<Sample> default_samples(const model::Graph& graph, std::size_t count);

/// Integer run against float run on any samples.
[[nodiscard]] Result<Fidelity> measure_fidelity(const model::Graph& graph, const model::OperatorSet& operators, const QuantizedModel& model,
                                                const std::vector<Sample>& samples);

}  // namespace dsperse::quantize
