// Panels of 16 outputs times rows of pixels: convolutions and matrix products with enough outputs.
#include <array>

#include "dsperse/run/linear_rows.h"
#include "dsperse/run/panels.h"
#include "dsperse/run/scratch.h"

namespace dsperse::run {
namespace {

/// Pixels of a band for which reading the weights once more is hidden by the products.
constexpr std::int64_t kBandPixels = 192;

}  // namespace

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
  // Outputs count where a pixel's are written in several passes.
  const std::int64_t out_bytes = ceil_div(group_out_, kLanes) > kMaxPanels ? 4 * o_ * ow_ : 0;
  choose_bands(2 * planes() * pw_ * c_ * window_.stride[0] + out_bytes, kBandPixels);

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
        for (std::int64_t r = 0; r < runs; ++r) pack_lane(row + r * run_, run_, out + r * pairs_ * 2 * kLanes + 2 * lane);
      }
    }
  });
}

/// The band's rows of the padded image as 16-bit factors.
void Linear::narrow_band(const Band& band, const quantize::IntTensor& x, std::int16_t* buffer, std::int64_t plane_stride) const {
  const Kernels& k = kernels();
  const std::int64_t first = band.first_row * window_.stride[0], last = first + input_rows(band);
  const auto plane_at = [&](int plane) { return !two_planes_ ? Plane::whole : plane == 0 ? Plane::high : Plane::low; };
  if (skip_.rows != 0) {  // 1 x 1 with strides: the pixels that are read, side by side
    for (int plane = 0; plane < planes(); ++plane)
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t image = i / (skip_.out_rows * skip_.out_columns), oy = i / skip_.out_columns % skip_.out_rows;
        const std::int64_t row = image * skip_.rows + oy * skip_.stride_h, column = i % skip_.out_columns * skip_.stride_w;
        k.narrow(x.data() + (row * skip_.columns + column) * c_, c_, plane_at(plane),
                 buffer + plane * plane_stride + (i - first) * c_);
      }
    return;
  }
  if (pw_ == w_ && window_.pad_begin == std::array<std::int64_t, 2>{0, 0} && last <= h_) {  // no padding: one run of pixels
    const std::int64_t row = w_ * c_;
    parallel_for(static_cast<std::size_t>(last - first), grain_for(row * 16), [&](std::size_t begin, std::size_t end) {
      const auto b = static_cast<std::int64_t>(begin);
      for (int plane = 0; plane < planes(); ++plane)
        k.narrow(x.data() + (band.image * h_ + first + b) * row, static_cast<std::int64_t>(end - begin) * row, plane_at(plane),
                 buffer + plane * plane_stride + b * row);
    });
    return;
  }
  pad_rows(band.image, first, last, c_, buffer, plane_stride,
           [&](Plane plane, std::int64_t from, std::int64_t count, std::int16_t* out) {
             k.narrow(x.data() + from, count * c_, plane, out);
           });
}

void Linear::run_panels(const Band& band, const quantize::IntTensor& x, const Out& out) const {
  // One element of slack: the last pair of an odd run reads it (times a zero weight).
  const std::int64_t stride = input_rows(band) * pw_ * c_ + 1;
  const Scratch scratch(static_cast<std::size_t>(stride * planes()) * sizeof(std::int16_t));
  auto* const buffer = scratch.as<std::int16_t>();
  for (int plane = 0; plane < planes(); ++plane) buffer[(plane + 1) * stride - 1] = 0;
  narrow_band(band, x, buffer, stride);
  run_panel_tiles(band, buffer, stride, out);
}

void Linear::run_panel_tiles(const Band& band, const std::int16_t* buffer, std::int64_t plane_stride, const Out& out) const {
  const Kernels& k = kernels();
  const std::int64_t pixels = (band.last_row - band.first_row) * ow_, panels = ceil_div(group_out_, kLanes);
  const std::int64_t first_out = (band.image * oh_ + band.first_row) * ow_;
  const std::int64_t wide = panels_of_a_tile(panels), panel_tiles = ceil_div(panels, wide);
  const std::int64_t tile_rows = k.rows[wide], row_tiles = ceil_div(pixels, tile_rows);
  const std::int64_t next_pixel = window_.stride[1] * c_, next_row = window_.stride[0] * pw_ * c_;
  const auto total = static_cast<std::size_t>(groups_ * panel_tiles * row_tiles);
  parallel_for(total, grain_for(tile_rows * wide * panel_size_ / 2), [&](std::size_t begin, std::size_t end) {
    alignas(64) std::array<std::int64_t, kMaxTile> acc;
    std::array<const std::int16_t*, kMaxRows> rows{};
    PanelTile tile{rows.data(), plane_stride, planes(), 0, 0, steps_.data(), steps_.size(), nullptr, panel_size_};
    std::uint64_t clamped = 0;
    for (auto i = static_cast<std::int64_t>(begin); i < static_cast<std::int64_t>(end); ++i) {
      const std::int64_t first_pixel = i % row_tiles * tile_rows, g = i / row_tiles / panel_tiles;
      const std::int64_t first_panel = i / row_tiles % panel_tiles * wide;
      tile.panels = static_cast<int>(std::min(wide, panels - first_panel));
      tile.rows = static_cast<int>(std::min(tile_rows, pixels - first_pixel));
      tile.w = packed_.get() + (g * panels + first_panel) * panel_size_;
      std::int64_t ox = first_pixel % ow_;
      const std::int16_t *line = buffer + g * group_in_ + first_pixel / ow_ * next_row, *at = line + ox * next_pixel;
      for (int r = 0; r < kMaxRows; ++r) {
        rows[static_cast<std::size_t>(r)] = at;
        if (r + 1 >= tile.rows) continue;  // the last pixel is repeated
        if (++ox < ow_)
          at += next_pixel;
        else
          ox = 0, at = line += next_row;
      }
      const std::int64_t channel = g * group_out_ + first_panel * kLanes, ld = tile.panels * kLanes;
      const std::int64_t n = std::min(ld, group_out_ - first_panel * kLanes), first = (first_out + first_pixel) * o_ + channel;
      if (out.finish != nullptr) {
        clamped += k.panels_finish(&tile, out.finish, channel, n, out.y + first, o_);
        continue;
      }
      for (int plane = 0; plane < planes(); ++plane) {
        k.panels(rows.data(), tile.rows, steps_.data(), steps_.size(), tile.w, panel_size_, tile.panels,
                 plane == 0 ? Combine::set : Combine::append_low, acc.data(), ld);
        for (auto& row : rows) row += plane_stride;
      }
      for (int r = 0; r < tile.rows; ++r) (*out.sink)(first + r * o_, acc.data() + r * ld, n);
    }
    if (clamped != 0) out.clamped->fetch_add(clamped, std::memory_order_relaxed);
  });
}

}  // namespace dsperse::run
