// All tensors of one slice, from its input chunks' values: the one function by which runs, provers and workers execute a slice.
//
// Not here: commitments, where values come from. Tested by pipeline/pipeline_test.cc and work/compute/compute_test.cc.
#pragma once

#include <span>

#include "dsperse/proof/key.h"
#include "dsperse/run/integer.h"

namespace dsperse::proof {

/// inputs: by input port. Errors (bad_input): another number of inputs, or what IntegerRunner refuses; they name op or tensor.
[[nodiscard]] Result<quantize::TensorStore> run_slice(const SliceKey& slice, const quantize::WeightStore& weights,
                                                      std::span<const quantize::IntTensor> inputs,
                                                      run::RunStats* stats = nullptr);

}  // namespace dsperse::proof
