#include "dsperse/run/accumulate.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>

#include "dsperse/base/parallel.h"
#include "dsperse/run/contract.h"
#include "dsperse/run/linear.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

/// Rows of windows up to which dot products with weights where they lie beat packing these.
constexpr std::int64_t kMostRows = 64;
/// Outputs whose weights stay in cache from one group of rows to the next, and rows of a kernel's call.
constexpr std::int64_t kOutputs = 16, kRows = 4;
/// Multiply-adds of a parallel task.
constexpr std::int64_t kTaskMacs = 1 << 20;
/// Fewest pairs between two widenings.
constexpr std::int64_t kShortBlock = 8;

/// out (rows x outputs) = windows (rows x length) times weights (outputs x length).
struct Windows {
  std::int64_t rows = 0, length = 0, outputs = 0, block = 0;
};

/// Set where the op has few rows, one group, and factors whose products fit 32 bits for a while.
std::optional<Windows> few_windows(const quantize::Program& program, const quantize::Op& op) {
  const auto* const conv = std::get_if<quantize::Conv>(&op.body);
  const auto* const gemm = std::get_if<quantize::Gemm>(&op.body);
  if (conv != nullptr && conv->groups != 1) return {};
  const quantize::WeightSpec& w = program.weights[conv != nullptr ? conv->w : gemm->w];
  const quantize::TensorSpec& x = program.tensors[conv != nullptr ? conv->x : gemm->x];
  Windows out;
  out.outputs = w.shape[0];
  out.length = quantize::elements(w.shape) / out.outputs;
  out.rows = conv != nullptr ? quantize::elements(program.tensors[conv->y].shape) / out.outputs
                             : quantize::elements(x.shape) / out.length;
  if (out.rows > kMostRows || x.lo < std::numeric_limits<std::int16_t>::min() || x.hi > std::numeric_limits<std::int16_t>::max())
    return {};
  const std::int64_t x_max = std::max<std::int64_t>({1, std::abs(x.lo), std::abs(x.hi)}),
                     w_max = std::max<std::int64_t>(1, w.max_abs);
  out.block = std::numeric_limits<std::int32_t>::max() / x_max / (2 * w_max);
  if (out.block < kShortBlock) return {};
  return out;
}

/// The inputs of every output pixel, taps row by row, zeros outside of the image.
void gather(const quantize::Conv& conv, const quantize::Shape& x_shape, const quantize::Shape& y_shape,
            const quantize::IntTensor& x, std::int16_t* out) {
  const quantize::Window& win = conv.window;
  const std::int64_t h = x_shape[1], w = x_shape[2], c = x_shape[3];
  for (std::int64_t image = 0; image < y_shape[0]; ++image)
    for (std::int64_t oy = 0; oy < y_shape[1]; ++oy)
      for (std::int64_t ox = 0; ox < y_shape[2]; ++ox)
        for (std::int64_t ky = 0; ky < win.kernel[0]; ++ky)
          for (std::int64_t kx = 0; kx < win.kernel[1]; ++kx, out += c) {
            const std::int64_t iy = oy * win.stride[0] + ky * win.dilation[0] - win.pad_begin[0];
            const std::int64_t ix = ox * win.stride[1] + kx * win.dilation[1] - win.pad_begin[1];
            if (iy >= 0 && iy < h && ix >= 0 && ix < w)
              kernels().narrow(x.data() + ((image * h + iy) * w + ix) * c, c, Plane::whole, out);
            else
              std::fill_n(out, c, std::int16_t{0});
          }
}

}  // namespace

void accumulate(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w,
                const quantize::IntTensor& x, std::span<std::int64_t> acc) {
  const std::optional<Windows> few = few_windows(program, op);
  if (!few) {
    Linear(program, op, w, false).run(x, [&](std::int64_t first, const std::int64_t* sums, std::int64_t n) {
      std::copy_n(sums, n, acc.data() + first);
    });
    return;
  }
  const auto [rows, length, outputs, block] = *few;
  const Scratch scratch(static_cast<std::size_t>(rows * length) * sizeof(std::int16_t));
  auto* const windows = scratch.as<std::int16_t>();
  if (const auto* const conv = std::get_if<quantize::Conv>(&op.body))
    gather(*conv, program.tensors[conv->x].shape, program.tensors[conv->y].shape, x, windows);
  else
    kernels().narrow(x.data(), rows * length, Plane::whole, windows);
  const Kernels& k = kernels();
  const std::int64_t tiles = (outputs + kOutputs - 1) / kOutputs, work = std::max<std::int64_t>(1, rows * length * kOutputs);
  parallel_for(static_cast<std::size_t>(tiles), static_cast<std::size_t>(std::max<std::int64_t>(1, kTaskMacs / work)),
               [&](std::size_t begin, std::size_t end) {
                 for (auto tile = static_cast<std::int64_t>(begin); tile < static_cast<std::int64_t>(end); ++tile) {
                   const std::int64_t o = tile * kOutputs, n = std::min(kOutputs, outputs - o);
                   for (std::int64_t row = 0; row < rows; row += kRows)
                     k.dots(windows + row * length, length, static_cast<int>(std::min(kRows, rows - row)),
                            w.narrow.data() + o * length, length, n, length, block, Combine::set, acc.data() + row * outputs + o,
                            outputs);
                 }
               });
}

bool accumulate(const quantize::Program& program, const quantize::Op& op, const quantize::WeightStore& weights,
                const quantize::TensorStore& trace, std::span<std::int64_t> acc) {
  const auto* const contract = std::get_if<quantize::Contract>(&op.body);
  if (contract == nullptr && !std::holds_alternative<quantize::Conv>(op.body) && !std::holds_alternative<quantize::Gemm>(op.body))
    return false;
  const std::vector<quantize::WeightId> ids = quantize::op_weights(op);
  if (!ids.empty() && weights[ids[0]].narrow.empty()) return false;
  if (contract == nullptr) {
    accumulate(program, op, weights[ids[0]], trace[quantize::op_inputs(op)[0]], acc);
    return true;
  }
  quantize::IntTensor weight;
  if (!ids.empty()) weight.assign(weights[ids[0]].narrow.begin(), weights[ids[0]].narrow.end());
  const auto values = [&](const quantize::Contract::Factor& f) { return f.is_weight ? weight.data() : trace[f.id].data(); };
  ContractSums(program, *contract)
      .run(values(contract->a), values(contract->b),
           [&](std::int64_t first, const std::int64_t* sums, std::int64_t n) { std::copy_n(sums, n, acc.data() + first); });
  return true;
}

}  // namespace dsperse::run
