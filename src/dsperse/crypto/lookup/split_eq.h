// eq weights of a level's rounds, split: the variables next in turn as one table that stays in cache, the rest as one factor a
// chunk of it. No table as long as the level is ever made.
//
// Prover only. Tested by crypto/lookup/lookup_test.cc.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "dsperse/crypto/field/ext_vec.h"

namespace dsperse::crypto {

/// eq(point, i) for i < end, summed; end <= 2^point.size(). Cost: two multiplications a variable.
template <int D>
Ext<D> eq_prefix(std::span<const Ext<D>> point, std::uint64_t end);

template <int D>
class SplitEq {
 public:
  /// Variables of the low table; 2^kLow / kLanes blocks are a chunk.
  static constexpr std::size_t kLow = 12, kChunk = (std::size_t{1} << kLow) / kLanes;

  SplitEq() = default;
  /// Before the first of the point's variables is bound: weights over all but that one.
  explicit SplitEq(std::span<const Ext<D>> point);
  /// One variable on.
  void next();

  /// The point's variables that the weights are over.
  [[nodiscard]] std::span<const Ext<D>> rest() const { return std::span(point_).subspan(first_); }
  /// Weights of block b (of pairs) are low(b) times high(b).
  [[nodiscard]] const std::uint64_t* low(std::size_t b) const { return low_.block(b % kChunk); }
  [[nodiscard]] Ext<D> high(std::size_t b) const { return high_[b / kChunk]; }

 private:
  std::vector<Ext<D>> point_;
  std::size_t first_ = 0;
  ExtVec<D> low_, high_;
};

}  // namespace dsperse::crypto
