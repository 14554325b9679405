// The table of lookup's kernels: one per instruction set and extension degree. Private to this room.
//
// Pointers are to blocks of ExtVec (8 lanes, limb by limb). Sums write D canonical words each; a summing call reads at most
// kChunk blocks of eq (late reduction). Rounds give their values at 0 and 2. What the tables mean: level_rounds.h, leaves.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse::crypto {

struct LookupKernels {
  using Word = std::uint64_t;
  static constexpr std::size_t kChunk = 512;

  // Kept levels. "Pairs" reads an input of `in` blocks as pairs of neighbouring lanes; when `in` is odd the missing last block
  // counts as zero.

  /// The sum of all lanes of all blocks.
  void (*sum)(const Word* t, std::size_t blocks, Word* sum);
  /// Parents of nodes t = (p0, p1, q0, q1), split again into even and odd ones.
  void (*parents)(Word* const* out, const Word* const* t, std::size_t in);
  /// t: p0, p1, q0, q1; p0 += lambda q0 in place, then over pairs the sums of eq (p0 q1 + p1 q0).
  void (*first_round)(const Word* eq, Word* const* t, std::size_t in, const Word* lambda, Word* sums);
  /// Folds the four tables by x to out, then sums of eq (p0 q1 + p1 q0) over pairs of the results.
  void (*fold_round)(Word* const* out, const Word* eq, const Word* const* t, std::size_t in, const Word* x, Word* sums);
  /// The same for two tables and eq t0 t1.
  void (*fold_pair_round)(Word* const* out, const Word* eq, const Word* const* t, std::size_t in, const Word* x, Word* sums);

  // Leaves: `blocks` blocks in natural order; real: a bit a leaf, its numerator (null: all one).

  /// Denominators q to nodes two levels up, split into even and odd ones. blocks: a multiple of 8.
  void (*grandparents)(Word* const* out, const Word* q, const std::uint8_t* real, std::size_t blocks);
  /// Y = lambda q + p to the level's sums of eq Y0 Y1, 4 blocks a block of eq.
  void (*leaf_round)(const Word* eq, const Word* y, std::size_t blocks, Word* sums);
  /// Y0, Y1 folded by x to out, then the next sums, 8 blocks a block of eq.
  void (*leaf_fold_round)(Word* const* out, const Word* eq, const Word* y, std::size_t blocks, const Word* x, Word* sums);
  /// The level above in the same Y: nodes a = Y0 Y1 - p0 p1, b = p0 Y1 + p1 Y0 - 2 p0 p1; sums of eq (a0 a1 - b0 b1), 8 blocks a
  /// block of eq.
  void (*node_round)(const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks, Word* sums);
  /// (a0, -b1, b0, a1) folded by x to out, then the next sums, 16 blocks a block of eq.
  void (*node_fold_round)(Word* const* out, const Word* eq, const Word* y, const std::uint8_t* real, std::size_t blocks,
                          const Word* x, Word* sums);
};

/// Integers of a tuple's columns: 2 or 4 bytes signed, 8 bytes canonical elements of F.
struct TupleColumns {
  static constexpr std::size_t kMax = 3;
  const void* data[kMax];
  unsigned bytes[kMax];
  std::size_t count;
};
/// base + sum_c weight[c] column[c]; `other` is what stands where no tuple is. D limbs each.
struct TupleMap {
  std::uint64_t base[3], other[3], weight[TupleColumns::kMax][3];
};
/// Values of n tuples, `other` behind them up to `blocks` blocks and where `real` (a bit a leaf; null: all ones) has no bit.
using CompressKernel = void (*)(std::uint64_t* out, std::size_t blocks, std::size_t n, const TupleColumns& columns,
                                const TupleMap& map, const std::uint8_t* real);

/// leaf_round of full tuples of one or two 16-bit columns, straight from them; null where the instruction set has no use for it.
/// base and weights: Y = base + sum_c weight[c] column[c].
using IntegerRoundKernel = void (*)(const std::uint64_t* eq, const TupleColumns& columns, const TupleMap& map, std::size_t blocks,
                                    std::uint64_t* sums);

namespace lanes_scalar {
extern const LookupKernels kLookup2, kLookup3;
extern const CompressKernel kCompress2, kCompress3;
extern const IntegerRoundKernel kIntegerRound2, kIntegerRound3;
}  // namespace lanes_scalar
namespace lanes_avx2 {
extern const LookupKernels kLookup2, kLookup3;
extern const CompressKernel kCompress2, kCompress3;
extern const IntegerRoundKernel kIntegerRound2, kIntegerRound3;
}  // namespace lanes_avx2
namespace lanes_avx512 {
extern const LookupKernels kLookup2, kLookup3;
extern const CompressKernel kCompress2, kCompress3;
extern const IntegerRoundKernel kIntegerRound2, kIntegerRound3;
}  // namespace lanes_avx512

/// Those for dsperse::kernel().
template <int D>
const LookupKernels& lookup_kernels();
template <int D>
CompressKernel compress_kernel();
template <int D>
IntegerRoundKernel integer_round_kernel();

}  // namespace dsperse::crypto
