// Conv and Gemm as exact integer products over packed weights: accumulators in tiles, finished or stored raw.
//
// A Gemm is a Conv of a 1 x M image. An image is copied once as int16 with its zero padding, so that an output pixel reads a few
// contiguous runs; weights lie in panels of 16 outputs. Factors beyond 16 bits go in two planes, x = 256 high + low. 32-bit sums
// are widened before they can overflow, by the declared range of x and the largest weight present. Convolutions whose groups have
// few outputs go lane by lane over channels instead. Not here: requantization (finisher.h).
// Tested by run/integer_test.cc against the slow interpreter.
#pragma once

#include <cstdint>
#include <functional>
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

 private:
  enum class Way : std::uint8_t { panels, lanes, dots, direct };
  [[nodiscard]] int planes() const { return two_planes_ ? 2 : 1; }
  void plan_steps(std::int64_t pairs_per_flush);
  void pack_panels();
  void pack_lanes();
  void run_image(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const;
  void run_panels(std::int64_t image, const std::int16_t* buffer, std::int64_t plane_stride, const Sink& sink) const;
  void run_lanes(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const;
  void run_band(std::int64_t image, const quantize::IntTensor& x, std::int64_t first_row, std::int64_t last_row,
                const Sink& sink) const;
  void expand(const std::int32_t* x, std::int64_t count, Plane plane, std::int32_t* out) const;
  void run_dots(const std::int16_t* buffer, std::int64_t plane_stride, const Sink& sink) const;
  void run_direct(std::int64_t image, const quantize::IntTensor& x, const Sink& sink) const;
  template <class T, class Fill>
  void pad_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::int64_t pixel, T* buffer,
                std::int64_t plane_stride, const Fill& fill) const;

  Way way_ = Way::panels;
  bool two_planes_ = false;
  // Geometry: images (n, h, w, c) -> (oh, ow, o); the padded image is ph x pw.
  std::int64_t n_ = 1, h_ = 1, w_ = 1, c_ = 1, oh_ = 1, ow_ = 1, o_ = 1, ph_ = 1, pw_ = 1;
  std::int64_t groups_ = 1, group_in_ = 1, group_out_ = 1;
  quantize::Window window_;
  // Runs of `run_` contiguous inputs; K = runs of a pixel * run_.
  std::int64_t run_ = 1, pairs_ = 1;
  std::int64_t panel_size_ = 0;  ///< elements of a panel
  std::vector<std::int64_t> run_offset_;
  std::vector<Step> steps_;
  std::int64_t block_ = 1;  ///< pairs that fit into 32 bits
  const quantize::WeightValues* weights_ = nullptr;
  Aligned<std::int16_t> packed_;        ///< panels: [group][panel][pair][lane][2]
  Aligned<std::int32_t> packed_pairs_;  ///< lanes: [block of 16 channels][tap][pair][lane]
};

}  // namespace dsperse::run
