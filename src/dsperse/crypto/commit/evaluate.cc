// evaluate_word: multi-point evaluation by splitting the word modulo x^m - s until a block has one point left.
//
// The points of a block are 7 w_n^j with j = e modulo n / m, so x^m has one value there and the word may be reduced modulo x^m
// minus it. With s = (7 w_n^e)^(m / 2), the halves a + s b and a - s b of a word a + x^(m / 2) b serve the points whose next bit
// of j is 0 and 1. One point alone goes on with only its half.
#include <algorithm>
#include <array>

#include "dsperse/crypto/commit/opening.h"

namespace dsperse::crypto {
namespace {

template <int D>
class Evaluator {
 public:
  Evaluator(const Code& code, std::span<const std::uint32_t> indices) : code_(code), indices_(indices), values_(indices.size()) {
    Fp root = root_of_unity(code.log_n), shift(kGenerator);
    for (unsigned i = 0; i < code.log_n; ++i, root *= root, shift *= shift) {
      roots_[i] = root;
      shifts_[i] = shift;
    }
  }

  std::vector<Ext<D>> run(std::span<const Ext<D>> word) {
    std::vector<std::uint32_t> places(indices_.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint32_t>(i);
    scratch_.resize(4 * word.size() + 4);  // both halves of each level: m + m / 2 + ... below 2 m
    split(word, code_.log_n, 0, places, scratch_);
    return std::move(values_);
  }

 private:
  /// The word has at most m = 2^log_m coefficients; indices_ at `places` are e modulo n / m. places is reordered.
  void split(std::span<const Ext<D>> word, unsigned log_m, std::size_t e, std::span<std::uint32_t> places,
             std::span<Ext<D>> scratch) {
    if (places.empty()) return;
    if (places.size() == 1) return one_point(word, log_m, places[0], scratch);
    const std::size_t half = std::size_t{1} << (log_m - 1), stride = std::size_t{1} << (code_.log_n - log_m);
    const auto middle =
        std::partition(places.begin(), places.end(), [&](std::uint32_t i) { return (indices_[i] & stride) == 0; });
    const auto low = static_cast<std::size_t>(middle - places.begin());
    if (word.size() <= half) {
      split(word, log_m - 1, e, places.first(low), scratch);
      split(word, log_m - 1, e + stride, places.subspan(low), scratch);
      return;
    }
    const Fp s = point_power(e, log_m - 1);
    const std::span<Ext<D>> even = scratch.first(half), odd = scratch.subspan(half, half), rest = scratch.subspan(2 * half);
    const std::size_t both = word.size() - half;
    for (std::size_t i = 0; i < both; ++i) {
      const Ext<D> product = word[i + half] * s;
      even[i] = word[i] + product;
      odd[i] = word[i] - product;
    }
    for (std::size_t i = both; i < half; ++i) even[i] = odd[i] = word[i];
    split(even, log_m - 1, e, places.first(low), rest);
    split(odd, log_m - 1, e + stride, places.subspan(low), rest);
  }

  /// As split, for one point: halves the word until one coefficient is left.
  void one_point(std::span<const Ext<D>> word, unsigned log_m, std::uint32_t place, std::span<Ext<D>> scratch) {
    const Fp x = point_power(indices_[place], 0);
    std::array<Fp, 64> squares;
    for (unsigned i = 0; i < log_m; ++i) squares[i] = i == 0 ? x : squares[i - 1] * squares[i - 1];
    while (log_m-- > 0) {
      const std::size_t half = std::size_t{1} << log_m;
      if (word.size() <= half) continue;
      const std::size_t both = word.size() - half;
      for (std::size_t i = 0; i < both; ++i) scratch[i] = word[i] + word[i + half] * squares[log_m];
      if (word.data() != scratch.data()) std::copy_n(word.data() + both, half - both, scratch.data() + both);
      word = scratch.first(half);
    }
    values_[place] = word.empty() ? Ext<D>() : word[0];
  }

  /// (7 w_n^e)^(2^log_power).
  [[nodiscard]] Fp point_power(std::size_t e, unsigned log_power) const {
    Fp x = log_power < code_.log_n ? shifts_[log_power] : Fp(kGenerator);
    for (unsigned i = log_power; i < code_.log_n; ++i, e >>= 1)
      if ((e & 1) != 0) x *= roots_[i];
    return x;
  }

  const Code& code_;
  std::span<const std::uint32_t> indices_;
  std::array<Fp, 64> roots_{}, shifts_{};  ///< w_n and 7 to the powers 2^i
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
