// The fast interpreter against the slow one, bit for bit, over kernels and threads.
#include "dsperse/run/integer.h"

#include <gtest/gtest.h>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/run/accumulate.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::run {
namespace {

using namespace quantize;  // NOLINT
using quantize::testing::Builder;
using quantize::testing::Rng;
using quantize::testing::simple_requant;
using testing::slow_run;

/// Calls f on every kernel level that this CPU has, with one thread and with two; restores the defaults.
template <class F>
void on_every_machine(F f) {
  const std::size_t before = threads();
  for (const Kernel k : {Kernel::scalar, Kernel::avx2, Kernel::avx512}) {
    if (k > best_kernel()) continue;
    for (const std::size_t n : {1U, 2U}) {
      force_kernel(k);
      set_threads(n);
      SCOPED_TRACE(std::string(kernel_name(k)) + ", threads " + std::to_string(n));
      f();
    }
  }
  force_kernel(best_kernel());
  set_threads(before);
}

/// All tensors and saturation counts equal those of the slow interpreter; so do the raw products.
void expect_equal_runs(const Program& p, const WeightStore& weights, const TensorStore& inputs) {
  ASSERT_TRUE(check_program(p)) << check_program(p).error().text();
  TensorStore expected = inputs;
  std::vector<std::uint64_t> saturated;
  const Status slow = slow_run(p, weights, expected, &saturated);
  ASSERT_TRUE(slow) << slow.error().text();
  on_every_machine([&] {
    const auto runner = IntegerRunner::create(p, weights);
    ASSERT_TRUE(runner) << runner.error().text();
    TensorStore trace = inputs;
    RunStats stats;
    const Status s = runner->run(trace, &stats);
    ASSERT_TRUE(s) << s.error().text();
    ASSERT_EQ(trace.size(), expected.size());
    ASSERT_EQ(stats.ops.size(), p.ops.size());
    for (std::size_t i = 0; i < p.ops.size(); ++i) {
      const TensorId y = op_output(p.ops[i]);
      ASSERT_EQ(trace[y], expected[y]) << p.ops[i].name << " " << p.ops[i].onnx_type;
      ASSERT_EQ(stats.ops[i].saturated, saturated[i]) << p.ops[i].name << " " << p.ops[i].onnx_type;
    }
  });
}

TEST(Integer, RandomProgramsEqualTheSlowInterpreter) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const Program p = quantize::testing::random_program(rng, 12);
    const WeightStore weights = quantize::testing::random_weights(p, rng);
    ASSERT_NO_FATAL_FAILURE(expect_equal_runs(p, weights, quantize::testing::random_inputs(p, rng)));
  }
}

}  // namespace
}  // namespace dsperse::run
