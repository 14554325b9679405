// y = activation(clamp(round((acc + bias) 2^-s))) for blocks of accumulators, with shared activation tables.
//
// Not here: how accumulators are made (linear.h, op_runner.h). Source: docs/semantics.md. Tested by run/integer_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/run/kernels/kernels.h"

namespace dsperse::run {

/// Tables y(v + c) of the activations that are no plain clamp; equal activations share one.
class ActivationTables {
 public:
  using Table = std::shared_ptr<const std::vector<std::int32_t>>;
  /// nullptr when the function is monotone with slope one between two constants (identity, relu, clip): two clamps do.
  Table get(const quantize::Activation& activation, std::uint32_t clamp_bits);

 private:
  struct Entry {
    quantize::Activation activation;
    std::uint32_t clamp_bits = 0;
    Table table;
  };
  std::vector<Entry> entries_;
};

/// Stays where it is: narrow() points into it.
class Finisher {
 public:
  Finisher(const Finisher&) = delete;
  Finisher& operator=(const Finisher&) = delete;
  /// Most accumulators of one call.
  static constexpr std::int64_t kBlock = 512;

  /// Element i of the output has shift s(i mod period) and bias(i mod period). bias: of `period` entries, or nullptr.
  Finisher(const quantize::Requant& requant, std::int64_t period, const quantize::WeightValues* bias, ActivationTables& tables);

  /// Sums of channel i stay within +-bounds[i] (as many as the period): prepares narrow() if 32 bits hold everything on the way.
  void allow_narrow(std::span<const std::int64_t> bounds);
  /// The same finish for 32-bit sums; nullptr if they could overflow. Channel i + j of a block that begins at channel i < period
  /// lies at i + j for j < kBlock.
  [[nodiscard]] const NarrowFinish* narrow() const { return narrow_ ? &*narrow_ : nullptr; }
  [[nodiscard]] std::int64_t period() const { return period_; }

  /// y[k] of accumulators first .. first + n - 1 (n <= kBlock) in the output's flat order; returns how many saturated.
  std::uint64_t run(const Kernels& k, std::int64_t first, const std::int64_t* acc, std::int64_t n, std::int32_t* y) const {
    const auto at = static_cast<std::size_t>(first % period_);
    return k.finish(acc, add_.data() + at, right_.data() + at, left_.empty() ? nullptr : left_.data() + at, n, &range_, y);
  }

 private:
  std::int64_t period_ = 1;
  std::vector<std::int64_t> add_, right_, left_;  ///< period + kBlock entries: every block is contiguous; no left shifts: empty
  FinishRange range_;
  ActivationTables::Table table_;
  std::optional<NarrowFinish> narrow_;
  std::vector<std::int32_t> narrow_add_, narrow_right_, narrow_left_;
};

}  // namespace dsperse::run
