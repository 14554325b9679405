// AveragePool and MaxPool: vectors over channels, which are contiguous.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <vector>

#include "dsperse/base/parallel.h"
#include "dsperse/quantize/table.h"
#include "dsperse/quantize/window.h"
#include "dsperse/run/op_runner.h"
#include "dsperse/run/scratch.h"

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
        finisher_(op.requant, pool_.y[3], nullptr, tables) {
    const quantize::TensorSpec& x = program.tensors[op.x];
    // Fewer taps have a larger multiplier: the product is 2^kAverageBits for all, half a multiplier step a tap aside.
    const std::int64_t taps = op.window.kernel[0] * op.window.kernel[1];
    if (taps > kMostNarrowTaps) return;
    const std::int64_t most =
        ((std::int64_t{1} << quantize::AveragePool::kAverageBits) + taps) * std::max(std::abs(x.lo), std::abs(x.hi));
    finisher_.allow_narrow(std::vector<std::int64_t>(static_cast<std::size_t>(finisher_.period()), most));
  }

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const Kernels& k = kernels();
    const NarrowFinish* const narrow = finisher_.narrow();
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    const std::int64_t channels = pool_.y[3];
    std::atomic<std::uint64_t> saturated{0};
    parallel_for(pool_.positions(), pool_.grain(), [&](std::size_t begin, std::size_t end) {
      alignas(64) std::array<std::int64_t, Finisher::kBlock> acc;
      alignas(64) std::array<std::int32_t, Finisher::kBlock> small;
      std::uint64_t count = 0;
      for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
        const std::int64_t multiplier = quantize::average_multiplier(counted(i));
        for (std::int64_t c = 0; c < channels; c += Finisher::kBlock) {
          const std::int64_t n = std::min(Finisher::kBlock, channels - c);
          if (narrow != nullptr) {
            bool first = true;
            pool_.taps(i, [&](std::int64_t at) {
              k.add_narrow(x + at + c, n, static_cast<std::int32_t>(multiplier), first, small.data());
              first = false;
            });
            if (first) std::fill_n(small.begin(), n, 0);
            count += k.narrow_finish(small.data(), narrow, c % finisher_.period(), n, y + i * channels + c);
            continue;
          }
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
  /// More taps would make the largest sum larger than a multiplier of 2^kAverageBits / taps promises.
  static constexpr std::int64_t kMostNarrowTaps = std::int64_t{1} << quantize::AveragePool::kAverageBits;
  [[nodiscard]] std::int64_t counted(std::int64_t position) const {
    const std::int64_t oy = position / pool_.y[2] % pool_.y[1], ox = position % pool_.y[2];
    return quantize::counted_taps(op_, 0, oy, pool_.x[1]).count() * quantize::counted_taps(op_, 1, ox, pool_.x[2]).count();
  }

  const quantize::AveragePool& op_;
  Pool pool_;
  Finisher finisher_;
};

/// Row by row: the largest of the rows of the window first, over a whole line of the image; then along it.
class MaxRunner final : public OpRunner {
 public:
  MaxRunner(const quantize::Program& program, const quantize::MaxPool& op)
      : op_(op), pool_{program.tensors[op.x].shape, program.tensors[op.y].shape, op.window} {}

  std::uint64_t run(quantize::TensorStore& trace) const override {
    const std::int32_t* const x = trace[op_.x].data();
    std::int32_t* const y = trace[op_.y].data();
    const std::int64_t row = pool_.y[2] * pool_.y[3];
    const std::int64_t work =
        row * std::min<std::int64_t>(pool_.window.kernel[0], 256) * std::min<std::int64_t>(pool_.window.kernel[1], 256);
    parallel_for(static_cast<std::size_t>(pool_.y[0] * pool_.y[1]), static_cast<std::size_t>(1 + 65536 / work),
                 [&](std::size_t begin, std::size_t end) {
                   const std::int64_t line = pool_.x[2] * pool_.x[3];
                   const Scratch scratch(static_cast<std::size_t>(line) * sizeof(std::int32_t));
                   for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i)
                     one_row(vertical(x, i, scratch.as<std::int32_t>()), y + i * row);
                 });
    return 0;
  }

 private:
  /// The largest of the window's rows at output row i, elementwise; `line` is room for it.
  const std::int32_t* vertical(const std::int32_t* x, std::int64_t i, std::int32_t* line) const {
    const Kernels& k = kernels();
    const quantize::Window& w = pool_.window;
    const std::int64_t n = i / pool_.y[1], oy = i % pool_.y[1], size = pool_.x[2] * pool_.x[3];
    const Taps t = quantize::window_taps(w, 0, oy, 0, pool_.x[1]);
    const auto at = [&](std::int64_t ky) {
      return x + (n * pool_.x[1] + oy * w.stride[0] + ky * w.dilation[0] - w.pad_begin[0]) * size;
    };
    if (t.count() == 1) return at(t.first);
    k.maximum(at(t.first), at(t.first + 1), size, line);
    for (std::int64_t ky = t.first + 2; ky < t.last; ++ky) k.maximum(line, at(ky), size, line);
    return line;
  }

  /// Outputs with the same taps go together.
  void one_row(const std::int32_t* line, std::int32_t* y) const {
    const Kernels& k = kernels();
    const quantize::Window& w = pool_.window;
    const std::int64_t channels = pool_.x[3], outputs = pool_.y[2];
    const auto taps = [&](std::int64_t ox) { return quantize::window_taps(w, 1, ox, 0, pool_.x[2]); };
    for (std::int64_t ox = 0; ox < outputs;) {
      const Taps t = taps(ox);
      std::int64_t m = 1;
      if (t.first == 0 && t.last == w.kernel[1])
        m = std::max<std::int64_t>(
            1, std::min(outputs, (pool_.x[2] - 1 + w.pad_begin[1] - (w.kernel[1] - 1) * w.dilation[1]) / w.stride[1] + 1) - ox);
      const std::int64_t first = ox * w.stride[1] + t.first * w.dilation[1] - w.pad_begin[1];
      k.maximum_row(line + first * channels, w.stride[1] * channels, t.count(), w.dilation[1] * channels, m, channels,
                    y + ox * channels);
      ox += m;
    }
  }

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
