#include "dsperse/run/linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "dsperse/base/parallel.h"
#include "dsperse/quantize/window.h"

namespace dsperse::run {
namespace {

using quantize::Conv;
using quantize::Gemm;

/// Multiply-adds of one parallel task, about 20 microseconds.
constexpr std::int64_t kTaskMacs = 1 << 20;
/// Rows of a Gemm up to which dot products with unpacked weights win: weights are then read once or a few times.
constexpr std::int64_t kDotRows = 4, kDotRowsOnce = 64;
/// A padded image may have this many elements beyond four times its input and output.
constexpr std::int64_t kPaddingAllowance = 1 << 24;
/// Bytes of expanded rows that a band of a lane-wise convolution may hold: they stay in the second-level cache.
constexpr std::int64_t kBandBytes = 384 << 10;
/// Fewest pairs between two widenings for which factors stay in one plane.
constexpr std::int64_t kShortBlock = 8;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::size_t grain_for(std::int64_t macs_of_one) {
  return static_cast<std::size_t>(std::max<std::int64_t>(1, kTaskMacs / std::max<std::int64_t>(1, macs_of_one)));
}

std::int32_t pair_of(std::int64_t low, std::int64_t high) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(high) << 16) | (static_cast<std::uint32_t>(low) & 0xFFFFU));
}

std::int64_t plane_of(std::int32_t x, Plane plane) {
  switch (plane) {
    case Plane::high:
      return x >> 8;
    case Plane::low:
      return x & 255;
    case Plane::whole:
      break;
  }
  return x;
}

}  // namespace

Linear::Linear(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w, bool reuse)
    : weights_(&w) {
  quantize::TensorId x_id = 0;
  if (const auto* conv = std::get_if<Conv>(&op.body)) {
    const quantize::Shape &x = program.tensors[conv->x].shape, &y = program.tensors[conv->y].shape;
    x_id = conv->x;
    n_ = x[0], h_ = x[1], w_ = x[2], c_ = x[3], oh_ = y[1], ow_ = y[2], o_ = y[3];
    groups_ = conv->groups, window_ = conv->window;
  } else {
    const Gemm& gemm = std::get<Gemm>(op.body);
    const quantize::Shape& shape = program.weights[gemm.w].shape;
    x_id = gemm.x;
    c_ = shape[1], o_ = shape[0];
    w_ = ow_ = quantize::elements(program.tensors[gemm.x].shape) / c_;
    if (w_ <= (reuse ? kDotRows : kDotRowsOnce)) way_ = Way::dots;
  }
  group_in_ = c_ / groups_, group_out_ = o_ / groups_;
  ph_ = (oh_ - 1) * window_.stride[0] + window_.dilation[0] * (window_.kernel[0] - 1) + 1;
  pw_ = (ow_ - 1) * window_.stride[1] + window_.dilation[1] * (window_.kernel[1] - 1) + 1;

  // How many pairs fit into 32 bits.
  const quantize::TensorSpec& spec = program.tensors[x_id];
  std::int64_t x_max = std::max(std::abs(spec.lo), std::abs(spec.hi)), w_max = 1;
  std::int16_t w_low = 0, w_high = 0;
  kernels().extremes16(w.narrow.data(), static_cast<std::int64_t>(w.narrow.size()), &w_low, &w_high);
  w_max = std::max<std::int64_t>({w_max, w_high, -std::int64_t{w_low}});
  constexpr std::int64_t kTop = std::numeric_limits<std::int32_t>::max();
  x_max = std::max<std::int64_t>(x_max, 1);
  two_planes_ = spec.lo < -32768 || spec.hi > 32767 || kTop / (2 * x_max * w_max) < kShortBlock;
  if (two_planes_) x_max = 256;
  block_ = kTop / (2 * x_max * w_max);

  const bool by_lanes = groups_ > 1 && group_out_ < kLanes;
  const std::int64_t lanes_of_pixel = by_lanes ? ceil_div(o_, kLanes) * kLanes * ceil_div(group_in_, 2) : c_;
  if (ph_ * pw_ > (kPaddingAllowance + 4 * (h_ * w_ * c_ + oh_ * ow_ * o_)) / lanes_of_pixel) way_ = Way::direct;
  if (way_ == Way::panels && by_lanes) way_ = Way::lanes;
  if (way_ == Way::panels) pack_panels();
  if (way_ == Way::lanes) pack_lanes();
}

