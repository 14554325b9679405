// What a stretch of ops makes a proof handle, counted exactly: lookups, leaves, tables, committed symbols by tree, values.
//
// The counts follow docs/protocol/operators.md and the ops' constraints (cost_test.cc holds them against ops::constrain). Not
// here: what they cost (cost.h). Tested by slice/cost_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "dsperse/quantize/lookup_tally.h"
#include "dsperse/quantize/program.h"

namespace dsperse::slice {

/// Of one slice. Boundaries are committed tensors that other slices write or read; public tensors are neither committed nor
/// range-checked.
struct Counts {
  std::uint64_t ops = 0, macs = 0;
  /// Element products of the folds of products' factors: each input once per kernel row, each weight once.
  std::uint64_t folds = 0;
  std::uint64_t lookups = 0;       ///< elements that are looked up
  std::uint64_t table_rows = 0;    ///< of all tables; each has a multiplicity
  std::uint64_t leaves = 0;        ///< of the leaf cube: site axes padded one by one, then the sum, to powers of two
  std::uint64_t filled = 0;        ///< of those up to the last lookup; the prover keeps nothing for the rest
  std::uint64_t accumulators = 0;  ///< sums of products
  std::uint64_t largest = 0;       ///< elements of the largest op output: scratch of many steps
  std::uint64_t auxiliary = 0;     ///< limbs, offsets, rises
  std::uint64_t rounds = 0;        ///< of the sumchecks of products
  std::uint64_t values = 0;        ///< elements of all tensors that the slice reads or makes
  std::uint64_t public_values = 0;

  std::uint64_t weights = 0, weight_bytes = 0, largest_weight = 0;  ///< bytes as they are stored: two or eight each
  std::uint64_t digits = 0;                                         ///< of wide weights' range proofs, committed there
  std::uint64_t range_lookups = 0, range_rows = 0, range_leaves = 0, range_filled = 0;
  std::uint64_t range_flat = 0;  ///< weights that lie in padded runs: their range proof's claims have an entry an element

  std::uint64_t witness = 0;                    ///< symbols of the witness tree: inner tensors, auxiliary, multiplicities
  std::uint64_t read = 0, written = 0;          ///< symbols of boundaries
  std::uint32_t boundaries = 0;                 ///< trees of them
  std::uint64_t boundary_rows = 0, chunks = 0;  ///< of their trees; tiles of eight rows
  std::uint64_t largest_boundary = 0;
  quantize::LookupOptions options;  ///< with which the lookups are so many

  /// Committed symbols but the weights'.
  [[nodiscard]] std::uint64_t symbols() const { return witness + read + written; }
};

/// Relative cost of a slice's lookups, by which the compiler chooses their options (proof/choose_options.h): handed in by whoever
/// knows it. symbols: committed ones that no choice changes.
using LookupCost = std::function<double(const quantize::LookupCounts& counts, std::uint64_t symbols)>;

/// Adds up consecutive ops of one program; any interval of ops may be added, in order. A step of a cut search is one add().
class Tally {
 public:
  /// What all intervals of a program share; outlives its tallies.
  struct Facts {
    explicit Facts(const quantize::Program& program);
    const quantize::Program& program;
    std::vector<bool> is_public;             ///< by TensorId: model inputs and outputs
    std::vector<std::uint32_t> last_reader;  ///< by TensorId: op; 0 where nobody reads
    std::vector<std::uint64_t> macs;         ///< by op
    std::vector<bool> padded;                ///< by WeightId: a weight tree pads its runs
  };
  /// boundary_c: rows of boundary trees have 2^c symbols.
  Tally(const Facts& facts, unsigned boundary_c);
  void add(std::uint32_t op);
  /// With the options of least cost; without a cost with the defaults.
  [[nodiscard]] Counts counts(const LookupCost& cost = {}) const;

 private:
  void add_weight(quantize::WeightId w);
  void add_product(const quantize::Op& op);
  void add_contract(const quantize::Contract& op);
  void boundary(std::uint64_t symbols, bool in, bool add);

  const Facts& facts_;
  unsigned boundary_c_;
  std::vector<bool> seen_, made_;  ///< tensors
  std::vector<bool> seen_weight_;
  std::vector<quantize::TensorId> open_;  ///< made here, read later
  quantize::LookupTally lookups_;
  std::set<std::int64_t> weight_ranges_;
  std::multiset<std::uint64_t> boundary_sizes_;
  Counts sum_;  ///< without tables and what depends on them
  std::uint64_t range_padded_ = 0;
};

/// Counts of a whole program as one slice.
Counts count(const quantize::Program& program, unsigned boundary_c = 12, const LookupCost& cost = {});

}  // namespace dsperse::slice
