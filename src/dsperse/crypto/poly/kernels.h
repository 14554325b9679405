// The table of poly's kernels: one per instruction set and extension degree. Private to this room.
//
// All pointers are to blocks of ExtVec (8 lanes, limb by limb, zero tails). "Pairs" reads an input of `in` blocks as pairs of
// neighbouring lanes; when `in` is odd the missing last block counts as zero. Sums write D canonical words. A call covers at
// most kChunk output blocks where it sums (late reduction); multilinear.cc cuts the work.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dsperse::crypto {

struct PolyKernels {
  using Word = std::uint64_t;
  static constexpr std::size_t kChunk = 512;      ///< blocks of a summing call
  static constexpr std::size_t kTile = 1024;      ///< columns of a rows call
  static constexpr std::size_t kRowGroup = 1024;  ///< rows of a rows call
  static constexpr std::size_t kWidth = 32;       ///< blocks of a contract call's vector

  /// hi = lo p, lo -= hi: one doubling of an eq table.
  void (*eq_double)(Word* lo, Word* hi, std::size_t blocks, const Word* p);
  /// t[i] += c x[i].
  void (*add_scaled)(Word* t, const Word* x, std::size_t blocks, const Word* c);
  /// out[i] = t[2i] + x (t[2i+1] - t[2i]); out may be t.
  void (*fold)(Word* out, const Word* t, std::size_t in, const Word* x);
  /// out[i] = t[2i] + t[2i+1]; out may be t.
  void (*sum_pairs)(Word* out, const Word* t, std::size_t in);
  /// sum a[i] b[i].
  void (*inner)(const Word* a, const Word* b, std::size_t blocks, Word* sum);
  /// The same for a in F: 8 words a block.
  void (*inner_base)(const Word* a, const Word* b, std::size_t blocks, Word* sum);
  /// out[i] = sum over j < 8 width of row[8 width i + j] eq[j], row in F, i < n (zero beyond n); width <= kWidth.
  void (*contract)(Word* out, const Word* row, std::size_t n, const Word* eq, std::size_t width);
  /// The same for rows of small signed integers.
  void (*contract_i16)(Word* out, const std::int16_t* row, std::size_t n, const Word* eq, std::size_t width);
  void (*contract_i32)(Word* out, const std::int32_t* row, std::size_t n, const Word* eq, std::size_t width);
  void (*contract_i64)(Word* out, const std::int64_t* row, std::size_t n, const Word* eq, std::size_t width);
  /// Pairs: sums of products at 0 and 2 (2 D words).
  void (*quadratic)(const Word* a, const Word* b, std::size_t in, Word* sums);
  /// fold of both in place (out_a may be a), then quadratic of the results.
  void (*fold_quadratic)(Word* out_a, Word* out_b, const Word* a, const Word* b, std::size_t in, const Word* x, Word* sums);
  /// out (blocks of `columns` lanes) += sum_i weights[i] rows[i][k]; columns <= kTile, n <= kRowGroup; weights: D words each.
  void (*rows_f)(Word* out, const Word* weights, const Word* const* rows, std::size_t n, std::size_t first, std::size_t columns);
  void (*rows_i16)(Word* out, const Word* weights, const std::int16_t* const* rows, std::size_t n, std::size_t first,
                   std::size_t columns);
  void (*rows_i32)(Word* out, const Word* weights, const std::int32_t* const* rows, std::size_t n, std::size_t first,
                   std::size_t columns);
  void (*rows_i64)(Word* out, const Word* weights, const std::int64_t* const* rows, std::size_t n, std::size_t first,
                   std::size_t columns);
};

namespace lanes_scalar {
extern const PolyKernels kPoly2, kPoly3;
}
namespace lanes_avx2 {
extern const PolyKernels kPoly2, kPoly3;
}
namespace lanes_avx512 {
extern const PolyKernels kPoly2, kPoly3;
}

}  // namespace dsperse::crypto