void Linear::plan_steps(std::int64_t pairs_per_flush) {
  std::int64_t room = pairs_per_flush;
  for (const std::int64_t offset : run_offset_)
    for (std::int64_t done = 0; done < pairs_;) {
      const std::int64_t now = std::min(room, pairs_ - done);
      room -= now;
      steps_.push_back({offset + 2 * done, static_cast<std::int32_t>(now), room == 0});
      if (room == 0) room = pairs_per_flush;
      done += now;
    }
  steps_.back().flush = true;
}

void Linear::pack_panels() {
  const auto [kh, kw] = window_.kernel;
  const bool rows = groups_ == 1 && window_.dilation[1] == 1;  // a whole kernel row is contiguous
  run_ = rows ? kw * c_ : group_in_;
  pairs_ = ceil_div(run_, 2);
  for (std::int64_t ky = 0; ky < kh; ++ky)
    for (std::int64_t kx = 0; kx < (rows ? 1 : kw); ++kx)
      run_offset_.push_back((ky * window_.dilation[0] * pw_ + kx * window_.dilation[1]) * c_);
  plan_steps(block_);

  const auto runs = static_cast<std::int64_t>(run_offset_.size());
  const std::int64_t panels = ceil_div(group_out_, kLanes), k = runs * run_;
  panel_size_ = runs * pairs_ * 2 * kLanes;
  packed_ = make_aligned<std::int16_t>(static_cast<std::size_t>(groups_ * panels * panel_size_));
  parallel_for(static_cast<std::size_t>(groups_ * panels), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t gp = begin; gp < end; ++gp) {
      const std::int64_t g = static_cast<std::int64_t>(gp) / panels, first = static_cast<std::int64_t>(gp) % panels * kLanes;
      std::int16_t* const out = packed_.get() + static_cast<std::int64_t>(gp) * panel_size_;
      if (group_out_ - first < kLanes || run_ % 2 != 0) std::fill_n(out, panel_size_, std::int16_t{0});
      for (std::int64_t lane = 0; lane < std::min<std::int64_t>(kLanes, group_out_ - first); ++lane) {
        const std::int16_t* const row = weights_->narrow.data() + (g * group_out_ + first + lane) * k;
        for (std::int64_t r = 0; r < runs; ++r) {
          const std::int16_t* const from = row + r * run_;
          std::int16_t* to = out + r * pairs_ * 2 * kLanes + 2 * lane;
          for (std::int64_t i = 0; i + 1 < run_; i += 2, to += 2 * kLanes) std::memcpy(to, from + i, 2 * sizeof *to);
          if (run_ % 2 != 0) *to = from[run_ - 1];
        }
      }
    }
  });
}

void Linear::pack_lanes() {
  const auto [kh, kw] = window_.kernel;
  const std::int64_t blocks = ceil_div(o_, kLanes), lanes = blocks * kLanes;
  pairs_ = ceil_div(group_in_, 2);
  std::int64_t room = block_;
  for (std::int64_t ky = 0; ky < kh; ++ky)
    for (std::int64_t kx = 0; kx < kw; ++kx)
      for (std::int64_t q = 0; q < pairs_; ++q) {
        --room;
        steps_.push_back({((ky * window_.dilation[0] * pw_ + kx * window_.dilation[1]) * pairs_ + q) * lanes, 1, room == 0});
        if (room == 0) room = block_;
      }
  steps_.back().flush = true;
  const std::size_t size = steps_.size() * static_cast<std::size_t>(lanes);
  packed_pairs_ = make_aligned<std::int32_t>(size);
  std::fill_n(packed_pairs_.get(), size, 0);
  for (std::int64_t o = 0; o < o_; ++o)
    for (std::int64_t tap = 0; tap < kh * kw; ++tap)
      for (std::int64_t q = 0; q < pairs_; ++q) {
        const auto at = [&](std::int64_t i) {
          return i < group_in_ ? weights_->at(static_cast<std::size_t>((o * kh * kw + tap) * group_in_ + i)) : 0;
        };
        const std::int64_t step = tap * pairs_ + q;
        packed_pairs_[static_cast<std::size_t>((o / kLanes * kh * kw * pairs_ + step) * kLanes + o % kLanes)] =
            pair_of(at(2 * q), at(2 * q + 1));
      }
}

