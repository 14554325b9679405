// The sums of a Contract: batched matrix products over packed int16 rows, or loops over strides; exact for any views.
//
// Not here: requantization (finisher.h). Tested by run/integer_test.cc against the slow interpreter.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/run/kernels/kernels.h"
#include "dsperse/run/strided.h"

namespace dsperse::run {

class ContractSums {
 public:
  /// op is a Contract of a checked program, which must outlive it.
  ContractSums(const quantize::Program& program, const quantize::Contract& op);

  /// Receives acc[0..n), n <= kBlock: elements first .. first + n - 1 of the output in flat order. Called from many threads.
  using Sink = std::function<void(std::int64_t first, const std::int64_t* acc, std::int64_t n)>;
  static constexpr std::int64_t kBlock = 256;
  /// a, b: all values of the factors, within their declared ranges.
  void run(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const;

  /// A bound of every sum on the way if tiles can be finished in registers, else 0.
  [[nodiscard]] std::int64_t narrow_bound() const { return narrow_bound_; }
  /// The same, finished; how many values were clamped. Element i of the output has the channel i mod period, the last axis being
  /// a multiple of it. narrow_bound() must not be 0.
  std::uint64_t run_finished(const std::int32_t* a, const std::int32_t* b, const NarrowFinish& finish, std::int64_t period,
                             std::int32_t* y) const;

 private:
  /// Rows of a and b (batch x rows x k each) whose dot products are the output, in order of `rows_`' third view.
  void plan_matrices(const quantize::Program& program);
  void run_matrices(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const;
  /// Tile(tile, place): rows and panels of one product, whose first element is at `place` in the output; n columns of it.
  using Tile = std::function<void(const PanelTile& tile, std::int64_t first_row, std::int64_t place, std::int64_t n)>;
  void run_panels(const std::int32_t* a, const std::int32_t* b, const Tile& body) const;
  void pack(std::size_t view, const std::int32_t* x, std::int16_t* out, bool panels) const;
  void run_strided(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const;
  void run_checked(const std::int32_t* a, const std::int32_t* b, const Sink& sink) const;

  const quantize::Contract& op_;
  std::int64_t elements_ = 0, a_base_ = 0, b_base_ = 0;
  enum class Way : std::uint8_t { matrices, strided, checked } way_ = Way::checked;
  Loops kept_, summed_;  ///< views: a, b
  // Matrices; a and b may have changed places.
  bool swapped_ = false;
  Loops batch_, rows_, columns_, inner_;  ///< views: row factor, column factor, output
  std::int64_t block_ = 0;                ///< pairs of products that fit 32 bits
  std::vector<Step> steps_;               ///< along a row, if the column factor is packed in panels
  std::int64_t narrow_bound_ = 0;
};

}  // namespace dsperse::run
