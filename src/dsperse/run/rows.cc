// Extreme, Softmax, Normalize, Divide, OneHot: row by row, all threads; the formulas are quantize/rows.h.
#include "dsperse/quantize/rows.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "dsperse/base/parallel.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

using quantize::Shape;

constexpr std::int64_t kBlock = Finisher::kBlock;

/// body(row) for every row, in tasks of about 16384 elements.
template <class Body>
void each_row(std::int64_t rows, std::int64_t n, Body body) {
  const auto grain = static_cast<std::size_t>(1 + 16384 / n);
  parallel_for(static_cast<std::size_t>(rows), grain, [&](std::size_t begin, std::size_t end) { body(begin, end); });
}

class ExtremeRunner final : public OpRunner {
 public:
  ExtremeRunner(const quantize::Program& program, const quantize::Extreme& op)
      : op_(op), rows_(quantize::elements(program.tensors[op.x].shape) / op.n) {}
  std::uint64_t run(quantize::TensorStore& trace) const override {
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    each_row(rows_, op_.n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        const std::int32_t* const row = x + r * static_cast<std::size_t>(op_.n);
        if (op_.index)
          y[r] = static_cast<std::int32_t>(quantize::extreme_index(op_, row));
        else
          y[r] = op_.minimum ? *std::min_element(row, row + op_.n) : *std::max_element(row, row + op_.n);
      }
    });
    return 0;
  }

 private:
  const quantize::Extreme& op_;
  std::int64_t rows_;
};