/// Writes rows [first, last) of the padded image, each of pw pixels of `pixel` elements: zeros, then fill(plane, offset of the
/// input row, pixels, out), then zeros.
template <class T, class Fill>
void Linear::pad_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::int64_t pixel, T* buffer,
                      std::int64_t plane_stride, const Fill& fill) const {
  const std::int64_t left = window_.pad_begin[1], copied = std::clamp<std::int64_t>(pw_ - left, 0, w_);
  const std::int64_t row = pw_ * pixel, before = std::min(left, pw_) * pixel;
  parallel_for(static_cast<std::size_t>(last - first), grain_for(row * 16), [&](std::size_t begin, std::size_t end) {
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i)
      for (int plane = 0; plane < planes(); ++plane) {
        T* const out = buffer + plane * plane_stride + i * row;
        const std::int64_t iy = first + i - window_.pad_begin[0];
        if (iy < 0 || iy >= h_) {
          std::fill(out, out + row, T{0});
          continue;
        }
        std::fill(out, out + before, T{0});
        if (copied > 0)
          fill(two_planes_ ? (plane == 0 ? Plane::high : Plane::low) : Plane::whole, (image * h_ + iy) * w_ * c_, copied,
               out + before);
        std::fill(out + before + copied * pixel, out + row, T{0});
      }
  });
}

void Linear::run(const quantize::IntTensor& x, const Sink& sink) const {
  if (n_ == 1) return run_image(0, x, sink);
  parallel_for(static_cast<std::size_t>(n_), grain_for(oh_ * ow_ * o_ * window_.kernel[0] * window_.kernel[1] * group_in_),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) run_image(static_cast<std::int64_t>(i), x, sink);
               });
}

void Linear::run_image(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const {
  if (way_ == Way::direct) return run_direct(image, x, sink);
  if (way_ == Way::lanes) return run_lanes(image, x, sink);
  const Kernels& k = kernels();
  // One element of slack: the last pair of an odd run reads it (times a zero weight).
  const std::int64_t stride = ph_ * pw_ * c_ + 1;
  const auto buffer = make_aligned<std::int16_t>(static_cast<std::size_t>(stride * planes()));
  for (int plane = 0; plane < planes(); ++plane) buffer[static_cast<std::size_t>((plane + 1) * stride - 1)] = 0;
  pad_rows(image, 0, ph_, c_, buffer.get(), stride, [&](Plane plane, std::int64_t from, std::int64_t count, std::int16_t* out) {
    k.narrow(x.data() + from, count * c_, plane, out);
  });
  if (way_ == Way::dots) return run_dots(buffer.get(), stride, sink);
  run_panels(image, buffer.get(), stride, sink);
}

void Linear::run_panels(std::int64_t image, const std::int16_t* buffer, std::int64_t plane_stride, const Sink& sink) const {
  const Kernels& k = kernels();
  const std::int64_t pixels = oh_ * ow_, panels = ceil_div(group_out_, kLanes);
  // Tiles of panels as equal as possible: 5 panels are 3 + 2, not 4 + 1.
  const std::int64_t panel_tiles = ceil_div(panels, kMaxPanels), wide = ceil_div(panels, panel_tiles);
  const std::int64_t tile_rows = k.rows[wide], row_tiles = ceil_div(pixels, tile_rows);
  const auto total = static_cast<std::size_t>(groups_ * panel_tiles * row_tiles);
  parallel_for(total, grain_for(tile_rows * wide * panel_size_ / 2), [&](std::size_t begin, std::size_t end) {
    alignas(64) std::array<std::int64_t, kMaxTile> acc;
    std::array<const std::int16_t*, kMaxRows> rows{};
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
      const std::int64_t first_pixel = i % row_tiles * tile_rows, g = i / row_tiles / panel_tiles;
      const std::int64_t first_panel = i / row_tiles % panel_tiles * wide;
      const auto count = static_cast<int>(std::min(wide, panels - first_panel));
      const auto m = static_cast<int>(std::min(tile_rows, pixels - first_pixel));
      const std::int16_t* const w = packed_.get() + (g * panels + first_panel) * panel_size_;
      const std::int64_t ld = count * kLanes;
      for (int plane = 0; plane < planes(); ++plane) {
        for (int r = 0; r < kMaxRows; ++r) {
          const std::int64_t pixel = first_pixel + std::min(r, m - 1);
          rows[static_cast<std::size_t>(r)] = buffer + plane * plane_stride + g * group_in_ +
                                              (pixel / ow_ * window_.stride[0] * pw_ + pixel % ow_ * window_.stride[1]) * c_;
        }
        k.panels(rows.data(), m, steps_.data(), steps_.size(), w, panel_size_, count,
                 plane == 0 ? Combine::set : Combine::append_low, acc.data(), ld);
      }
      const std::int64_t channel = first_panel * kLanes;
      for (int r = 0; r < m; ++r)
        sink((image * pixels + first_pixel + r) * o_ + g * group_out_ + channel, acc.data() + r * ld,
             std::min(ld, group_out_ - channel));
    }
  });
}

