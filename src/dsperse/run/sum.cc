// Sum: operands are broadcast by strides; axes that all operands walk alike are merged, so that inner loops are long.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <vector>

#include "dsperse/base/parallel.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

using quantize::Shape;

/// A term over the merged axes of the output.
struct Operand {
  const quantize::TensorId* tensor = nullptr;  ///< nullptr: constant
  std::int64_t coef = 1;
  std::vector<std::int64_t> constant;  ///< coef * weight
  std::vector<std::int32_t> narrow;    ///< the same, where 32 bits do
  std::vector<std::int64_t> stride;    ///< per axis of the output; 0: repeats
};

std::vector<std::int64_t> broadcast_strides(const Shape& shape, const Shape& y) {
  std::vector<std::int64_t> stride(y.size(), 0);
  std::int64_t size = 1;
  for (std::size_t k = 0; k < shape.size(); ++k) {
    const std::int64_t d = shape[shape.size() - 1 - k];
    if (d != 1) stride[y.size() - 1 - k] = size;
    size *= d;
  }
  return stride;
}

class SumRunner final : public OpRunner {
 public:
  SumRunner(const quantize::Program& program, const quantize::Sum& op, const quantize::WeightStore& weights,
            ActivationTables& tables)
      : y_(op.y), dims_(program.tensors[op.y].shape), finisher_(op.requant, dims_.back(), nullptr, tables) {
    for (const auto& term : op.terms) {
      Operand operand;
      operand.coef = term.coef;
      operand.stride = broadcast_strides(term.is_weight ? program.weights[term.id].shape : program.tensors[term.id].shape, dims_);
      if (term.is_weight) {
        operand.constant.resize(weights[term.id].size());
        for (std::size_t i = 0; i < operand.constant.size(); ++i) operand.constant[i] = term.coef * weights[term.id].at(i);
      } else {
        operand.tensor = &term.id;
      }
      operands_.push_back(std::move(operand));
    }
    merge_axes();
    allow_narrow(program);
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    const std::int64_t inner = dims_.back(), blocks = (inner + Finisher::kBlock - 1) / Finisher::kBlock;
    const std::int64_t outer = quantize::elements(dims_) / inner;
    std::atomic<std::uint64_t> saturated{0};
    const auto grain = static_cast<std::size_t>(1 + 16384 / std::min(inner, Finisher::kBlock));
    parallel_for(static_cast<std::size_t>(outer * blocks), grain, [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, Finisher::kBlock> acc;
      alignas(64) std::array<std::int32_t, Finisher::kBlock> small;
      std::uint64_t count = 0;
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        const std::int64_t row = i / blocks, first = i % blocks * Finisher::kBlock, n = std::min(Finisher::kBlock, inner - first);
        const std::int64_t at = row * inner + first;
        if (finisher_.narrow() != nullptr) {
          for (const Operand& operand : operands_)
            add_narrow(k, operand, trace, row, first, n, &operand == operands_.data(), small.data());
          count += k.narrow_finish(small.data(), finisher_.narrow(), at % finisher_.period(), n, trace[y_].data() + at);
          continue;
        }
        std::fill_n(acc.begin(), n, 0);
        for (const Operand& operand : operands_) add(k, operand, trace, row, first, n, acc.data());
        count += finisher_.run(k, at, acc.data(), n, trace[y_].data() + at);
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  /// Merges axis k + 1 into k where every operand steps over both as over one.
  void merge_axes() {
    for (std::size_t k = dims_.size() - 1; k-- > 0;) {
      const bool all = std::all_of(operands_.begin(), operands_.end(), [&](const Operand& o) {
        return o.stride[k] == o.stride[k + 1] * dims_[k + 1] || dims_[k] == 1;
      });
      if (!all) continue;
      dims_[k] *= dims_[k + 1];
      dims_.erase(dims_.begin() + static_cast<std::ptrdiff_t>(k) + 1);
      for (Operand& o : operands_) o.stride.erase(o.stride.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }

  /// Sums, partial ones included, stay within the magnitudes of all operands together.
  void allow_narrow(const quantize::Program& program) {
    constexpr std::int64_t kTop = std::numeric_limits<std::int32_t>::max();
    std::int64_t bound = 0;
    for (const Operand& operand : operands_) {
      std::int64_t most = 0;
      for (const std::int64_t c : operand.constant) most = std::max(most, std::abs(c));
      if (operand.tensor != nullptr) {
        const quantize::TensorSpec& x = program.tensors[*operand.tensor];
        most = std::max(std::abs(x.lo), std::abs(x.hi));
        if (std::abs(operand.coef) > kTop) return;
        most *= std::abs(operand.coef);
      }
      if (most > kTop) return;
      bound += most;
    }
    finisher_.allow_narrow(std::vector<std::int64_t>(static_cast<std::size_t>(finisher_.period()), bound));
    if (finisher_.narrow() == nullptr) return;
    for (Operand& operand : operands_) operand.narrow.assign(operand.constant.begin(), operand.constant.end());
  }

  /// Where the operand's elements for a block begin.
  [[nodiscard]] std::int64_t position(const Operand& operand, std::int64_t row, std::int64_t first) const {
    std::int64_t at = 0;
    for (std::size_t axis = dims_.size() - 1; axis-- > 0; row /= dims_[axis]) at += row % dims_[axis] * operand.stride[axis];
    return operand.stride.back() == 0 ? at : at + first;  // the last axis that does not repeat has stride one
  }

  void add_narrow(const Kernels& k, const Operand& operand, const quantize::TensorStore& trace, std::int64_t row,
                  std::int64_t first, std::int64_t n, bool overwrite, std::int32_t* acc) const {
    const std::int64_t at = position(operand, row, first);
    const std::int32_t* const x = (operand.tensor == nullptr ? operand.narrow.data() : trace[*operand.tensor].data()) + at;
    const auto coef = static_cast<std::int32_t>(operand.tensor == nullptr ? 1 : operand.coef);
    if (operand.stride.back() == 0)
      k.add_narrow(nullptr, n, coef * *x, overwrite, acc);
    else
      k.add_narrow(x, n, coef, overwrite, acc);
  }

  void add(const Kernels& k, const Operand& operand, const quantize::TensorStore& trace, std::int64_t row, std::int64_t first,
           std::int64_t n, std::int64_t* acc) const {
    const std::int64_t at = position(operand, row, first);
    const bool repeats = operand.stride.back() == 0;
    if (operand.tensor == nullptr) {
      const std::int64_t* const c = operand.constant.data() + at;
      repeats ? k.add_constant(*c, n, acc) : k.add_wide(c, n, acc);
    } else {
      const std::int32_t* const x = trace[*operand.tensor].data() + at;
      repeats ? k.add_constant(operand.coef * *x, n, acc) : k.add_scaled(x, n, operand.coef, acc);
    }
  }

  quantize::TensorId y_;
  Shape dims_;
  Finisher finisher_;
  std::vector<Operand> operands_;
};

}  // namespace

std::unique_ptr<OpRunner> make_sum(const quantize::Program& program, const quantize::Sum& op,
                                   const quantize::WeightStore& weights, ActivationTables& tables) {
  return std::make_unique<SumRunner>(program, op, weights, tables);
}

}  // namespace dsperse::run
