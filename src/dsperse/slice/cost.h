// What proving costs: counts of lookups and committed symbols that follow from the ops, and seconds and bytes that are predicted.
//
// The counts follow docs/protocol/operators.md exactly (cost_test.cc holds them against ops::constrain); times and bytes are a
// linear model whose constants stand in CostModel alone. Not here: cuts (cut.h). Tested by slice/cost_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/slice/plan.h"

namespace dsperse::slice {

/// prove_seconds = fixed + sum of count * seconds_per; peak_bytes the same with bytes_per;
/// proof_bytes = proof_bytes_fixed (+ proof_bytes_weights with weights) + proof_bytes_per_root * (sqrt(weight symbols) +
/// sqrt(witness symbols)): a tree costs a row and its opened columns, which balance at the square root of what it holds.
/// Defaults: one core with AVX-512, 100-bit profile.
struct CostModel {
  double seconds_fixed = 5e-3;
  double seconds_per_mac = 5e-11;              ///< integer product of the witness, and the folds of both factors
  double seconds_per_lookup = 4e-8;            ///< one leaf of the lookup argument, hidden messages included
  double seconds_per_weight_symbol = 6e-9;     ///< opening of the weight tree
  double seconds_per_witness_symbol = 3.2e-8;  ///< commitment and opening

  double bytes_fixed = 32.0 * (1 << 20);
  double bytes_per_lookup = 36;
  double bytes_per_weight_symbol = 42;
  double bytes_per_witness_symbol = 48;

  double proof_bytes_fixed = 160e3;   ///< messages, paths and salts of witness, boundary and end trees
  double proof_bytes_weights = 96e3;  ///< a second group: paths and salts of two trees, pads of its row
  double proof_bytes_per_root = 300;

  // Choices of the constraints that the counts depend on: relation::Options' defaults.
  std::int64_t limb_bits = 8;
  std::int64_t wide_rows = 1 << 14;
};

/// The model that plans are made with.
const CostModel& cost_model();

/// Adds up ops of one program in its order; any interval of ops may be added. Cheap: a step of a cut search is one add().
class Tally {
 public:
  /// is_public: by TensorId; public tensors are neither committed nor range-checked.
  Tally(const quantize::Program& program, const std::vector<bool>& is_public);
  void add(const quantize::Op& op);
  /// Lookup elements plus table rows, committed symbols, and the predictions for all ops added so far.
  [[nodiscard]] Cost cost(const CostModel& model = cost_model()) const;

 private:
  /// Requantizations that share an activation table.
  struct Group {
    std::int64_t v_max = 0, c = 0, sites = 0;
  };
  using GroupKey = std::array<std::int64_t, 8>;

  void add_requantization(const quantize::Op& op, const quantize::Requant& requant, std::int64_t sites);
  void add_maximum(const quantize::MaxPool& op);

  const quantize::Program& program_;
  const std::vector<bool>& is_public_;
  std::vector<bool> seen_;  ///< tensors
  std::vector<bool> seen_weight_;
  std::map<GroupKey, Group> groups_;
  std::set<std::pair<std::int64_t, std::int64_t>> ranges_;
  std::set<std::int64_t> relu_ranges_;
  std::set<std::int64_t> limb_widths_;
  std::uint64_t macs_ = 0, lookups_ = 0, weight_symbols_ = 0, symbols_ = 0;
};

}  // namespace dsperse::slice
