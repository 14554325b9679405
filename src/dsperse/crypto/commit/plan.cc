#include "dsperse/crypto/commit/plan.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace dsperse::crypto {
namespace {

/// log2 of block_length. Rows with many pads (a tree that is opened often) would fold more than they transform: then blocks
/// that hold them are cheaper. Weights: nanoseconds an evaluation with AVX-512; one multiplication a fold, a pass by its radix.
unsigned block_bits(const Code& code) {
  constexpr double kFold = 0.6, kPass[] = {0, 0.4, 0.7, 1.0, 1.2};
  unsigned best = code.c;
  double best_cost = 0;
  for (unsigned bits = code.c; bits <= code.log_n; ++bits) {
    const std::size_t length = std::size_t{1} << bits;
    const std::size_t folded = code.k() > length ? code.k() - length : 0;
    const double cost =
        kFold * static_cast<double>(folded) / static_cast<double>(length) + kPass[bits % 4] + kPass[4] * (bits / 4);
    if (bits == code.c || cost < best_cost) {
      best = bits;
      best_cost = cost;
    }
  }
  return best;
}

}  // namespace

std::size_t block_length(const Code& code) { return std::size_t{1} << block_bits(code); }

EncodePlan::EncodePlan(const Code& code) {
  unsigned left = block_bits(code);
  const std::size_t n = code.n(), kd = std::size_t{1} << left, cosets = n / kd;
  tables_.kd = kd;
  tables_.k = std::max(code.k(), kd);
  tables_.cosets = cosets;
  // Radix 16 first where blocks of whole groups remain, since that pass is nearly free of multiplications (EncodeTables::scale);
  // then what does not divide by four.
  for (const unsigned bits = left; left != 0; left -= tables_.log_radix[tables_.passes++])
    tables_.log_radix[tables_.passes] = left % 4 == 0 || (left == bits && left >= 8) ? 4 : left % 4;

  std::vector<Fp> roots(n);
  const Fp w = root_of_unity(code.log_n);
  for (std::size_t j = 0; j < n; ++j) roots[j] = j == 0 ? Fp(1) : roots[j - 1] * w;
  const auto point_power = [&](std::size_t e, Fp shift, std::size_t m) { return shift * roots[e * m & (n - 1)]; };

  const Fp shift_kd = power(Fp(kGenerator), kd);
  fold_.resize(cosets);
  for (std::size_t e = 0; e < cosets; ++e) fold_[e] = point_power(e, shift_kd, kd).v;

  if (tables_.passes != 0 && cosets <= 4) {
    const std::size_t m = kd >> tables_.log_radix[0];
    const Fp step = power(Fp(kGenerator), m);
    Fp factor(1);
    for (std::size_t at = 0; at < tables_.k; at += m, factor *= step) scale_.push_back(factor.v);
    tables_.scale = scale_.data();
  }

  // exponents[b]: a block holds the points 7 w_n^j with j = exponents[b] modulo n / length.
  std::vector<std::uint32_t> exponents(cosets);
  for (std::size_t e = 0; e < cosets; ++e) exponents[e] = static_cast<std::uint32_t>(e);
  std::size_t length = kd;
  for (unsigned p = 0; p < tables_.passes; ++p) {
    const std::size_t radix = std::size_t{1} << tables_.log_radix[p], m = length / radix;
    std::vector<std::uint64_t> twiddles;
    twiddles.reserve(exponents.size() * (radix - 1));
    std::vector<Fp> shifts(radix, Fp(1));
    for (std::size_t k = 1; k < radix; ++k) shifts[k] = k == 1 ? power(Fp(kGenerator), m) : shifts[k - 1] * shifts[1];
    std::vector<std::uint32_t> next;
    next.reserve(exponents.size() * radix);
    for (const std::uint32_t e : exponents) {
      for (std::size_t k = 1; k < radix; ++k) twiddles.push_back(point_power(e, shifts[k], m * k).v);
      for (std::size_t i = 0; i < radix; ++i) next.push_back(static_cast<std::uint32_t>(e + i * (n / length)));
    }
    twiddles_.push_back(std::move(twiddles));
    exponents = std::move(next);
    length = m;
  }
  columns_ = std::move(exponents);
  while (columns_.size() % kGroup != 0) columns_.push_back(static_cast<std::uint32_t>(columns_.size()));
  for (unsigned p = 0; p < tables_.passes; ++p) tables_.twiddles[p] = twiddles_[p].data();
  tables_.fold = fold_.data();
  tables_.columns = columns_.data();
}

std::size_t EncodePlan::position_of(std::size_t column) const {
  std::size_t position = column % tables_.cosets, rest = column / tables_.cosets;
  for (unsigned p = 0; p < tables_.passes; ++p) {
    const unsigned bits = tables_.log_radix[p];
    position = position << bits | (rest & ((std::size_t{1} << bits) - 1));
    rest >>= bits;
  }
  return position;
}

std::shared_ptr<const EncodePlan> EncodePlan::of(const Code& code) {
  static std::mutex mutex;
  static std::vector<std::pair<Code, std::shared_ptr<const EncodePlan>>> kept;
  constexpr std::size_t kKept = 8;
  const std::lock_guard lock(mutex);
  const auto found = std::find_if(kept.begin(), kept.end(), [&](const auto& entry) { return entry.first == code; });
  if (found != kept.end()) {
    std::rotate(found, found + 1, kept.end());
  } else {
    if (kept.size() == kKept) kept.erase(kept.begin());
    kept.emplace_back(code, std::make_shared<const EncodePlan>(code));
  }
  return kept.back().second;
}

}  // namespace dsperse::crypto
