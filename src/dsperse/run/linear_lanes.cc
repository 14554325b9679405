// Lane by lane over channels: convolutions whose groups have few outputs. Depthwise ones with small sums read the image in place.
#include <array>

#include "dsperse/quantize/window.h"
#include "dsperse/run/linear_rows.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

constexpr std::int64_t kSinkMost = 128;

}  // namespace

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
  choose_bands(4 * planes() * pw_ * pairs_ * lanes * window_.stride[0], 1);
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

void Linear::run_lanes(const Band& band, const quantize::IntTensor& x, const Sink& sink) const {
  constexpr std::int64_t kRows = 8, kBlocks = 8;  // pixels and blocks of 16 channels of a tile
  const Kernels& k = kernels();
  const std::int64_t blocks = ceil_div(o_, kLanes), pixel_size = blocks * kLanes * pairs_;
  const std::int64_t first_in = band.first_row * window_.stride[0], rows_in = input_rows(band);
  const std::int64_t plane_stride = rows_in * pw_ * pixel_size;
  const Scratch scratch(static_cast<std::size_t>(plane_stride * planes()) * sizeof(std::int32_t));
  auto* const buffer = scratch.as<std::int32_t>();
  pad_rows(
      band.image, first_in, first_in + rows_in, pixel_size, buffer, plane_stride,
      [&](Plane plane, std::int64_t from, std::int64_t count, std::int32_t* out) { expand(x.data() + from, count, plane, out); });
  const auto n_steps = static_cast<std::int64_t>(steps_.size());
  const std::int64_t pixels = (band.last_row - band.first_row) * ow_, first_out = (band.image * oh_ + band.first_row) * ow_;
  const auto tile_of = [&](std::int64_t pixel) {
    alignas(64) std::array<std::int64_t, kRows * kBlocks * kLanes> acc;
    for (std::int64_t begin = 0; begin < blocks; begin += kBlocks) {
      const std::int64_t end = std::min(begin + kBlocks, blocks), ld = (end - begin) * kLanes,
                         m = std::min(kRows, pixels - pixel);
      for (int plane = 0; plane < planes(); ++plane) {
        std::array<const std::int32_t*, kRows> rows{};
        for (std::int64_t r = 0; r < kRows; ++r) {
          const std::int64_t at = pixel + std::min(r, m - 1);
          rows[static_cast<std::size_t>(r)] = buffer + plane * plane_stride + begin * kLanes +
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
  };
  parallel_for(static_cast<std::size_t>(ceil_div(pixels, kRows)), grain_for(kRows * o_ * n_steps),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) tile_of(static_cast<std::int64_t>(i) * kRows);
               });
}

/// Depthwise weights [tap][channel], each in the low half of a lane.
void Linear::pack_taps() {
  const auto [kh, kw] = window_.kernel;
  const std::int64_t lanes = ceil_div(c_, kLanes) * kLanes;
  for (std::int64_t ky = 0; ky < kh; ++ky)
    for (std::int64_t kx = 0; kx < kw; ++kx)
      taps_.push_back({(ky * window_.dilation[0] * w_ + kx * window_.dilation[1]) * c_, (ky * kw + kx) * lanes});
  const auto inside = [&](std::int64_t ox) { return quantize::window_taps(window_, 1, ox, 0, w_).count() == window_.kernel[1]; };
  while (inner_first_ < ow_ && !inside(inner_first_)) ++inner_first_;
  inner_last_ = inner_first_;
  while (inner_last_ < ow_ && inside(inner_last_)) ++inner_last_;
  band_rows_ = std::max<std::int64_t>(1, kTaskMacs / 4 / (ow_ * c_ * kh * kw));
  const auto size = static_cast<std::size_t>(kh * kw * lanes);
  packed_pairs_ = make_aligned<std::int32_t>(size);
  std::fill_n(packed_pairs_.get(), size, 0);
  for (std::int64_t c = 0; c < c_; ++c)
    for (std::int64_t tap = 0; tap < kh * kw; ++tap)
      packed_pairs_[static_cast<std::size_t>(tap * lanes + c)] =
          pair_of(weights_->narrow[static_cast<std::size_t>(c * kh * kw + tap)], 0);
}

void Linear::run_taps(const Band& band, const quantize::IntTensor& x, const Out& out) const {
  const std::int64_t first = (band.image * oh_ + band.first_row) * ow_ * c_, pixels = (band.last_row - band.first_row) * ow_;
  std::vector<std::int32_t> sums(out.finish == nullptr ? static_cast<std::size_t>(pixels * c_) : 0);
  std::int32_t* const y = out.finish != nullptr ? out.y + first : sums.data();
  const std::uint64_t clamped = run_tap_rows(band, x, out.finish, y);
  if (clamped != 0) out.clamped->fetch_add(clamped, std::memory_order_relaxed);
  if (out.finish != nullptr) return;
  std::vector<std::int64_t> wide(static_cast<std::size_t>(c_));
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    std::copy_n(sums.data() + pixel * c_, c_, wide.begin());
    for (std::int64_t c = 0; c < c_; c += kSinkMost)
      (*out.sink)(first + pixel * c_ + c, wide.data() + c, std::min(kSinkMost, c_ - c));
  }
}

/// Pixels whose windows lie inside the image go together; the others one by one, with the taps that hit it.
std::uint64_t Linear::run_tap_rows(const Band& band, const quantize::IntTensor& x, const NarrowFinish* finish,
                                   std::int32_t* y) const {
  const Kernels& k = kernels();
  const auto kw = static_cast<std::size_t>(window_.kernel[1]);
  const std::int64_t step = window_.stride[1] * c_, column = window_.dilation[1] * c_;
  std::vector<Tap> some;
  std::uint64_t clamped = 0;
  for (std::int64_t oy = band.first_row; oy < band.last_row; ++oy, y += ow_ * c_) {
    const quantize::Taps ty = quantize::window_taps(window_, 0, oy, 0, h_);
    const std::int64_t top = oy * window_.stride[0] - window_.pad_begin[0];
    for (std::int64_t ox = 0; ox < ow_;) {
      std::int64_t m = 1;
      TapList taps{taps_.data(), static_cast<std::size_t>(ty.count()) * kw, kw, column};
      if (ox >= inner_first_ && ox < inner_last_) {
        m = inner_last_ - ox;
        if (taps.count != 0) taps.at += ty.first * window_.kernel[1];
      } else {
        const quantize::Taps tx = quantize::window_taps(window_, 1, ox, 0, w_);
        some.clear();
        for (std::int64_t ky = ty.first; ky < ty.last; ++ky)
          for (std::int64_t kx = tx.first; kx < tx.last; ++kx)
            some.push_back(taps_[static_cast<std::size_t>(ky * window_.kernel[1] + kx)]);
        taps = {some.data(), some.size(), static_cast<std::size_t>(tx.count()), column};
      }
      const std::int64_t left = ox * window_.stride[1] - window_.pad_begin[1];
      clamped += k.taps_finish(x.data() + ((band.image * h_ + top) * w_ + left) * c_, step, static_cast<int>(m), &taps,
                               packed_pairs_.get(), c_, finish, y + ox * c_);
      ox += m;
    }
  }
  return clamped;
}

}  // namespace dsperse::run
