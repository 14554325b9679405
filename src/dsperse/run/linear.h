// Conv and Gemm as exact integer products over packed weights: accumulators in tiles, finished in registers or stored raw.
//
// A Gemm is a Conv of a 1 x M image. A band of an image's rows is copied as int16 with its zero padding, so that an output pixel
// reads a few contiguous runs; weights lie in panels of 16 outputs. Factors beyond 16 bits go in two planes, x = 256 high + low.
// Where the weights and the declared range of x show that no sum leaves 32 bits, nothing is widened and the finish happens in
// the registers that hold the sums; otherwise sums are widened before they can overflow. Depthwise convolutions read the image
// where it lies. Not here: requantization (finisher.h). Tested by run/integer_test.cc against the slow interpreter.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/run/aligned.h"
#include "dsperse/run/kernels/kernels.h"

namespace dsperse::run {

class Linear {
 public:
  /// op is a Conv or Gemm of a checked program; w are the values of its factor, which must outlive it.
  /// reuse: it will run often, so that packing the weights of a Gemm pays.
  Linear(const quantize::Program& program, const quantize::Op& op, const quantize::WeightValues& w, bool reuse);

  /// Receives acc[0..n), n <= 128: elements first .. first + n - 1 of the output, all of one pixel or row. Called from many
  /// threads.
  using Sink = std::function<void(std::int64_t first, const std::int64_t* acc, std::int64_t n)>;
  void run(const quantize::IntTensor& x, const Sink& sink) const;
  /// Finishes in registers: y is the whole output. finish: made for sum_bounds(). Returns how many elements were clamped.
  std::uint64_t run(const quantize::IntTensor& x, const NarrowFinish& finish, std::int32_t* y) const;
  [[nodiscard]] bool can_finish() const { return way_ == Way::panels || way_ == Way::taps; }
  /// Largest |sum|, partial ones included, of every output channel over x in its declared range.
  [[nodiscard]] std::span<const std::int64_t> sum_bounds() const { return sum_bounds_; }

 private:
  enum class Way : std::uint8_t { panels, lanes, taps, dots, direct };
  /// Where sums go: to the sink, or finished to y.
  struct Out {
    const Sink* sink = nullptr;
    const NarrowFinish* finish = nullptr;
    std::int32_t* y = nullptr;
    std::atomic<std::uint64_t>* clamped = nullptr;
  };
  /// Output rows [first_row, last_row) of an image.
  struct Band {
    std::int64_t image = 0, first_row = 0, last_row = 0;
  };
  [[nodiscard]] int planes() const { return two_planes_ ? 2 : 1; }
  [[nodiscard]] std::int64_t input_rows(const Band& band) const;
  void set_geometry(const quantize::Program& program, const quantize::Op& op, bool reuse);
  void set_bounds(const quantize::TensorSpec& x);
  void flatten_pixels();
  void choose_bands(std::int64_t row_bytes, std::int64_t least_pixels);
  void plan_steps(std::int64_t pairs_per_flush);
  void pack_panels();
  void pack_lanes();
  void pack_taps();
  void run_all(const quantize::IntTensor& x, const Out& out) const;
  void run_band(const Band& band, const quantize::IntTensor& x, const Out& out) const;
  void run_panels(const Band& band, const quantize::IntTensor& x, const Out& out) const;
  void run_panel_tiles(const Band& band, const std::int16_t* buffer, std::int64_t plane_stride, const Out& out) const;
  void run_lanes(const Band& band, const quantize::IntTensor& x, const Sink& sink) const;
  void run_taps(const Band& band, const quantize::IntTensor& x, const Out& out) const;
  std::uint64_t run_tap_rows(const Band& band, const quantize::IntTensor& x, const NarrowFinish* finish, std::int32_t* y) const;
  void run_dots(const quantize::IntTensor& x, const Sink& sink) const;
  void run_direct(const Band& band, const quantize::IntTensor& x, const Sink& sink) const;
  void narrow_band(const Band& band, const quantize::IntTensor& x, std::int16_t* buffer, std::int64_t plane_stride) const;
  void expand(const std::int32_t* x, std::int64_t count, Plane plane, std::int32_t* out) const;
  template <class T, class Fill>
  void pad_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::int64_t pixel, T* buffer,
                std::int64_t plane_stride, const Fill& fill) const;

  Way way_ = Way::panels;
  bool two_planes_ = false;
  // Geometry: images (n, h, w, c) -> (oh, ow, o); the padded image is ph x pw.
  std::int64_t n_ = 1, h_ = 1, w_ = 1, c_ = 1, oh_ = 1, ow_ = 1, o_ = 1, ph_ = 1, pw_ = 1;
  std::int64_t groups_ = 1, group_in_ = 1, group_out_ = 1;
  quantize::Window window_;
  /// A 1 x 1 window that skips pixels: pixel (oy, ox) of the flattened image is read at (oy, ox) times this stride of an image
  /// of this size (rows, columns).
  struct Skip {
    std::int64_t stride_h = 1, stride_w = 1, rows = 0, columns = 0, out_rows = 0, out_columns = 0;
  };
  Skip skip_;  ///< rows 0: none
  std::int64_t band_rows_ = 1;
  // Runs of `run_` contiguous inputs; K = runs of a pixel * run_.
  std::int64_t run_ = 1, pairs_ = 1;
  std::int64_t panel_size_ = 0;  ///< elements of a panel
  std::vector<std::int64_t> run_offset_;
  std::vector<Step> steps_;
  std::vector<Tap> taps_;
  std::int64_t inner_first_ = 0, inner_last_ = 0;  ///< taps: output columns whose windows lie inside the image
  std::int64_t block_ = 1;                         ///< pairs that fit into 32 bits
  bool narrow_ = false;                            ///< every sum fits
  std::vector<std::int64_t> sum_bounds_;
  const quantize::WeightValues* weights_ = nullptr;
  Aligned<std::int16_t> packed_;        ///< panels: [group][panel][pair][lane][2]
  Aligned<std::int32_t> packed_pairs_;  ///< lanes: [block of 16 channels][tap][pair][lane]; taps: [tap][lane]
};

}  // namespace dsperse::run
