// evaluate_word: multi-point evaluation by splitting the polynomial modulo x^m - s until few points are left in a block.
//
// All points of a block are 7 w_n^j with j = e modulo n / m, so x^m has one value s there and the word may be reduced modulo
// x^m - s: to half its length in m / 2 multiplications. Horner's rule ends a block. For 151 points of 2^14 and 4,300 coefficients
// that is a tenth of the multiplications of Horner's rule alone.
#include <algorithm>

#include "dsperse/crypto/commit/opening.h"

namespace dsperse::crypto {
namespace {

template <int D>
class Evaluator {
 public:
  Evaluator(const Code& code, std::span<const std::uint32_t> indices)
      : code_(code), root_(root_of_unity(code.log_n)), indices_(indices), values_(indices.size()) {}

  std::vector<Ext<D>> run(std::span<const Ext<D>> word) {
    std::vector<std::size_t> places(indices_.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    scratch_.resize(2 * word.size());
    split(word, code_.n(), 0, places, scratch_);
    return std::move(values_);
  }

 private:
  /// The word has at most m coefficients; indices_ at `places` are e modulo n / m. places is reordered.
  void split(std::span<const Ext<D>> word, std::size_t m, std::size_t e, std::span<std::size_t> places,
             std::span<Ext<D>> scratch) {
    constexpr std::size_t kFewPoints = 2, kShort = 4;
    if (places.empty()) return;
    if (places.size() <= kFewPoints || m <= kShort) return horner(word, places);
    const std::size_t half = m / 2, stride = code_.n() / m;
    const auto middle = std::partition(places.begin(), places.end(), [&](std::size_t i) { return (indices_[i] & stride) == 0; });
    const auto low = static_cast<std::size_t>(middle - places.begin());
    if (word.size() <= half) {
      split(word, half, e, places.first(low), scratch);
      split(word, half, e + stride, places.subspan(low), scratch);
      return;
    }
    const Fp s = power(Fp(kGenerator), half) * power(root_, e * half % code_.n());
    const std::span<Ext<D>> folded = scratch.first(half), rest = scratch.subspan(half);
    for (const bool upper : {false, true}) {
      const std::span<std::size_t> inside = upper ? places.subspan(low) : places.first(low);
      if (inside.empty()) continue;
      fold(word, upper ? -s : s, folded);
      split(folded, half, upper ? e + stride : e, inside, rest);
    }
  }

  /// out = word modulo x^m - s, m = out.size() < word.size() <= 2 m.
  static void fold(std::span<const Ext<D>> word, Fp s, std::span<Ext<D>> out) {
    const std::size_t m = out.size(), both = word.size() - m;
    for (std::size_t i = 0; i < both; ++i) out[i] = word[i] + word[i + m] * s;
    for (std::size_t i = both; i < m; ++i) out[i] = word[i];
  }

  void horner(std::span<const Ext<D>> word, std::span<const std::size_t> places) {
    for (const std::size_t place : places) {
      const Fp x = Fp(kGenerator) * power(root_, indices_[place]);
      Ext<D> sum;
      for (std::size_t i = word.size(); i-- > 0;) sum = sum * x + word[i];
      values_[place] = sum;
    }
  }

  const Code& code_;
  Fp root_;
  std::span<const std::uint32_t> indices_;
  std::vector<Ext<D>> values_, scratch_;
};

}  // namespace

template <int D>
std::vector<Ext<D>> evaluate_word(const Code& code, std::span<const Ext<D>> word, std::span<const std::uint32_t> indices) {
  return Evaluator<D>(code, indices).run(word);
}

template std::vector<Ext<2>> evaluate_word<2>(const Code&, std::span<const Ext<2>>, std::span<const std::uint32_t>);
template std::vector<Ext<3>> evaluate_word<3>(const Code&, std::span<const Ext<3>>, std::span<const std::uint32_t>);

}  // namespace dsperse::crypto
