// The NTT of tiles: evaluation of 8 polynomials at once (lane = row) on one coset, by splitting modulo x^m - s.
//
// A block holds polynomials modulo x^M - g^M. Radix R splits it into R blocks modulo x^(M/R) - (g w_R^i)^(M/R): multiply the k-th
// part by g^k' (one constant a block, g' = g^(M/R)), then an R-point DFT whose roots are powers of two: shifts. So cosets cost
// nothing, there is no bit reversal, and a coset ends with one evaluation a position. With at most four cosets the constants of
// the first pass are a factor that all cosets share, multiplied into the tile once, and a power of two. Blocks are finished depth
// first, so the last passes and the column hash work in the first-level cache.
#include <utility>

#include "dsperse/crypto/commit/column_kernel.h"
#include "dsperse/crypto/commit/kernels.h"
#include "dsperse/crypto/field/packed.h"

namespace dsperse::crypto::DSPERSE_LANES {
namespace {

/// x 2^(12 E): 2^12 has order 16.
template <unsigned E>
DSPERSE_INLINE Reg twist(Reg x) {
  return times_power_of_two<12 * (E % 16)>(x);
}

DSPERSE_INLINE void dft2(Reg& a, Reg& b) {
  const Reg sum = a + b;
  b = a - b;
  a = sum;
}
DSPERSE_INLINE void dft4(Reg& a, Reg& b, Reg& c, Reg& d) {
  const Reg s0 = a + c, d0 = a - c, s1 = b + d, d1 = twist<4>(b - d);
  a = s0 + s1;
  c = s0 - s1;
  b = d0 + d1;
  d = d0 - d1;
}
/// x[i] <- sum_k x[k] w^(i k), w = 2^(192 / R), R = 2^L.
template <unsigned L>
DSPERSE_INLINE void dft(Reg* x) {
  if constexpr (L == 1) {
    dft2(x[0], x[1]);
  } else if constexpr (L == 2) {
    dft4(x[0], x[1], x[2], x[3]);
  } else if constexpr (L == 3) {
    dft4(x[0], x[2], x[4], x[6]);
    dft4(x[1], x[3], x[5], x[7]);
    Reg low[4] = {x[0], x[2], x[4], x[6]}, high[4] = {x[1], twist<2>(x[3]), twist<4>(x[5]), twist<6>(x[7])};
    for (int i = 0; i < 4; ++i) {
      x[i] = low[i] + high[i];
      x[i + 4] = low[i] - high[i];
    }
  } else {
    for (int k = 0; k < 4; ++k) dft4(x[k], x[4 + k], x[8 + k], x[12 + k]);
    x[5] = twist<1>(x[5]);
    x[6] = twist<2>(x[6]);
    x[7] = twist<3>(x[7]);
    x[9] = twist<2>(x[9]);
    x[10] = twist<4>(x[10]);
    x[11] = twist<6>(x[11]);
    x[13] = twist<3>(x[13]);
    x[14] = twist<6>(x[14]);
    x[15] = twist<9>(x[15]);
    // Row i0 of the 4 x 4 square becomes outputs i0 + 4 i1.
    Reg y[16];
    for (int i = 0; i < 4; ++i) {
      dft4(x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3]);
      for (int j = 0; j < 4; ++j) y[i + 4 * j] = x[4 * i + j];
    }
    for (int i = 0; i < 16; ++i) x[i] = y[i];
  }
}

/// Factors of the parts of a block: constants 1 ... R - 1 in memory.
struct Twiddles {
  const std::uint64_t* constants;
  template <std::size_t K>
  DSPERSE_INLINE Reg times(Reg x) const {
    if constexpr (K == 0) return x;
    return x * broadcast_reg(constants[K - 1]);
  }
};
/// The same for the first pass on a scaled tile and coset E of four: part K times w_(4 R)^(E K).
template <unsigned L, unsigned E>
struct CosetTwist {
  static constexpr unsigned kStep = 3 * kRootPower * (16U >> L) * E;  ///< exponent of 2
  template <std::size_t K>
  DSPERSE_INLINE static Reg times(Reg x) {
    return times_power_of_two<kStep * K % 192>(x);
  }
};

/// One block of R m positions: from the words of `source(position)` to `out`, as many lanes at a time as a register has.
template <unsigned L, class Twist, class Source>
DSPERSE_INLINE void split_block(std::uint64_t* out, std::size_t m, const Twist& twist, Source source) {
  constexpr std::size_t kRadix = std::size_t{1} << L;
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t lane = 0; lane < kTileRows; lane += kRegLanes) {
      Reg x[kRadix];
      [&]<std::size_t... K>(std::index_sequence<K...>) __attribute__((always_inline)) {
        ((x[K] = twist.template times<K>(load_reg(source(K * m + j) + lane))), ...);
      }(std::make_index_sequence<kRadix>());
      dft<L>(x);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kRadix; ++i) store(out + kTileRows * (i * m + j) + lane, x[kRootPower * i % kRadix]);
    }
  }
}
/// `blocks` neighbouring blocks in place.
template <unsigned L>
void split_in_place(std::uint64_t* data, std::size_t m, std::size_t blocks, const std::uint64_t* twiddles) {
  constexpr std::size_t kRadix = std::size_t{1} << L;
  for (std::size_t b = 0; b < blocks; ++b) {
    std::uint64_t* const block = data + b * kRadix * m * kTileRows;
    split_block<L>(block, m, Twiddles{twiddles + b * (kRadix - 1)}, [&](std::size_t j) { return block + kTileRows * j; });
  }
}
struct Work {
  const EncodeTables& tables;
  std::size_t coset;
  const BlockHash* hash;
};

