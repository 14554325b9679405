// evaluate_word: multi-point evaluation by splitting the word modulo x^m - s until a block has one point left.
//
// The points of a block are 7 w_n^j with j = e modulo n / m, so x^m has one value there and the word may be reduced modulo x^m
// minus it. With s = (7 w_n^e)^(m / 2), the halves a + s b and a - s b of a word a + x^(m / 2) b serve the points whose next bit
// of j is 0 and 1. One point alone goes on with only its half.
#include <algorithm>
#include <array>

#include "dsperse/crypto/commit/opening.h"

namespace dsperse::crypto {

static_assert(root_of_unity(2) == power_of_two(48));

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
    scratch_.resize(8 * word.size() + 8);  // all parts of each level: m + m / 4 + ..., or m + m / 2 + ..., m below 4 word.size()
    split(word, code_.log_n, 0, places, scratch_);
    return std::move(values_);
  }

 private:
  /// The word has at most m = 2^log_m coefficients; indices_ at `places` are e modulo n / m. places is reordered.
  void split(std::span<const Ext<D>> word, unsigned log_m, std::size_t e, std::span<std::uint32_t> places,
             std::span<Ext<D>> scratch) {
    if (places.empty()) return;
    if (places.size() == 1) return one_point(word, log_m, places[0], scratch);
    if (places.size() >= 4 && log_m >= 2 && word.size() > std::size_t{1} << (log_m - 2))
      return split4(word, log_m, e, places, scratch);
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

  /// The same, two steps at once: x^(m / 4) has the values s i^j, i = 2^48 being a fourth root of unity, on the points whose next
  /// two bits of j are those of j. Three products for four coefficients, where two steps take four.
  void split4(std::span<const Ext<D>> word, unsigned log_m, std::size_t e, std::span<std::uint32_t> places,
              std::span<Ext<D>> scratch) {
    const std::size_t quarter = std::size_t{1} << (log_m - 2), stride = std::size_t{1} << (code_.log_n - log_m);
    const auto part = [&](std::span<std::uint32_t> some, std::size_t bit) {
      const auto middle = std::partition(some.begin(), some.end(), [&](std::uint32_t i) { return (indices_[i] & bit) == 0; });
      return static_cast<std::size_t>(middle - some.begin());
    };
    const std::size_t even = part(places, stride), low = part(places.first(even), 2 * stride),
                      high = part(places.subspan(even), 2 * stride);
    const std::array<std::span<std::uint32_t>, 4> classes = {places.first(low), places.subspan(even, high),
                                                             places.subspan(low, even - low), places.subspan(even + high)};
    const Fp s = point_power(e, log_m - 2), s2 = s * s, s3 = s2 * s;
    const auto at = [&](std::size_t i) { return i < word.size() ? word[i] : Ext<D>(); };
    const std::span<Ext<D>> out = scratch.first(4 * quarter), rest = scratch.subspan(4 * quarter);
    for (std::size_t i = 0; i < quarter; ++i) {
      const Ext<D> a = at(i), b = at(i + quarter) * s, c = at(i + 2 * quarter) * s2, d = at(i + 3 * quarter) * s3;
      const Ext<D> ac = a + c, bd = b + d, a_c = a - c;
      Ext<D> b_d = b - d;
      for (Fp& x : b_d.c) x = Fp(reduce128(static_cast<unsigned __int128>(x.v) << 48));
      out[i] = ac + bd;
      out[i + quarter] = a_c + b_d;
      out[i + 2 * quarter] = ac - bd;
      out[i + 3 * quarter] = a_c - b_d;
    }
    for (std::size_t j = 0; j < 4; ++j) split(out.subspan(j * quarter, quarter), log_m - 2, e + j * stride, classes[j], rest);
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
