// What calibration remembers of a tensor: enough to know, for every exponent, the squared error that rounding and clipping
// would make, without keeping values.
//
// Magnitudes are sorted into powers of two; of each class: how many, sum, sum of squares. Clipping errors come out exactly (the
// clipping point is a class border up to one step), rounding errors by the uniform model. Tested by quantize/statistics_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

namespace dsperse::quantize {

class TensorStatistics {
 public:
  void add(double x);
  [[nodiscard]] double largest() const { return largest_; }  ///< magnitude
  [[nodiscard]] double lowest() const { return lowest_; }    ///< the least value, at most 0
  [[nodiscard]] double count() const { return count_; }
  [[nodiscard]] double mean_square() const;
  /// Expected sum of (x - q 2^-e)^2 over all values, q = round(x 2^e) clamped to +-(2^(bits-1) - 1).
  [[nodiscard]] double squared_error(std::int32_t e, unsigned bits) const;
  void merge(const TensorStatistics& other);

 private:
  static constexpr int kLowest = -100, kClasses = 200;
  struct Class {
    double count = 0, sum = 0, squares = 0;
  };
  std::array<Class, kClasses> classes_{};
  double largest_ = 0, lowest_ = 0, count_ = 0;
};

/// Largest e with largest * 2^e <= top (after rounding); `fallback` for 0.
std::int32_t fitting_exponent(double largest, double top, std::int32_t fallback);
/// What calibration may have missed: values up to tail * largest, but not beyond `limit`, may still come.
struct Unseen {
  double tail = 1;
  double limit = std::numeric_limits<double>::infinity();
  bool may_clip = true;  ///< otherwise all of them must fit
};
/// The exponent of least squared error for values of these bits, one value at the end of the unseen range included.
std::int32_t best_exponent(const TensorStatistics& statistics, unsigned bits, const Unseen& unseen);

}  // namespace dsperse::quantize
