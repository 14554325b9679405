// Conv and Gemm: products (linear.h), finished tile by tile while they are in cache.
#include <algorithm>
#include <atomic>

#include "dsperse/run/linear.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

class LinearRunner final : public OpRunner {
 public:
  LinearRunner(const quantize::Program& program, const quantize::Op& op, const quantize::WeightStore& weights,
               ActivationTables& tables)
      : x_(quantize::op_inputs(op)[0]),
        y_(quantize::op_output(op)),
        linear_(program, op, weights[quantize::op_weights(op)[0]], true),
        finisher_(make_finisher(program, op, weights, tables)) {
    if (linear_.can_finish()) finisher_.allow_narrow(linear_.sum_bounds());
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    std::int32_t* const y = trace[y_].data();
    if (const NarrowFinish* finish = finisher_.narrow()) return linear_.run(trace[x_], *finish, y);
    std::atomic<std::uint64_t> saturated{0};
    linear_.run(trace[x_], [&](std::int64_t first, const std::int64_t* acc, std::int64_t n) {
      if (const std::uint64_t s = finisher_.run(k, first, acc, n, y + first); s != 0)
        saturated.fetch_add(s, std::memory_order_relaxed);
    });
    return saturated;
  }

  bool accumulate(const quantize::TensorStore& trace, std::span<std::int64_t> acc) const override {
    linear_.run(trace[x_],
                [&](std::int64_t first, const std::int64_t* sums, std::int64_t n) { std::copy_n(sums, n, acc.data() + first); });
    return true;
  }

 private:
  static Finisher make_finisher(const quantize::Program& program, const quantize::Op& op, const quantize::WeightStore& weights,
                                ActivationTables& tables) {
    const std::vector<quantize::WeightId> ids = quantize::op_weights(op);
    return {*quantize::op_requant(op), program.weights[ids[0]].shape[0], ids.size() > 1 ? &weights[ids[1]] : nullptr, tables};
  }

  quantize::TensorId x_, y_;
  Linear linear_;
  Finisher finisher_;
};

}  // namespace

std::unique_ptr<OpRunner> make_linear(const quantize::Program& program, const quantize::Op& op,
                                      const quantize::WeightStore& weights, ActivationTables& tables) {
  return std::make_unique<LinearRunner>(program, op, weights, tables);
}

}  // namespace dsperse::run
