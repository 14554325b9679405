// The integer interpreter: a Program's one meaning, fast. Equal bytes on every kernel, thread count and slicing.
//
// run/testing/slow_run.h is the slow obvious twin that it must agree with. Source: docs/semantics.md. Tested by
// run/integer_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::run {

struct OpStats {
  double seconds = 0;
  std::uint64_t saturated = 0;  ///< elements whose v was outside of [-c, c - 1]
};
struct RunStats {
  std::vector<OpStats> ops;  ///< by op of the program
};

/// Weights packed for the kernels. Program and weights must outlive it. Thread-safe after construction.
class IntegerRunner {
 public:
  /// program must have passed check_program; errors: weights that do not fit the specs or exceed max_abs.
  [[nodiscard]] static Result<IntegerRunner> create(const quantize::Program& program, const quantize::WeightStore& weights);
  IntegerRunner(IntegerRunner&&) noexcept;
  IntegerRunner& operator=(IntegerRunner&&) noexcept;
  ~IntegerRunner();

  /// trace: input tensors set (others ignored) -> every tensor set. Errors (bad_input): wrong sizes, values outside [lo, hi].
  [[nodiscard]] Status run(quantize::TensorStore& trace, RunStats* stats = nullptr) const;

  /// The product sums of op number `op`, a Conv, Gemm or Contract (run/accumulate.h), with the weights that are packed here;
  /// false for other ops. trace: the op's inputs are set and within their declared ranges; acc: as long as the op's output.
  bool accumulate(std::size_t op, const quantize::TensorStore& trace, std::span<std::int64_t> acc) const;

 private:
  struct Impl;
  explicit IntegerRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dsperse::run
