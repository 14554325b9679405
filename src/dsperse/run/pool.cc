// AveragePool and MaxPool: vectors over channels, which are contiguous.
#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "dsperse/base/parallel.h"
#include "dsperse/quantize/table.h"
#include "dsperse/quantize/window.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

using quantize::Shape;
using quantize::Taps;

/// Geometry that both pools share; positions are (n, oy, ox) in row-major order.
struct Pool {
  Shape x, y;
  quantize::Window window;

  [[nodiscard]] std::size_t positions() const { return static_cast<std::size_t>(y[0] * y[1] * y[2]); }
  [[nodiscard]] std::size_t grain() const {
    return static_cast<std::size_t>(1 + 65536 / std::max<std::int64_t>(1, y[3] * window.kernel[0] * window.kernel[1]));
  }
  /// f(offset of a tap's first channel in x) for every tap inside the image.
  template <class F>
  void taps(std::int64_t position, F f) const {
    const std::int64_t n = position / (y[1] * y[2]), oy = position / y[2] % y[1], ox = position % y[2];
    const Taps ty = quantize::window_taps(window, 0, oy, 0, x[1]), tx = quantize::window_taps(window, 1, ox, 0, x[2]);
    for (std::int64_t ky = ty.first; ky < ty.last; ++ky)
      for (std::int64_t kx = tx.first; kx < tx.last; ++kx) {
        const std::int64_t iy = oy * window.stride[0] + ky * window.dilation[0] - window.pad_begin[0];
        const std::int64_t ix = ox * window.stride[1] + kx * window.dilation[1] - window.pad_begin[1];
        f(((n * x[1] + iy) * x[2] + ix) * x[3]);
      }
  }
};

class AverageRunner final : public OpRunner {
 public:
  AverageRunner(const quantize::Program& program, const quantize::AveragePool& op, ActivationTables& tables)
      : op_(op),
        pool_{program.tensors[op.x].shape, program.tensors[op.y].shape, op.window},
        finisher_(op.requant, pool_.y[3], nullptr, tables) {}

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    const std::int64_t channels = pool_.y[3];
    std::atomic<std::uint64_t> saturated{0};
    parallel_for(pool_.positions(), pool_.grain(), [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, Finisher::kBlock> acc;
      std::uint64_t count = 0;
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        const std::int64_t multiplier = quantize::average_multiplier(counted(i));
        for (std::int64_t c = 0; c < channels; c += Finisher::kBlock) {
          const std::int64_t n = std::min(Finisher::kBlock, channels - c);
          std::fill_n(acc.begin(), n, 0);
          pool_.taps(i, [&](std::int64_t at) { k.add_scaled(x + at + c, n, 1, acc.data()); });
          k.multiply(multiplier, n, acc.data());
          count += finisher_.run(k, c, acc.data(), n, y + i * channels + c);
        }
      }
      saturated += count;
    });
    return saturated;
  }

 private:
  [[nodiscard]] std::int64_t counted(std::int64_t position) const {
    const std::int64_t oy = position / pool_.y[2] % pool_.y[1], ox = position % pool_.y[2];
    return quantize::counted_taps(op_, 0, oy, pool_.x[1]).count() * quantize::counted_taps(op_, 1, ox, pool_.x[2]).count();
  }

  const quantize::AveragePool& op_;
  Pool pool_;
  Finisher finisher_;
};

class MaxRunner final : public OpRunner {
 public:
  MaxRunner(const quantize::Program& program, const quantize::MaxPool& op)
      : op_(op), pool_{program.tensors[op.x].shape, program.tensors[op.y].shape, op.window} {}

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    const std::int32_t* const x = trace[op_.x].data();
    const std::int64_t channels = pool_.y[3];
    parallel_for(pool_.positions(), pool_.grain(), [&](std::size_t begin, std::size_t end) {
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        std::int32_t* const y = trace[op_.y].data() + i * channels;
        bool first = true;
        pool_.taps(i, [&](std::int64_t at) {
          if (first)
            std::copy_n(x + at, channels, y);
          else
            k.maximum(x + at, channels, y);
          first = false;
        });
      }
    });
    return 0;
  }

 private:
  const quantize::MaxPool& op_;
  Pool pool_;
};

}  // namespace

std::unique_ptr<OpRunner> make_average(const quantize::Program& program, const quantize::AveragePool& op,
                                       ActivationTables& tables) {
  return std::make_unique<AverageRunner>(program, op, tables);
}

std::unique_ptr<OpRunner> make_maximum(const quantize::Program& program, const quantize::MaxPool& op) {
  return std::make_unique<MaxRunner>(program, op);
}

}  // namespace dsperse::run
