// The hot loops of the integer interpreter, one table per instruction set: plain pointers and sizes, no classes.
//
// Every function gives the same integers in every table. Products are int16 x int16 pairs summed in 32 bits over blocks that the
// caller has proved to fit, then widened to 64 bits. Not here: shapes and packing (linear.cc). Tested by run/integer_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse::run {

inline constexpr int kLanes = 16;     ///< outputs of a panel
inline constexpr int kMaxPanels = 4;  ///< panels of a tile
inline constexpr int kMaxRows = 12;   ///< rows of a tile
inline constexpr int kMaxTile = kMaxRows * kMaxPanels * kLanes;

/// `pairs` consecutive pairs of factors, the first at element x of the row; flush: 32-bit sums are widened after it.
struct Step {
  std::int64_t x = 0;
  std::int32_t pairs = 0;
  bool flush = false;
};

/// Clamp of v, then table[v - clamp_lo], or without a table the clamp to [y_lo, y_hi] (which alone gives the same values).
struct FinishRange {
  std::int64_t clamp_lo = 0, clamp_hi = 0, y_lo = 0, y_hi = 0;
  const std::int32_t* table = nullptr;
};

/// The finish of 32-bit sums that stay below 2^31 with everything added and shifted (Finisher proves it): by channel, every array
/// readable 15 entries beyond the last channel.
struct NarrowFinish {
  const std::int32_t *add = nullptr, *right = nullptr;
  const std::int32_t* left = nullptr;  ///< nullptr: zeros
  std::int32_t clamp_lo = 0, clamp_hi = 0, y_lo = 0, y_hi = 0;
  const std::int32_t* table = nullptr;
};

/// What a tile of panels multiplies: rows of x, steps along them, panels `panel_stride` elements apart, each [pair][lane][2].
struct PanelTile {
  const std::int16_t* const* x = nullptr;
  std::int64_t plane_stride = 0;  ///< from the high to the low plane of x
  int planes = 1, rows = 0, panels = 0;
  const Step* steps = nullptr;
  std::size_t n_steps = 0;
  const std::int16_t* w = nullptr;
  std::int64_t panel_stride = 0;
};

/// A tap of a depthwise convolution: offsets into an image and into the weights.
struct Tap {
  std::int64_t x = 0, w = 0;
};
/// Taps in rows of `in_row`, `column` elements of x apart.
struct TapList {
  const Tap* at = nullptr;
  std::size_t count = 0, in_row = 0;
  std::int64_t column = 0;
};

/// How sums meet what is in acc: acc = sum, or acc = 256 acc + sum (low plane after the high plane of wide factors).
enum class Combine : std::uint8_t { set, append_low };

/// Which 16-bit part of a factor: all of it, x >> 8, x & 255.
enum class Plane : std::uint8_t { whole, high, low };