class SoftmaxRunner final : public OpRunner {
 public:
  SoftmaxRunner(const quantize::Program& program, const quantize::Softmax& op, ActivationTables& tables)
      : op_(op), rows_(quantize::elements(program.tensors[op.x].shape) / op.n), finisher_(op.requant, 1, nullptr, tables) {}
  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& kernel = kernels();
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    std::atomic<std::uint64_t> saturated{0};
    each_row(rows_, op_.n, [&](std::size_t begin, std::size_t end) {
      std::vector<std::int32_t> e(static_cast<std::size_t>(op_.n));
      alignas(64) std::array<std::int64_t, kBlock> acc;
      std::uint64_t count = 0;
      for (std::size_t r = begin; r < end; ++r) {
        const std::size_t at = r * static_cast<std::size_t>(op_.n);
        const auto row = quantize::softmax_row(op_, x + at, quantize::visible_row(op_, static_cast<std::int64_t>(r)), e.data());
        for (std::int64_t first = 0; first < op_.n; first += kBlock) {
          const std::int64_t n = std::min(kBlock, op_.n - first);
          for (std::int64_t i = 0; i < n; ++i)
            acc[static_cast<std::size_t>(i)] = e[static_cast<std::size_t>(first + i)] * row.inverse;
          count += finisher_.run(kernel, 0, acc.data(), n, y + at + first);
        }
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  const quantize::Softmax& op_;
  std::int64_t rows_;
  Finisher finisher_;
};

class NormalRunner final : public OpRunner {
 public:
  NormalRunner(const quantize::Program& program, const quantize::Normalize& op, const quantize::WeightStore& weights,
               ActivationTables& tables)
      : op_(op), rows_(quantize::elements(program.tensors[op.x].shape) / op.n), finisher_(op.requant, 1, nullptr, tables) {
    const auto values = [&](const std::optional<quantize::WeightId>& id, std::int64_t otherwise) {
      std::vector<std::int64_t> out(static_cast<std::size_t>(op.n), otherwise);
      for (std::size_t i = 0; id && i < out.size(); ++i) out[i] = weights[*id].at(i);
      return out;
    };
    gamma_ = values(op.gamma, 1), beta_ = values(op.beta, 0);
  }
  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& kernel = kernels();
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    std::atomic<std::uint64_t> saturated{0};
    each_row(rows_, op_.n, [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, kBlock> acc;
      std::uint64_t count = 0;
      for (std::size_t r = begin; r < end; ++r) {
        const std::size_t at = r * static_cast<std::size_t>(op_.n);
        const auto row = quantize::normal_row(op_, x + at);
        const std::int64_t factor = 2 * row.inverse + 1;
        for (std::int64_t first = 0; first < op_.n; first += kBlock) {
          const std::int64_t n = std::min(kBlock, op_.n - first);
          for (std::int64_t i = 0; i < n; ++i) {
            const auto k = static_cast<std::size_t>(first + i);
            acc[static_cast<std::size_t>(i)] = (std::int64_t{2} * x[at + k] - row.mean) * factor * gamma_[k] + beta_[k];
          }
          count += finisher_.run(kernel, 0, acc.data(), n, y + at + first);
        }
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  const quantize::Normalize& op_;
  std::int64_t rows_;
  std::vector<std::int64_t> gamma_, beta_;
  Finisher finisher_;
};

class DivideRunner final : public OpRunner {
 public:
  DivideRunner(const quantize::Program& program, const quantize::Divide& op, ActivationTables& tables)
      : op_(op),
        y_(program.tensors[op.y].shape),
        a_(quantize::operand_strides(program.tensors[op.a].shape, y_)),
        b_(quantize::operand_strides(program.tensors[op.b].shape, y_)),
        finisher_(op.requant, 1, nullptr, tables) {}
  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& kernel = kernels();
    const std::int32_t *const a = trace[op_.a].data(), *const b = trace[op_.b].data();
    std::int32_t* const y = trace[op_.y].data();
    const std::int64_t inner = y_.back(), rows = quantize::elements(y_) / inner;
    std::atomic<std::uint64_t> saturated{0};
    each_row(rows, inner, [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, kBlock> acc;
      std::uint64_t count = 0;
      for (std::size_t r = begin; r < end; ++r) {
        std::int64_t at_a = 0, at_b = 0;
        auto rest = static_cast<std::int64_t>(r);
        for (std::size_t k = y_.size() - 1; k-- > 0; rest /= y_[k]) {
          at_a += rest % y_[k] * a_[k];
          at_b += rest % y_[k] * b_[k];
        }
        for (std::int64_t first = 0; first < inner; first += kBlock) {
          const std::int64_t n = std::min(kBlock, inner - first);
          for (std::int64_t i = 0; i < n; ++i)
            acc[static_cast<std::size_t>(i)] =
                quantize::rounded_quotient(a[at_a + (first + i) * a_.back()], b[at_b + (first + i) * b_.back()], op_.shift);
          count += finisher_.run(kernel, 0, acc.data(), n, y + static_cast<std::int64_t>(r) * inner + first);
        }
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  const quantize::Divide& op_;
  Shape y_;
  std::vector<std::int64_t> a_, b_;
  Finisher finisher_;
};

class OneHotRunner final : public OpRunner {
 public:
  explicit OneHotRunner(const quantize::OneHot& op) : op_(op) {}
  std::uint64_t run(quantize::TensorStore& trace) const override {
    std::fill(trace[op_.y].begin(), trace[op_.y].end(), 0);
    std::int32_t* row = trace[op_.y].data();
    for (const std::int32_t x : trace[op_.x]) {
      row[x] = 1;
      row += op_.depth;
    }
    return 0;
  }

 private:
  const quantize::OneHot& op_;
};

}  // namespace

std::unique_ptr<OpRunner> make_row_op(const quantize::Program& program, const quantize::Op& op,
                                      const quantize::WeightStore& weights, ActivationTables& tables) {
  if (const auto* o = std::get_if<quantize::Extreme>(&op.body)) return std::make_unique<ExtremeRunner>(program, *o);
  if (const auto* o = std::get_if<quantize::Softmax>(&op.body)) return std::make_unique<SoftmaxRunner>(program, *o, tables);
  if (const auto* o = std::get_if<quantize::Normalize>(&op.body))
    return std::make_unique<NormalRunner>(program, *o, weights, tables);
  if (const auto* o = std::get_if<quantize::Divide>(&op.body)) return std::make_unique<DivideRunner>(program, *o, tables);
  if (const auto* o = std::get_if<quantize::OneHot>(&op.body)) return std::make_unique<OneHotRunner>(*o);
  return nullptr;
}

}  // namespace dsperse::run
