// Integer tensors in the width that they are stored in, and sums of terms over them without a field.
//
// Prover only. Everything is exact mod 2^64, hence exact for traces within their declared ranges. Tested by ops/ops_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dsperse/relation/cursor.h"
#include "dsperse/relation/relation.h"

namespace dsperse::relation {

/// A read-only integer tensor in its stored width.
struct IntView {
  const std::int16_t* narrow = nullptr;
  const std::int32_t* normal = nullptr;
  const std::int64_t* wide = nullptr;
  std::size_t size = 0;

  IntView() = default;
  explicit IntView(std::span<const std::int16_t> v) : narrow(v.data()), size(v.size()) {}
  explicit IntView(std::span<const std::int32_t> v) : normal(v.data()), size(v.size()) {}
  explicit IntView(std::span<const std::int64_t> v) : wide(v.data()), size(v.size()) {}
  [[nodiscard]] std::int64_t at(std::size_t i) const {
    return normal != nullptr ? normal[i] : narrow != nullptr ? narrow[i] : wide[i];
  }
  /// f(pointer to the storage).
  template <class F>
  auto visit(F f) const {
    return narrow != nullptr ? f(narrow) : normal != nullptr ? f(normal) : f(wide);
  }
};

/// The sum of terms whose scalars and scales are small integers, at any range of a site's elements in flat order.
class IntegerTerms {
 public:
  /// source: what a term reads (nothing of a constant). terms and all sources must outlive it.
  IntegerTerms(const Terms& terms, const Shape& site, const std::function<IntView(const Term&)>& source);

  /// out[i - begin] = the sum at element i, begin <= i < end.
  void evaluate(std::size_t begin, std::size_t end, std::int64_t* out) const;

 private:
  struct Part {
    IntView values;
    std::int64_t scalar = 1;
    bool constant = false, flat = false;  ///< flat: element i reads value i
    std::shared_ptr<const View> view;
    Cursor cursor;
    std::vector<std::pair<std::uint32_t, std::vector<std::int64_t>>> scales;  ///< of outer letters
    std::vector<std::int64_t> inner_scale;                                    ///< of the last letter, or empty
    std::vector<std::uint32_t> extra;
    Shape sizes;
  };
  void add_rows(const Part& part, std::size_t begin, std::size_t end, std::int64_t* out) const;

  const Shape& site_;
  std::vector<std::uint32_t> outer_;
  std::vector<Part> parts_;
};

std::int64_t to_signed(Fp x);

/// True of a view that reads element i of the site at element i of its tensor.
bool reads_in_place(const View& view, const Shape& site);

}  // namespace dsperse::relation
