// Contract: its sums (contract.h), finished block by block.
#include <algorithm>
#include <atomic>

#include "dsperse/run/contract.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

class ContractRunner final : public OpRunner {
 public:
  ContractRunner(const quantize::Program& program, const quantize::Contract& op, const quantize::WeightStore& weights,
                 ActivationTables& tables)
      : op_(op), sums_(program, op), finisher_(op.requant, program.tensors[op.y].shape.back(), nullptr, tables) {
    for (const auto* f : {&op.a, &op.b})
      if (f->is_weight) weight_.assign(weights[f->id].narrow.begin(), weights[f->id].narrow.end());
    if (sums_.narrow_bound() != 0)
      finisher_.allow_narrow(std::vector<std::int64_t>(static_cast<std::size_t>(finisher_.period()), sums_.narrow_bound()));
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    std::int32_t* const y = trace[op_.y].data();
    if (const NarrowFinish* narrow = finisher_.narrow())
      return sums_.run_finished(values(op_.a, trace), values(op_.b, trace), *narrow, finisher_.period(), y);
    std::atomic<std::uint64_t> saturated{0};
    sums_.run(values(op_.a, trace), values(op_.b, trace), [&](std::int64_t first, const std::int64_t* acc, std::int64_t n) {
      if (const std::uint64_t s = finisher_.run(k, first, acc, n, y + first); s != 0)
        saturated.fetch_add(s, std::memory_order_relaxed);
    });
    return saturated;
  }

  bool accumulate(const quantize::TensorStore& trace, std::span<std::int64_t> acc) const override {
    sums_.run(values(op_.a, trace), values(op_.b, trace),
              [&](std::int64_t first, const std::int64_t* sums, std::int64_t n) { std::copy_n(sums, n, acc.data() + first); });
    return true;
  }

 private:
  [[nodiscard]] const std::int32_t* values(const quantize::Contract::Factor& f, const quantize::TensorStore& trace) const {
    return f.is_weight ? weight_.data() : trace[f.id].data();
  }

  const quantize::Contract& op_;
  ContractSums sums_;
  Finisher finisher_;
  quantize::IntTensor weight_;  ///< of the factor that is one
};

}  // namespace

std::unique_ptr<OpRunner> make_contract(const quantize::Program& program, const quantize::Contract& op,
                                        const quantize::WeightStore& weights, ActivationTables& tables) {
  return std::make_unique<ContractRunner>(program, op, weights, tables);
}

}  // namespace dsperse::run
