// A slice as constraints: lookups, identities and bilinear products over its tensors. Data only; no values, no challenges.
//
// Letters name the loop variables of a site or product; a View says how letters address a tensor. Transposition, slicing,
// stride, padding, dilation and groups are all views: they cost no message. Built by ops/, read by schedule.h (both parties),
// witness.h (prover) and proof/ (layout, digest). Source: docs/protocol/relations.md. Tested by ops/ops_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/crypto/field/goldilocks.h"
#include "dsperse/quantize/lookup_tally.h"
#include "dsperse/quantize/program.h"
#include "dsperse/quantize/rows.h"

namespace dsperse::relation {

using crypto::Fp;
using quantize::AxisMap;
using quantize::Shape;

/// Columns of the widest table; all tuples are compressed with this many powers.
inline constexpr std::size_t kMaxWidth = 3;
/// Most rows of all tables of a slice, and most lookups and rows (soundness budget of the 100-bit profile).
inline constexpr std::uint64_t kMaxTableRows = quantize::kMaxTableRows;
inline constexpr std::uint64_t kMaxLookups = std::uint64_t{1} << 25;

enum class Kind : std::uint8_t {
  weight,        ///< index: WeightId
  value,         ///< index: TensorId of the program
  limb,          ///< index: requantization, step: limb of its remainder
  top,           ///< index: requantization; the remainder's highest bits and the offset of saturation in one number
  digit,         ///< index: WeightId; step: 2 * limb + side; limb of max_abs + w (side 0) or max_abs - w (side 1)
  relu,          ///< index: lookup whose first column it is the positive part of
  multiplicity,  ///< index: table
  row,           ///< index: row op; step: its part (quantize/rows.h)
};

/// Bits of a digit of a wide weight's range proof.
inline constexpr unsigned kDigitBits = 14;

struct Tensor {
  std::string name;
  Shape shape;
  Kind kind = Kind::value;
  std::uint32_t index = 0, step = 0;
};
using TensorRef = std::uint32_t;  ///< index into Relation::tensors

/// axes: a refinement of the tensor's flat index (their product is its element count); maps: one per axis. A letter occurs in
/// at most one axis. Outside of an axis the tensor counts as zero.
struct View {
  Shape axes;
  std::vector<AxisMap> maps;
};

/// Factor that depends on one letter of the site.
struct Scale {
  std::uint32_t letter = 0;
  std::vector<Fp> values;
};

/// scalar * scales * (1 | tensor[view] | product), at each element of a site. extra: sizes of letters after the site's, summed.
/// A constant with a view is one where the view is in range, else zero.
struct Term {
  enum class Of : std::uint8_t { constant, tensor, product };
  Of of = Of::constant;
  std::uint32_t id = 0;
  Fp scalar{1};
  View view;  ///< of a tensor; products are read at the site's own letters
  Shape extra;
  std::vector<Scale> scales;
};
using Terms = std::vector<Term>;  ///< a sum

/// The tuple (columns...) is a row of the table at every element of the site.
struct Lookup {
  std::string id;
  Shape shape;
  std::uint32_t table = 0;
  std::vector<Terms> columns;
};

/// The sum of the terms is zero at every element of the site.
struct Identity {
  std::string id;
  Shape shape;
  Terms terms;
};

/// Virtual tensor: out[maps(letters)] = sum over the other letters of a[view] b[view].
struct Product {
  struct Factor {
    TensorRef tensor = 0;
    View view;
  };
  std::string id;
  Shape letters;
  Shape shape;  ///< of the virtual tensor
  std::vector<AxisMap> out;
  Factor a, b;
};

/// Public rows. Segments say where a row is: tuples whose column `key` lies in [lo, hi) and whose column 0 is `first` (if key
/// is not 0) are rows base, base + 1, ...
struct Table {
  struct Segment {
    std::int64_t first = 0, lo = 0, hi = 0;
    std::uint32_t base = 0;
  };
  std::string name;
  std::uint32_t width = 1, key = 0;
  std::vector<std::array<Fp, kMaxWidth>> rows;
  std::vector<Segment> segments;  ///< ascending by (first, lo)

  /// Row of the tuple (missing columns zero), if any.
  [[nodiscard]] std::optional<std::uint32_t> find(const std::array<Fp, kMaxWidth>& tuple) const;
};

inline constexpr std::uint32_t kNoOp = UINT32_MAX;

/// y = activation(clamp((acc + half - r) 2^-s)): what the witness needs to fill limbs and tops.
struct Requantization {
  std::uint32_t op = 0;              ///< kNoOp: the range of an input
  Shape shape;                       ///< site; shifts belong to its last axis
  Terms acc;                         ///< integer units
  std::vector<std::int32_t> shifts;  ///< per entry of the last axis
  std::uint32_t limb_bits = 0, top_bits = 0;
  std::int64_t v_max = 0, middle = 0, block = 0;  ///< where v may be far beyond the clamp: saturation() in rounding.h; else 0
  std::uint32_t activation = 0;                   ///< the lookup whose first column is v, or v plus its offset
};

/// Choices of the compiler that shape the constraints of a slice (part of its key).
using Options = quantize::LookupOptions;

/// Tensors: the program's weights by WeightId, its tensors by TensorId, auxiliary ones, multiplicities by table.
struct Relation {
  std::vector<Tensor> tensors;
  std::vector<Table> tables;
  std::vector<Lookup> lookups;
  std::vector<Identity> identities;
  std::vector<Product> products;
  std::vector<Requantization> requantizations;
  std::vector<quantize::RowParts> row_ops;  ///< what the witness needs to fill their parts
  std::vector<std::int64_t> weight_bounds;  ///< by WeightId; set where digits are in use

  /// All constraint ids, each once.
  [[nodiscard]] std::vector<std::string> constraint_ids() const;
  /// Lookup elements plus table rows.
  [[nodiscard]] std::uint64_t lookup_size() const;
};

/// Variables of an axis of n entries: ceil(log2 n).
constexpr unsigned bits_for(std::uint64_t n) {
  unsigned k = 0;
  while ((std::uint64_t{1} << k) < n) ++k;
  return k;
}

/// The tensor that holds a program's tensor; those that hold the parts of a row op, in order.
TensorRef value_ref(const Relation& relation, quantize::TensorId id);
std::vector<TensorRef> row_parts(const Relation& relation, std::uint32_t row_op);

/// Columns that are a row of the lookup's table everywhere: what is looked up instead of the lookup's own columns where a test
/// has disarmed "constraint <id>" (base/rule.h), on both sides, so that nothing of the proof's shape changes.
std::vector<Terms> columns_of_a_row(const Relation& relation, const Lookup& lookup);

/// View that reads letter k at axis k.
View identity_view(const Shape& axes);
/// index = offset + coef * letter.
AxisMap axis(std::uint32_t letter, std::int64_t coef = 1, std::int64_t offset = 0);

/// Where each lookup's elements lie in the leaf cube: blocks of 2^vars leaves, larger first, site axes padded one by one.
struct LeafBlock {
  std::uint32_t lookup = 0;
  unsigned vars = 0;
  std::uint64_t offset = 0;
};
struct LeafCube {
  std::vector<LeafBlock> blocks;
  unsigned vars = 0;
};
LeafCube leaf_cube(const Relation& relation);

}  // namespace dsperse::relation
