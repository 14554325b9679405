#include "dsperse/proof/run_slice.h"

namespace dsperse::proof {

Result<quantize::TensorStore> run_slice(const SliceKey& slice, const quantize::WeightStore& weights,
                                        std::span<const quantize::IntTensor> inputs, run::RunStats* stats) {
  if (slice.in_float) return fail(ErrorKind::unsupported, "this slice runs in float by " + slice.in_float->engine_text());
  if (inputs.size() != slice.inputs.size())
    return fail(ErrorKind::bad_input,
                "a slice of " + std::to_string(slice.inputs.size()) + " inputs is given " + std::to_string(inputs.size()));
  DSPERSE_TRY(const run::IntegerRunner runner, run::IntegerRunner::create(slice.program, weights));
  quantize::TensorStore trace(slice.program.tensors.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) trace[slice.inputs[i].tensor] = inputs[i];
  DSPERSE_CHECK_OK(runner.run(trace, stats));
  return trace;
}

}  // namespace dsperse::proof