/// Bands of output rows, whose expanded input rows stay in cache.
void Linear::run_lanes(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const {
  const std::int64_t row_bytes = 4 * planes() * pw_ * pairs_ * ceil_div(o_, kLanes) * kLanes * window_.stride[0];
  const std::int64_t rows = std::clamp<std::int64_t>(kBandBytes / row_bytes, 1, ceil_div(oh_, 4));
  parallel_for(static_cast<std::size_t>(oh_), static_cast<std::size_t>(rows), [&](std::size_t begin, std::size_t end) {
    run_band(image, x, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end), sink);
  });
}

/// Pairs of inputs for every lane: of output channel o, channels 2q and 2q + 1 of its group.
void Linear::expand(const std::int32_t* x, std::int64_t count, Plane plane, std::int32_t* out) const {
  const std::int64_t lanes = ceil_div(o_, kLanes) * kLanes;
  if (group_in_ == 1 && group_out_ == 1 && lanes == c_) return kernels().to_pairs(x, count * c_, plane, out);
  for (std::int64_t i = 0; i < count; ++i, x += c_)
    for (std::int64_t q = 0; q < pairs_; ++q)
      for (std::int64_t o = 0; o < lanes; ++o) {
        const std::int64_t first = o / group_out_ * group_in_ + 2 * q;
        const bool both = 2 * q + 1 < group_in_;
        *out++ = o >= o_ ? 0 : pair_of(plane_of(x[first], plane), both ? plane_of(x[first + 1], plane) : 0);
      }
}

/// Output rows [first_row, last_row).
void Linear::run_band(std::int64_t image, const quantize::IntTensor& x, std::int64_t first_row, std::int64_t last_row,
                      const Sink& sink) const {
  constexpr std::int64_t kRows = 8, kBlocks = 8;  // pixels and blocks of 16 channels of a tile
  const Kernels& k = kernels();
  const std::int64_t blocks = ceil_div(o_, kLanes), pixel_size = blocks * kLanes * pairs_,
                     first_in = first_row * window_.stride[0];
  const std::int64_t last_in = (last_row - 1) * window_.stride[0] + window_.dilation[0] * (window_.kernel[0] - 1) + 1;
  const std::int64_t plane_stride = (last_in - first_in) * pw_ * pixel_size;
  const auto buffer = make_aligned<std::int32_t>(static_cast<std::size_t>(plane_stride * planes()));
  pad_rows(
      image, first_in, last_in, pixel_size, buffer.get(), plane_stride,
      [&](Plane plane, std::int64_t from, std::int64_t count, std::int32_t* out) { expand(x.data() + from, count, plane, out); });
  const auto n_steps = static_cast<std::int64_t>(steps_.size());
  const std::int64_t pixels = (last_row - first_row) * ow_, first_out = (image * oh_ + first_row) * ow_;
  alignas(64) std::array<std::int64_t, kRows * kBlocks * kLanes> acc;
  for (std::int64_t pixel = 0; pixel < pixels; pixel += kRows)
    for (std::int64_t begin = 0; begin < blocks; begin += kBlocks) {
      const std::int64_t end = std::min(begin + kBlocks, blocks), ld = (end - begin) * kLanes,
                         m = std::min(kRows, pixels - pixel);
      for (int plane = 0; plane < planes(); ++plane) {
        std::array<const std::int32_t*, kRows> rows{};
        for (std::int64_t r = 0; r < kRows; ++r) {
          const std::int64_t at = pixel + std::min(r, m - 1);
          rows[static_cast<std::size_t>(r)] = buffer.get() + plane * plane_stride + begin * kLanes +
                                              (at / ow_ * window_.stride[0] * pw_ + at % ow_ * window_.stride[1]) * pixel_size;
        }
        for (std::int64_t block = begin; block < end; ++block) {
          k.lanes(rows.data(), static_cast<int>(m), steps_.data(), steps_.size(), packed_pairs_.get() + block * n_steps * kLanes,
                  plane == 0 ? Combine::set : Combine::append_low, acc.data() + (block - begin) * kLanes, ld);
          for (auto& row : rows) row += kLanes;
        }
      }
      const std::int64_t channel = begin * kLanes, n = std::min(ld, o_ - channel);
      for (std::int64_t r = 0; r < m; ++r) sink((first_out + pixel + r) * o_ + channel, acc.data() + r * ld, n);
    }
}

