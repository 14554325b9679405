// What a slice's constraints need of lookups and tables, counted from its Program for any choice of limbs and tables.
//
// Follows docs/protocol/operators.md exactly: proof/choose_options_test.cc holds the counts against ops::constrain. Cheap, so
// that choices are compared by their counts. Not here: what a count costs (proof/choose_options.h, slice/cost.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// Choices of the compiler that shape the constraints of a slice (part of its key).
struct LookupOptions {
  std::uint32_t limb_bits = 8;         ///< remainders longer than this are split into limbs of at most this many bits
  std::uint64_t wide_rows = 1U << 14;  ///< an op whose sums fit a table of this many rows needs no offset
  std::uint32_t top_bits = 4;          ///< otherwise that many bits of a remainder share a number with the offset
  std::uint32_t far_bits = 8;          ///< offsets are 2^far_bits apart, as long is each of the table's outer blocks
  bool split_ranges = false;           ///< ranges of committed inputs are looked up in parts, not in a table as long as they
  friend bool operator==(const LookupOptions&, const LookupOptions&) = default;
};
/// Most rows of all tables of a slice.
inline constexpr std::uint64_t kMaxTableRows = std::uint64_t{1} << 20;
inline constexpr std::uint32_t kMaxLimbBits = 16, kMaxTopBits = 16, kMaxFarBits = 20;

/// How the range [lo, hi] of a committed input is looked up: x itself, or x - lo, and hi - x unless every number of these bits
/// is in the range, each in limbs of its `shift` low bits and a table of the others.
struct RangeParts {
  RangeParts(std::int64_t lo, std::int64_t hi, const LookupOptions& options);
  unsigned bits = 0;       ///< of hi - lo
  std::int32_t shift = 0;  ///< 0: x is looked up itself
  std::uint64_t sides = 1;
  std::pair<std::int64_t, std::int64_t> table;
};

struct LookupCounts {
  std::uint64_t lookups = 0;  ///< elements that are looked up
  std::uint64_t leaves = 0;   ///< the same, every axis of every lookup filled up to a power of two
  std::uint64_t rows = 0;     ///< of all tables; each has a committed multiplicity
  std::uint64_t symbols = 0;  ///< committed limbs, tops and rises
};

class LookupTally {
 public:
  /// The program must have passed check_program.
  explicit LookupTally(const Program& program) : program_(program) {}
  void add(const Op& op);
  /// A committed input: its range is checked.
  void add_range(TensorId tensor);

  [[nodiscard]] LookupCounts counts(const LookupOptions& options) const;
  /// Choices worth a comparison: all that may be best of a layer or two, a short list of those of many layers.
  [[nodiscard]] std::vector<LookupOptions> choices() const;

 private:
  struct Sites {
    std::uint64_t elements = 0, leaves = 0;
    void add(const Shape& shape, std::uint64_t times = 1);
  };
  /// Numbers of bits, the largest kMaxShift: bit k stands for k.
  using Widths = std::uint64_t;
  /// Numbers that are cut into limbs.
  struct Remainders {
    struct Op {
      std::int32_t most = 0;  ///< bits of its longest channel
      Sites sites;
      Widths bits = 0;  ///< of all channels
    };
    std::vector<Op> ops;  ///< those of equal `most` as one
    void add(const std::vector<std::int32_t>& shifts, const Shape& site);
    /// Adds limbs of all bits but the `top` highest to the counts, and their widths.
    void count(std::int32_t top, std::int32_t limb_bits, LookupCounts& out, Widths& widths) const;
  };
  /// Requantizations that share an activation table.
  struct Part {
    Sites sites;
    Remainders remainders;
  };
  struct Group {
    std::int64_t c = 0;
    std::map<std::int64_t, Part> parts;  ///< by the largest |v| of an op
    /// Whether the table holds every v of such an op, so that it needs no offset.
    [[nodiscard]] bool near(std::int64_t v_max, std::uint64_t wide_rows) const {
      return 2 * static_cast<std::uint64_t>(v_max) + 1 <=
             std::max(std::min(wide_rows, kMaxTableRows), 4 * static_cast<std::uint64_t>(c));
    }
    /// Sizes of the table and of that of tops.
    struct Extent {
      std::int64_t middle = 0, v_max = 0;
      Widths tops = 0;
      [[nodiscard]] std::uint64_t rows(std::uint32_t far_bits) const;
    };
    [[nodiscard]] Extent extent(std::uint64_t wide_rows, std::uint32_t top_bits) const;
  };
  static void add(LookupCounts& out, const Sites& sites, std::uint64_t lookups, std::uint64_t symbols);
  using GroupKey = std::array<std::int64_t, 9>;

  /// A number for the values of a written-out table, equal for equal ones.
  std::int64_t table_number(const Activation& activation);
  void add_requantization(const Op& op, const Requant& requant, const Shape& site);
  void add_maximum(const MaxPool& op);
  // Ops over rows: lookup_tally_rows.cc.
  void add_row_op(const Extreme& op);
  void add_row_op(const Softmax& op);
  void add_row_op(const Normalize& op);
  void add_row_op(const Divide& op);
  void add_row_op(const OneHot& op);
  void add_parts(const Op& op);
  /// Lookups of a value in [0, 2^bits) at every element of a site.
  void add_bits(unsigned bits, const Shape& site);
  struct ExpTable {
    bool masked = false;
    std::int64_t rows = 0;
    const std::vector<std::int32_t>* values = nullptr;
    bool operator<(const ExpTable& o) const {
      return masked != o.masked ? o.masked : rows != o.rows ? rows < o.rows : *values < *o.values;
    }
  };

  /// The same with the far_bits that make the fewest rows.
  [[nodiscard]] LookupOptions with_far_bits(LookupOptions options) const;

  const Program& program_;
  struct ByValues {
    bool operator()(const std::vector<std::int32_t>* a, const std::vector<std::int32_t>* b) const { return *a < *b; }
  };
  std::map<const std::vector<std::int32_t>*, std::int64_t, ByValues> tables_;  ///< values lie in the program
  std::map<GroupKey, Group> groups_;
  Remainders ranges_in_limbs_;  ///< of ops over rows
  std::set<std::pair<std::int64_t, std::int64_t>> ranges_;
  std::map<std::pair<std::int64_t, std::int64_t>, Sites> inputs_;  ///< committed inputs by their ranges
  std::set<std::int64_t> rises_;
  std::set<std::int64_t> stairs_, depths_;
  std::set<ExpTable> exps_;
  Sites other_;  ///< lookups that no choice changes
  std::uint64_t other_symbols_ = 0;
};

}  // namespace dsperse::quantize
