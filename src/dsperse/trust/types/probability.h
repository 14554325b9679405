// Probabilities as exact integer thresholds: a uniform 64-bit word x is a hit iff x < p 2^64.
//
// For integers x that is x < ceil(p 2^64), so a 65-bit threshold says everything, 0 and 1 included, without rounding: the number
// of hits among the 2^64 words is the threshold, at most one above p 2^64. Not here: where x comes from (trust/lottery). Source:
// docs/trust/machines.md. Tested by trust/types/probability_test.cc.
#pragma once

#include <compare>
#include <cstdint>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust {

class Probability {
 public:
  /// Never hits.
  Probability() = default;
  static Probability never() { return {}; }
  static Probability always() { return Probability(true, 0); }
  /// threshold / 2^64.
  static Probability of_threshold(std::uint64_t threshold) { return Probability(false, threshold); }
  /// num / den, rounded up to a multiple of 2^-64. Errors (usage): den = 0, num > den.
  [[nodiscard]] static Result<Probability> ratio(std::uint64_t num, std::uint64_t den);

  [[nodiscard]] bool hits(std::uint64_t word) const { return always_ || word < threshold_; }
  [[nodiscard]] bool is_never() const { return !always_ && threshold_ == 0; }
  [[nodiscard]] bool is_always() const { return always_; }
  /// Words that hit, of 2^64; 0 if all do.
  [[nodiscard]] std::uint64_t threshold() const { return threshold_; }
  /// For display only: decisions use hits().
  [[nodiscard]] double value() const;

  friend auto operator<=>(const Probability&, const Probability&) = default;

  /// u8 (1: always), u64 threshold (0 if always).
  void write(ByteWriter& out) const;
  /// Sets the reader bad on any other form.
  static Probability read(ByteReader& in);

 private:
  Probability(bool always, std::uint64_t threshold) : always_(always), threshold_(threshold) {}
  bool always_ = false;  // first member: it decides the order
  std::uint64_t threshold_ = 0;
};

/// The one conversion of a rate: ceil(p 2^64), exactly; so a draw never hits less often than p. At most 0 (or no number): never;
/// at least 1: always.
Probability probability_of(double p);
/// The largest double whose probability_of is at most `probability`: at least p if probability = probability_of(p).
double rate_of(const Probability& probability);

}  // namespace dsperse::trust