/// Pass `pass` on `count` neighbouring blocks from number `first` of all `all`, each of radix m positions.
void run_pass(const Work& work, unsigned pass, std::size_t first, std::size_t all, std::size_t count, std::size_t m,
              std::uint64_t* data) {
  const EncodeTables& t = work.tables;
  const std::size_t radix = std::size_t{1} << t.log_radix[pass];
  const std::uint64_t* const twiddles = t.twiddles[pass] + (work.coset * all + first) * (radix - 1);
  switch (t.log_radix[pass]) {
    case 1:
      return split_in_place<1>(data, m, count, twiddles);
    case 2:
      return split_in_place<2>(data, m, count, twiddles);
    case 3:
      return split_in_place<3>(data, m, count, twiddles);
    default:
      return split_in_place<4>(data, m, count, twiddles);
  }
}

/// Passes p ... on block b of pass p (length positions at data), then the hash of its positions.
void finish(const Work& work, unsigned p, std::size_t b, std::size_t length, std::size_t blocks, std::uint64_t* data,
            std::uint32_t* cvs) {
  const EncodeTables& t = work.tables;
  constexpr std::size_t kInCache = 256;  // positions: 16 KB
  if (p < t.passes && length > kInCache) {
    const std::size_t radix = std::size_t{1} << t.log_radix[p], m = length / radix;
    run_pass(work, p, b, blocks, 1, m, data);
    for (std::size_t i = 0; i < radix; ++i)
      finish(work, p + 1, b * radix + i, m, blocks * radix, data + i * m * kTileRows,
             cvs == nullptr ? nullptr : cvs + i * m / kGroup * kGroupWords);
    return;
  }
  for (std::size_t inner = 1, m = length; p < t.passes; ++p) {
    const std::size_t radix = std::size_t{1} << t.log_radix[p];
    m /= radix;
    run_pass(work, p, b * inner, blocks * inner, inner, m, data);
    inner *= radix;
  }
  if (work.hash != nullptr) hash_groups(data, length / kGroup, *work.hash, cvs);
}

/// Positions that are wanted, relative to a block: [begin, end) minus `origin`.
struct Wanted {
  const std::uint32_t *begin, *end;
  std::size_t origin;
};
/// Passes p ... on the blocks that hold a wanted position.
void finish_at(const Work& work, unsigned p, std::size_t b, std::size_t length, std::size_t blocks, std::uint64_t* data,
               Wanted wanted) {
  const EncodeTables& t = work.tables;
  if (p >= t.passes || wanted.begin == wanted.end) return;
  const std::size_t radix = std::size_t{1} << t.log_radix[p], m = length / radix;
  run_pass(work, p, b, blocks, 1, m, data);
  for (std::size_t i = 0; i < radix; ++i) {
    const std::size_t origin = wanted.origin + i * m;
    const std::uint32_t* end = wanted.begin;
    while (end != wanted.end && *end < origin + m) ++end;
    finish_at(work, p + 1, b * radix + i, m, blocks * radix, data + i * m * kTileRows, {wanted.begin, end, origin});
    wanted.begin = end;
  }
}

