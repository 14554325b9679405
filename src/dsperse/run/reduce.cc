// Reduce: sums over letters by strides, along whichever letter lies side by side; index by index where a view leaves its axes.
#include <algorithm>
#include <array>
#include <atomic>

#include "dsperse/base/parallel.h"
#include "dsperse/run/op_runner.h"
#include "dsperse/run/strided.h"

namespace dsperse::run {
namespace {

constexpr std::int64_t kBlock = 256;

class ReduceRunner final : public OpRunner {
 public:
  ReduceRunner(const quantize::Program& program, const quantize::Reduce& op, ActivationTables& tables)
      : op_(op),
        view_(strided(op.axes, op.maps, op.letters)),
        elements_(quantize::elements(program.tensors[op.y].shape)),
        finisher_(op.requant, program.tensors[op.y].shape.back(), nullptr, tables) {
    const auto middle = static_cast<std::ptrdiff_t>(op.kept);
    kept_.sizes.assign(op.letters.begin(), op.letters.begin() + middle);
    summed_.sizes.assign(op.letters.begin() + middle, op.letters.end());
    terms_ = summed_.count();
    if (!view_.inside) return;
    kept_.strides = {{view_.stride.begin(), view_.stride.begin() + middle}};
    summed_.strides = {{view_.stride.begin() + middle, view_.stride.end()}};
    if (summed_.sizes.empty()) summed_ = {{1}, {{0}}};
    kept_.merge();
    summed_.merge();
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    std::atomic<std::uint64_t> saturated{0};
    // Blocks lie in one run of the last kept letter.
    const std::int64_t last = view_.inside ? kept_.sizes.back() : elements_, blocks = (last + kBlock - 1) / kBlock;
    const auto grain = static_cast<std::size_t>(1 + (1 << 17) / (std::min(last, kBlock) * terms_));
    parallel_for(static_cast<std::size_t>(elements_ / last * blocks), grain, [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, static_cast<std::size_t>(kBlock)> acc;
      std::uint64_t count = 0;
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        const std::int64_t first = i % blocks * kBlock, n = std::min(kBlock, last - first), at = i / blocks * last + first;
        if (view_.inside)
          add_strided(x, i / blocks, first, n, acc.data());
        else
          add_checked(x, at, n, acc.data());
        k.multiply(op_.coef, n, acc.data());
        count += finisher_.run(k, at, acc.data(), n, y + at);
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  void add_strided(const std::int32_t* x, std::int64_t row, std::int64_t first, std::int64_t n, std::int64_t* acc) const {
    const std::int64_t step = kept_.strides[0].back(), run = summed_.sizes.back(), inner = summed_.strides[0].back();
    const std::int32_t* const from = x + view_.base + Walk(kept_, 1, row).offset(0) + first * step;
    std::fill_n(acc, n, 0);
    const bool along = run > 1 && (inner == 1 || n < 8) && step != 1;
    Walk k(summed_, along ? 1 : 0, 0);
    for (std::int64_t done = 0; done < terms_; done += along ? run : 1, k.next()) {
      const std::int32_t* const row_of = from + k.offset(0);
      if (!along) {
        for (std::int64_t j = 0; j < n; ++j) acc[j] += row_of[j * step];
        continue;
      }
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t t = 0; t < run; ++t) acc[j] += row_of[j * step + t * inner];
    }
  }

  void add_checked(const std::int32_t* x, std::int64_t first, std::int64_t n, std::int64_t* acc) const {
    std::vector<std::int64_t> at(op_.letters.size());
    const auto set = [&](std::int64_t i, std::size_t begin, std::size_t end) {
      for (std::size_t k = end; k-- > begin; i /= op_.letters[k]) at[k] = i % op_.letters[k];
    };
    for (std::int64_t j = 0; j < n; ++j) {
      set(first + j, 0, op_.kept);
      acc[j] = 0;
      for (std::int64_t t = 0; t < terms_; ++t) {
        set(t, op_.kept, at.size());
        if (const std::int64_t i = index_at(op_.axes, op_.maps, at); i >= 0) acc[j] += x[i];
      }
    }
  }

  const quantize::Reduce& op_;
  Strided view_;
  Loops kept_, summed_;
  std::int64_t elements_ = 0, terms_ = 1;
  Finisher finisher_;
};

}  // namespace

std::unique_ptr<OpRunner> make_reduce(const quantize::Program& program, const quantize::Reduce& op, ActivationTables& tables) {
  return std::make_unique<ReduceRunner>(program, op, tables);
}

}  // namespace dsperse::run
