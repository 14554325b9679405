// What a slice's constraints need of lookups and tables, counted from its Program for any choice of limbs and tables.
//
// Follows docs/protocol/operators.md exactly: proof/choose_options_test.cc holds the counts against ops::constrain. Cheap, so
// that choices are compared by their counts. Not here: what a count costs (proof/choose_options.h, slice/cost.h).
#pragma once

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
  std::uint64_t wide_rows = 1U << 14;  ///< activation tables up to this many rows are wide, otherwise saturating
  friend bool operator==(const LookupOptions&, const LookupOptions&) = default;
};
inline constexpr std::uint32_t kMaxLimbBits = 16;

struct LookupCounts {
  std::uint64_t lookups = 0;  ///< elements that are looked up
  std::uint64_t leaves = 0;   ///< the same, every axis of every lookup filled up to a power of two
  std::uint64_t rows = 0;     ///< of all tables; each has a committed multiplicity
  std::uint64_t symbols = 0;  ///< committed limbs, offsets and rises
};

class LookupTally {
 public:
  /// The program must have passed check_program.
  explicit LookupTally(const Program& program) : program_(program) {}
  void add(const Op& op);
  /// A committed input: its range is checked.
  void add_range(TensorId tensor);

  [[nodiscard]] LookupCounts counts(const LookupOptions& options) const;
  /// Every choice whose counts may differ from the others'.
  [[nodiscard]] std::vector<LookupOptions> choices() const;

 private:
  struct Sites {
    std::uint64_t elements = 0, leaves = 0;
    void add(const Shape& shape, std::uint64_t times = 1);
  };
  /// Requantizations that share an activation table.
  struct Group {
    std::int64_t v_max = 0, c = 0;
    Sites sites;
    [[nodiscard]] std::uint64_t wide() const { return 2 * static_cast<std::uint64_t>(v_max) + 1; }
    [[nodiscard]] std::uint64_t saturating() const { return 4 * static_cast<std::uint64_t>(c); }
    [[nodiscard]] std::uint64_t offsets() const { return 2 * static_cast<std::uint64_t>((v_max + c - 1) / c) + 1; }
  };
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

  const Program& program_;
  struct ByValues {
    bool operator()(const std::vector<std::int32_t>* a, const std::vector<std::int32_t>* b) const { return *a < *b; }
  };
  std::map<const std::vector<std::int32_t>*, std::int64_t, ByValues> tables_;  ///< values lie in the program
  std::map<GroupKey, Group> groups_;
  std::map<std::int32_t, Sites> longest_;                   ///< longest shift of an op -> its sites
  std::set<std::pair<std::int32_t, std::int32_t>> shifts_;  ///< (shift of a channel, longest of its op)
  std::set<std::pair<std::int64_t, std::int64_t>> ranges_;
  std::set<std::int64_t> rises_;
  std::set<std::int64_t> stairs_, depths_;
  std::set<ExpTable> exps_;
  Sites other_;  ///< lookups that no choice changes
  std::uint64_t other_symbols_ = 0;
};

}  // namespace dsperse::quantize