/// Coefficients from kd on fold onto the first ones, x^kd being a constant on a coset: times(x) multiplies by it. Returns how
/// many words of out are written.
template <class Times>
DSPERSE_INLINE std::size_t fold_pads(const EncodeTables& t, const std::uint64_t* tile, std::uint64_t* out, Times times) {
  const std::size_t folded = t.k - t.kd < t.kd ? t.k - t.kd : t.kd;
  for (std::size_t j = 0; j < folded; ++j) {
    std::size_t last = j + (t.k - 1 - j) / t.kd * t.kd;
    F8 sum = load(tile + kTileRows * last);
    for (; last > j; last -= t.kd) sum = times(sum) + load(tile + kTileRows * (last - t.kd));
    store(out + kTileRows * j, sum);
  }
  return folded;
}
/// The first pass: coefficients below `folded` are already in out, the others in the tile.
template <unsigned L>
void split_first(const EncodeTables& t, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out) {
  const F8 s = broadcast(t.fold[coset]);
  const std::size_t folded = fold_pads(t, tile, out, [&](F8 x) { return x * s; });
  const Twiddles twiddles{t.twiddles[0] + coset * ((std::size_t{1} << L) - 1)};
  split_block<L>(out, t.kd >> L, twiddles, [&](std::size_t j) { return (j < folded ? out : tile) + kTileRows * j; });
}
/// The same on a scaled tile.
template <unsigned L, unsigned E>
void split_scaled(const EncodeTables& t, const std::uint64_t* tile, std::uint64_t* out) {
  using Twist = CosetTwist<L, E>;
  const std::size_t folded = fold_pads(t, tile, out, [](F8 x) { return times_power_of_two<(Twist::kStep << L) % 192>(x); });
  split_block<L>(out, t.kd >> L, Twist{}, [&](std::size_t j) { return (j < folded ? out : tile) + kTileRows * j; });
}
template <unsigned L>
void run_first(const EncodeTables& t, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out) {
  if (t.scale == nullptr) return split_first<L>(t, coset, tile, out);
  switch (coset * 4 / t.cosets) {
    case 0:
      return split_scaled<L, 0>(t, tile, out);
    case 1:
      return split_scaled<L, 1>(t, tile, out);
    case 2:
      return split_scaled<L, 2>(t, tile, out);
    default:
      return split_scaled<L, 3>(t, tile, out);
  }
}

/// Folds the coefficients from kd on and does the first pass; returns the length of its blocks (kd if there is no pass).
std::size_t first_pass(const EncodeTables& t, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out) {
  if (t.passes == 0) {
    const F8 s = broadcast(t.fold[coset]);
    if (fold_pads(t, tile, out, [&](F8 x) { return x * s; }) == 0) store(out, load(tile));
    return t.kd;
  }
  switch (t.log_radix[0]) {
    case 1:
      run_first<1>(t, coset, tile, out);
      break;
    case 2:
      run_first<2>(t, coset, tile, out);
      break;
    case 3:
      run_first<3>(t, coset, tile, out);
      break;
    default:
      run_first<4>(t, coset, tile, out);
      break;
  }
  return t.kd >> t.log_radix[0];
}

void scale(const EncodeTables& t, std::uint64_t* tile) {
  if (t.scale == nullptr) return;
  const std::size_t m = t.kd >> t.log_radix[0];
  for (std::size_t part = 1, at = m; at < t.k; ++part, at += m) {
    const F8 factor = broadcast(t.scale[part]);
    const std::size_t end = at + m < t.k ? at + m : t.k;
    for (std::size_t j = at; j < end; ++j) store(tile + kTileRows * j, load(tile + kTileRows * j) * factor);
  }
}

void encode(const EncodeTables& t, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out, const BlockHash* hash,
            std::uint32_t* cvs) {
  const std::size_t m = first_pass(t, coset, tile, out);
  if (t.passes == 0) return;
  const Work work{t, coset, hash};
  const std::size_t radix = t.kd / m;
  // Blocks below 16 positions can't be hashed on their own: then the whole coset is one unit.
  if (m < kGroup) return finish(work, 1, 0, t.kd, 1, out, cvs);
  for (std::size_t i = 0; i < radix; ++i)
    finish(work, 1, i, m, radix, out + i * m * kTileRows, cvs == nullptr ? nullptr : cvs + i * m / kGroup * kGroupWords);
}

void encode_at(const EncodeTables& t, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out,
               const std::uint32_t* positions, std::size_t count) {
  if (count == 0) return;
  const std::size_t m = first_pass(t, coset, tile, out);
  const Work work{t, coset, nullptr};
  for (std::size_t i = 0; i < t.kd / m; ++i) {
    const std::uint32_t* end = positions;
    while (count != 0 && *end < (i + 1) * m) ++end, --count;
    finish_at(work, 1, i, m, t.kd / m, out + i * m * kTileRows, {positions, end, i * m});
    positions = end;
  }
}

}  // namespace

extern const CommitKernels kCommitKernels;
const CommitKernels kCommitKernels{load_tile, scale, encode, encode_at, hash_groups, salt_groups, merge_groups, scatter_groups};

}  // namespace dsperse::crypto::DSPERSE_LANES