struct Kernels {
  /// Rows of a tile of 1..4 panels.
  int rows[kMaxPanels + 1];
  /// acc[r ld + 16 p + l] = sum over steps and pairs of x[r] . w of panel p, lane l. w: panels `panel_stride` elements apart,
  /// each [pair][lane][2]. r < m <= rows[panels]; rows up to rows[panels] of x are readable (repeats) and of acc writable.
  void (*panels)(const std::int16_t* const* x, int m, const Step* steps, std::size_t n_steps, const std::int16_t* w,
                 std::int64_t panel_stride, int panels, Combine combine, std::int64_t* acc, std::int64_t ld);
  /// The same rows and panels, finished in registers: y[r ld + i], i < n, of channels from `channel` on. Steps are not widened.
  /// Returns the number of clamped elements.
  std::uint64_t (*panels_finish)(const PanelTile* tile, const NarrowFinish* finish, std::int64_t channel, std::int64_t n,
                                 std::int32_t* y, std::int64_t ld);
  /// Depthwise, m pixels, `channels` of each: y[r channels + c] = finish(sum
  /// over taps of x[r x_step + tap.x + c] w[tap.w + c]); finish nullptr: the sums themselves. x: values of 16 bits; w: zero in
  /// the high half, readable to a whole block of kLanes.
  std::uint64_t (*taps_finish)(const std::int32_t* x, std::int64_t x_step, int m, const TapList* taps, const std::int32_t* w,
                               std::int64_t channels, const NarrowFinish* finish, std::int32_t* y);
  /// y[i] of 32-bit sums of channels from `channel` on.
  std::uint64_t (*narrow_finish)(const std::int32_t* acc, const NarrowFinish* finish, std::int64_t channel, std::int64_t n,
                                 std::int32_t* y);
  /// acc[r ld + l] = sum over steps of pair x[r][step.x + l] . w[step][l]; each x and w holds a pair of int16. m <= 8 as above.
  void (*lanes)(const std::int32_t* const* x, int m, const Step* steps, std::size_t n_steps, const std::int32_t* w,
                Combine combine, std::int64_t* acc, std::int64_t ld);
  /// acc[r ld + o] = x_r . w_o, k long, 32-bit lanes widened every `block` pairs of a lane. m <= 4 rows.
  void (*dots)(const std::int16_t* x, std::int64_t x_stride, int m, const std::int16_t* w, std::int64_t w_stride,
               std::int64_t outputs, std::int64_t k, std::int64_t block, Combine combine, std::int64_t* acc, std::int64_t ld);
  /// y[i] = finish(((acc[i] + add[i]) >> right[i]) << left[i]); left may be nullptr: zeros. Returns the number of clamped
  /// elements.
  std::uint64_t (*finish)(const std::int64_t* acc, const std::int64_t* add, const std::int64_t* right, const std::int64_t* left,
                          std::int64_t n, const FinishRange* range, std::int32_t* y);
  void (*narrow)(const std::int32_t* x, std::int64_t n, Plane plane, std::int16_t* out);
  /// out[i] = pair (plane of x[i], anything).
  void (*to_pairs)(const std::int32_t* x, std::int64_t n, Plane plane, std::int32_t* out);
  /// acc[i] (+)= coef x[i], in 32 bits; `first`: acc is overwritten. x = nullptr: ones.
  void (*add_narrow)(const std::int32_t* x, std::int64_t n, std::int32_t coef, bool first, std::int32_t* acc);
  /// acc[i] += coef x[i].
  void (*add_scaled)(const std::int32_t* x, std::int64_t n, std::int64_t coef, std::int64_t* acc);
  void (*add_wide)(const std::int64_t* x, std::int64_t n, std::int64_t* acc);
  /// acc[i] *= factor.
  void (*multiply)(std::int64_t factor, std::int64_t n, std::int64_t* acc);
  void (*add_constant)(std::int64_t x, std::int64_t n, std::int64_t* acc);
  /// y[i] = max(a[i], b[i]); y may be a.
  void (*maximum)(const std::int32_t* a, const std::int32_t* b, std::int64_t n, std::int32_t* y);
  /// y[o channels + c] = the largest of x[o x_step + t tap_step + c], t < taps; `outputs` pixels side by side.
  void (*maximum_row)(const std::int32_t* x, std::int64_t x_step, std::int64_t taps, std::int64_t tap_step, std::int64_t outputs,
                      std::int64_t channels, std::int32_t* y);
  /// Smallest and largest of n >= 1 values.
  void (*extremes)(const std::int32_t* x, std::int64_t n, std::int32_t* low, std::int32_t* high);
  void (*extremes16)(const std::int16_t* x, std::int64_t n, std::int16_t* low, std::int16_t* high);
  /// Sums of the positive and of the negative magnitudes.
  void (*signed_sums)(const std::int16_t* x, std::int64_t n, std::int64_t* positive, std::int64_t* negative);
};

/// The table for dsperse::kernel() on this CPU.
const Kernels& kernels();
/// For tests: whether the AVX-512 level may use VNNI where the CPU has it (the default).
void allow_vnni(bool allow);

}  // namespace dsperse::run
