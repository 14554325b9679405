// One prepared op of a Program: reads its tensors from a trace and fills its output.
//
// Not here: checks of inputs and weights (integer.cc). Tested by run/integer_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "dsperse/quantize/program.h"
#include "dsperse/run/finisher.h"

namespace dsperse::run {

class OpRunner {
 public:
  virtual ~OpRunner() = default;
  /// trace: the op's inputs are set; its output has the right size. Returns how many elements saturated. Thread-safe.
  virtual std::uint64_t run(quantize::TensorStore& trace) const = 0;
  /// The product sums of a Conv, Gemm or Contract (accumulate.h); false for other ops.
  virtual bool accumulate(const quantize::TensorStore& /*trace*/, std::span<std::int64_t> /*acc*/) const { return false; }
};

// program has passed check_program, weights fit it; both must outlive the runner. One function per kind of op.
std::unique_ptr<OpRunner> make_linear(const quantize::Program& program, const quantize::Op& op,
                                      const quantize::WeightStore& weights, ActivationTables& tables);
std::unique_ptr<OpRunner> make_sum(const quantize::Program& program, const quantize::Sum& op,
                                   const quantize::WeightStore& weights, ActivationTables& tables);
std::unique_ptr<OpRunner> make_average(const quantize::Program& program, const quantize::AveragePool& op,
                                       ActivationTables& tables);
std::unique_ptr<OpRunner> make_maximum(const quantize::Program& program, const quantize::MaxPool& op);
std::unique_ptr<OpRunner> make_rearrange(const quantize::Program& program, const quantize::Rearrange& op);
std::unique_ptr<OpRunner> make_contract(const quantize::Program& program, const quantize::Contract& op,
                                        const quantize::WeightStore& weights, ActivationTables& tables);
std::unique_ptr<OpRunner> make_reduce(const quantize::Program& program, const quantize::Reduce& op, ActivationTables& tables);
/// Extreme, Softmax, Normalize, Divide, OneHot; nullptr of others.
std::unique_ptr<OpRunner> make_row_op(const quantize::Program& program, const quantize::Op& op,
                                      const quantize::WeightStore& weights, ActivationTables& tables);

}  // namespace dsperse::run
