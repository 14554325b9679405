#include "dsperse/trust/types/probability.h"

#include <bit>
#include <cmath>

namespace dsperse::trust {

Result<Probability> Probability::ratio(std::uint64_t num, std::uint64_t den) {
  if (den == 0) return fail(ErrorKind::usage, "a probability has denominator 0");
  if (num > den) return fail(ErrorKind::usage, "a probability is above 1");
  if (num == den) return always();
  const auto shifted = static_cast<unsigned __int128>(num) << 64U;
  const unsigned __int128 up = shifted / den + (shifted % den != 0 ? 1 : 0);
  // num <= den - 1, so up <= 2^64 - floor(2^64 / den) <= 2^64 - 1: den is below 2^64.
  return of_threshold(static_cast<std::uint64_t>(up));
}

double Probability::value() const { return always_ ? 1.0 : static_cast<double>(threshold_) * 0x1p-64; }

void Probability::write(ByteWriter& out) const {
  out.u8(always_ ? 1 : 0);
  out.u64(threshold_);
}

Probability Probability::read(ByteReader& in) {
  const std::uint8_t tag = in.u8();
  const std::uint64_t threshold = in.u64();
  if (tag > 1 || (tag == 1 && threshold != 0)) in.set_bad();
  return tag == 1 ? always() : of_threshold(threshold);
}

Probability probability_of(double p) {
  if (!(p > 0)) return Probability::never();
  if (p >= 1) return Probability::always();
  // Scaling by a power of two is exact; below 1 there are at most 53 bits, so the product is at most 2^64 - 2^11.
  return Probability::of_threshold(static_cast<std::uint64_t>(std::ceil(p * 0x1p64)));
}

double rate_of(const Probability& probability) {
  if (probability.is_always()) return 1;
  // The threshold as a double, rounded down: bits beyond 53 are dropped.
  std::uint64_t t = probability.threshold();
  if (const int excess = static_cast<int>(std::bit_width(t)) - 53; excess > 0) t = t >> excess << excess;
  return static_cast<double>(t) * 0x1p-64;
}

}  // namespace dsperse::trust