void Linear::run_dots(const std::int16_t* buffer, std::int64_t plane_stride, const Sink& sink) const {
  constexpr std::int64_t kOutputs = 64, kRows = 4;
  const Kernels& k = kernels();
  const std::int64_t tiles = ceil_div(o_, kOutputs);
  parallel_for(static_cast<std::size_t>(tiles), grain_for(ow_ * kOutputs * c_), [&](std::size_t begin, std::size_t end) {
    alignas(64) std::array<std::int64_t, kRows * kOutputs> acc;
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i)
      for (std::int64_t first = 0; first < ow_; first += kRows) {
        const std::int64_t o = i * kOutputs, outputs = std::min(kOutputs, o_ - o), m = std::min(kRows, ow_ - first);
        for (int plane = 0; plane < planes(); ++plane)
          k.dots(buffer + plane * plane_stride + first * c_, c_, static_cast<int>(m), weights_->narrow.data() + o * c_, c_,
                 outputs, c_, block_, plane == 0 ? Combine::set : Combine::append_low, acc.data(), kOutputs);
        for (std::int64_t r = 0; r < m; ++r) sink((first + r) * o_ + o, acc.data() + r * kOutputs, outputs);
      }
  });
}

/// Plain loops for windows that lie mostly outside of the image: a padded copy would be far larger than the data.
void Linear::run_direct(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const {
  parallel_for(static_cast<std::size_t>(oh_ * ow_), 16, [&](std::size_t begin, std::size_t end) {
    for (auto pixel = static_cast<std::int64_t>(begin); pixel < static_cast<std::int64_t>(end); ++pixel) {
      const std::int64_t oy = pixel / ow_, ox = pixel % ow_;
      const quantize::Taps ty = quantize::window_taps(window_, 0, oy, 0, h_), tx = quantize::window_taps(window_, 1, ox, 0, w_);
      for (std::int64_t o = 0; o < o_; ++o) {
        std::int64_t acc = 0;
        for (std::int64_t ky = ty.first; ky < ty.last; ++ky)
          for (std::int64_t kx = tx.first; kx < tx.last; ++kx) {
            const std::int64_t iy = oy * window_.stride[0] + ky * window_.dilation[0] - window_.pad_begin[0];
            const std::int64_t ix = ox * window_.stride[1] + kx * window_.dilation[1] - window_.pad_begin[1];
            const std::int32_t* const in = x.data() + ((image * h_ + iy) * w_ + ix) * c_ + o / group_out_ * group_in_;
            const std::int16_t* const w =
                weights_->narrow.data() + ((o * window_.kernel[0] + ky) * window_.kernel[1] + kx) * group_in_;
            for (std::int64_t i = 0; i < group_in_; ++i) acc += std::int64_t{in[i]} * w[i];
          }
        sink((image * oh_ * ow_ + pixel) * o_ + o, &acc, 1);
      }
    }
  });
}

}  // namespace dsperse::run
