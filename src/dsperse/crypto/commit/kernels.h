// The hot loops of a commitment as a table of functions, one table per instruction set; tree.cc drives them.
//
// Positions are the order in which the NTT leaves evaluations; plan.h maps them to columns. Matrices are tiles of 8 rows:
// word [position][lane]. Chaining values of 16 neighbouring positions (a group) lie word by word: [group][8][16].
// Compiled from encode_kernel.cc and column_kernel.cc; plain structs only, nothing here may be instantiated per instruction set.
// Tested by crypto/commit/tree_test.cc on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dsperse/base/cpu.h"
#include "dsperse/crypto/field/symbols.h"

namespace dsperse::crypto {

inline constexpr std::size_t kTileRows = 8;      ///< rows of a tile, one a lane
inline constexpr std::size_t kGroup = 16;        ///< positions hashed together
inline constexpr std::size_t kGroupWords = 128;  ///< 32-bit words of a group's chaining values
inline constexpr unsigned kMaxPasses = 10;
inline constexpr unsigned kRootPower = 13;  ///< w_64 = 2^(3 kRootPower), asserted in plan.h

/// What the NTT of one code needs; owned by EncodePlan (plan.h).
struct EncodeTables {
  std::size_t kd = 0;      ///< block length, a power of two: the data symbols of a row or more
  std::size_t k = 0;       ///< coefficients of a row, filled up with zeros to a block
  std::size_t cosets = 0;  ///< n / kd
  unsigned passes = 0;
  unsigned log_radix[kMaxPasses] = {};
  /// Pass p splits blocks of kd / (radices before): for block b of coset e, constants 1 ... radix - 1 at
  /// twiddles[p][(e * blocks + b) * (radix - 1)].
  const std::uint64_t* twiddles[kMaxPasses] = {};
  const std::uint64_t* fold = nullptr;  ///< per coset: the value of x^kd there
  /// If there is a pass and at most four cosets: for part i of the first pass, coefficients [i m, (i + 1) m) with m = kd / radix,
  /// pads included, the factor 7^(i m). Scaled by it once, the parts differ from coset to coset by powers of two alone.
  const std::uint64_t* scale = nullptr;
  const std::uint32_t* columns = nullptr;  ///< per position: its column
};

/// One block of every column: BLAKE3 parameters. `start` takes the key as chaining value.
struct BlockHash {
  const std::uint32_t* key = nullptr;  ///< 8 words
  std::uint64_t counter = 0;           ///< chunk
  std::uint32_t flags = 0;
  bool start = false;
};

/// A row as the kernels read it: data symbols, pads. Without data it is zero.
struct TileRow {
  const void* data = nullptr;
  Width width = Width::field;
  const std::uint64_t* pads = nullptr;
};

struct CommitKernels {
  /// tile[j][i] = symbol j of row i for j < kd, pad j - kd for the next r.
  void (*load_tile)(const TileRow* rows, std::size_t kd, std::size_t r, std::uint64_t* tile);
  /// Multiplies the parts of a tile (coefficients [k][8]) by tables.scale, if there is such; encode wants them so.
  void (*scale)(const EncodeTables& tables, std::uint64_t* tile);
  /// Evaluates the tile's 8 polynomials (coefficients [k][8], scaled) on one coset: out [kd][8]. If hash is given (kd >= 16),
  /// also absorbs each position's 64 bytes into its chaining value: cvs of the coset's kd / 16 groups.
  void (*encode)(const EncodeTables& tables, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out,
                 const BlockHash* hash, std::uint32_t* cvs);
  /// The same at these positions of the coset alone (ascending); words of other positions are undefined.
  void (*encode_at)(const EncodeTables& tables, std::size_t coset, const std::uint64_t* tile, std::uint64_t* out,
                    const std::uint32_t* positions, std::size_t count);
  /// Absorbs one block a position: data [16 groups][8] words.
  void (*hash)(const std::uint64_t* data, std::size_t groups, const BlockHash& hash, std::uint32_t* cvs);
  /// The first block of every column: salt (SeedStream block number columns[position] of the stream with this key) and row count.
  void (*salt)(const std::uint32_t* columns, std::size_t groups, const std::uint32_t* stream_key, std::uint64_t rows,
               const BlockHash& hash, std::uint32_t* cvs);
  /// out = parent of left and right, position by position; out may be left.
  void (*merge)(const std::uint32_t* left, const std::uint32_t* right, std::size_t groups, const BlockHash& hash,
                std::uint32_t* out);
  /// Writes each position's chaining value (32 bytes) to digests + 32 columns[position].
  void (*scatter)(const std::uint32_t* cvs, std::size_t groups, const std::uint32_t* columns, std::uint8_t* digests);
};

const CommitKernels& commit_kernels(Kernel level);

}  // namespace dsperse::crypto
