#include "dsperse/quantize/calibrate/calibrate.h"

#include <memory>

#include "dsperse/run/float.h"
#include "dsperse/run/integer.h"

namespace dsperse::quantize {

Interpreters interpreters(const model::Graph& graph, const model::OperatorSet& operators) {
  return {[&graph, &operators](const Sample& sample) { return run::run_float(graph, operators, sample); },
          [](const Program& program, const WeightStore& weights) -> Result<RunInteger> {
            DSPERSE_TRY(auto runner, run::IntegerRunner::create(program, weights));
            return [shared = std::make_shared<run::IntegerRunner>(std::move(runner))](TensorStore& trace) {
              return shared->run(trace);
            };
          }};
}

Result<QuantizedModel> calibrate(const model::Graph& graph, const model::OperatorSet& operators, const LowerSet& lower,
                                 const std::vector<Sample>& samples, const QuantizeOptions& options) {
  return quantize_model(graph, lower, interpreters(graph, operators), samples, options);
}

}  // namespace dsperse::quantize
