// quantize_model with the interpreters of run/: the one call of the command line and of the bindings.
//
// A target of its own, because quantize itself must not know run/. Tested by ops/network_test.cc.
#pragma once

#include <vector>

#include "dsperse/model/operator.h"
#include "dsperse/quantize/quantize.h"

namespace dsperse::quantize {

/// run::run_float and run::IntegerRunner on this graph; graph and operators outlive the result.
Interpreters interpreters(const model::Graph& graph, const model::OperatorSet& operators);

/// graph: prepared (model/passes.h); operators: ops::float_operators(); lower: ops::lowerings(). samples: at least one (see
/// default_samples). Errors name node and tensor. The fidelity report covers the samples.
[[nodiscard]] Result<QuantizedModel> calibrate(const model::Graph& graph, const model::OperatorSet& operators,
                                               const LowerSet& lower, const std::vector<Sample>& samples,
                                               const QuantizeOptions& options = {});

}  // namespace dsperse::quantize
