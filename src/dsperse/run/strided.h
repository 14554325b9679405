// What Contract and Reduce read, as strides over their letters, where every index stays inside its axis; or index by index.
//
// Private to this room. Tested by run/integer_test.cc through its users.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::run {

/// Flat index = base + sum of stride * letter.
struct Strided {
  bool inside = false;  ///< at every letter; otherwise the strides say nothing
  std::int64_t base = 0;
  std::vector<std::int64_t> stride;  ///< per letter; 0: repeats
};
Strided strided(const quantize::Shape& axes, const std::vector<quantize::AxisMap>& maps, const quantize::Shape& letters);

/// Flat index at these letters, or -1 outside.
std::int64_t index_at(const quantize::Shape& axes, const std::vector<quantize::AxisMap>& maps,
                      const std::vector<std::int64_t>& letters);

/// Loops over letters of the given sizes, some views walking along.
struct Loops {
  quantize::Shape sizes;
  std::vector<std::vector<std::int64_t>> strides;  ///< [view][letter]

  /// Joins letter k + 1 to k where every view steps over both as over one; drops letters of size 1, but not the last left.
  void merge();
  [[nodiscard]] std::int64_t count() const { return quantize::elements(sizes); }
};

/// A position in Loops whose views' offsets are kept up to date; all letters but the last `inner`.
class Walk {
 public:
  Walk(const Loops& loops, std::size_t inner, std::int64_t start);
  [[nodiscard]] std::int64_t offset(std::size_t view) const { return offset_[view]; }
  /// The next position; after the last one, the first.
  void next();

 private:
  const Loops& loops_;
  std::size_t letters_;
  std::vector<std::int64_t> at_, offset_;
};

}  // namespace dsperse::run
