// What a slice will cost: seconds, memory and bytes of every verb, as explicit formulas of counts (counts.h) and of the real
// geometries of its trees (geometry.h), with the constants of model.h.
//
// Memory is a sum of named parts in every stage of a verb; the peak is the largest stage's. All are predictions and printed as
// such. Not here: cuts (cut.h). Source: docs/design/0016. Tested by slice/cost_test.cc; beside measurements by tests/e2e.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dsperse/slice/counts.h"
#include "dsperse/slice/geometry.h"
#include "dsperse/slice/model.h"

namespace dsperse::slice {

/// What becomes of the codewords of trees: kept for the opening, or computed again there, which takes less memory and more time.
enum class Codewords : std::uint8_t { kept, recomputed };

/// Predicted with the cost model; printed as predictions, shown beside measurements later. Seconds: one thread. Bytes: beyond
/// what the process has before it takes the slice (process_bytes).
struct Cost {
  std::uint64_t macs = 0, lookups = 0, weight_symbols = 0, witness_symbols = 0;
  double prove_seconds = 0;
  std::uint64_t peak_bytes = 0, proof_bytes = 0;  ///< peak: of proving
  double run_seconds = 0, compile_seconds = 0, verify_seconds = 0;
  std::uint64_t run_bytes = 0, compile_bytes = 0, key_bytes = 0;  ///< key: of its range proof
  Codewords codewords = Codewords::kept;                          ///< with which all this is
  std::uint64_t lean_peak_bytes = 0;                              ///< of proving with codewords recomputed
  /// Of the verb that needs most.
  [[nodiscard]] std::uint64_t most_bytes() const { return std::max({peak_bytes, run_bytes, compile_bytes}); }
};

enum class Verb : std::uint8_t { compile, run, prove };

/// What memory is for.
enum class Part : std::uint8_t { fixed, values, weights, trees, columns, tables, leaves, opening };
inline constexpr std::array<std::string_view, 8> kPartNames{"fixed",   "values", "weights", "trees",
                                                            "columns", "tables", "leaves",  "opening"};
struct Stage {
  std::string_view name;
  std::array<double, kPartNames.size()> parts{};
  double& operator[](Part p) { return parts[static_cast<std::size_t>(p)]; }
  [[nodiscard]] double total() const;
};

/// What a slice shares with the others of its plan.
struct Setting {
  std::size_t slices = 1;
  Geometry boundary;  ///< of every committed boundary
};

/// What the prover does with counts: codes of its trees, options of its lookups.
struct Prover {
  SolveGeometry geometry;
  LookupCost lookups;
  std::uint64_t max_lookups = UINT64_MAX;     ///< elements and table rows that one slice may look up, and one range proof
  std::uint64_t max_table_rows = UINT64_MAX;  ///< of one slice
};

/// Constants and the prover's choices together. Copies share the geometries that were solved; one thread at a time.
class Costing {
 public:
  explicit Costing(Prover prover = {}, const CostModel& model = {})
      : model_(model),
        geometries_(std::make_shared<Geometries>(std::move(prover.geometry))),
        lookups_(std::move(prover.lookups)),
        max_lookups_(prover.max_lookups),
        max_table_rows_(prover.max_table_rows) {}
  /// Without a solver nothing can be predicted.
  [[nodiscard]] bool known() const { return geometries_->known(); }
  [[nodiscard]] const CostModel& model() const { return model_; }
  /// The same geometries, their answers shared, with other constants.
  [[nodiscard]] Costing with(const CostModel& model) const;
  /// largest: symbols of the largest committed boundary.
  [[nodiscard]] Setting setting(std::size_t slices, std::uint64_t largest) const;
  /// As the prover will choose its lookups.
  [[nodiscard]] Counts counts(const Tally& tally) const { return tally.counts(lookups_); }
  [[nodiscard]] Cost cost(const Counts& counts, const Setting& setting, Codewords codewords = Codewords::kept) const;
  /// Memory of the verb that needs most; more than any limit where a slice has more lookups or table rows than a
  /// proof takes.
  [[nodiscard]] std::uint64_t most_bytes(const Counts& counts, const Cost& cost) const;
  /// With codewords kept if that fits so many bytes, otherwise recomputed.
  [[nodiscard]] Cost cost_within(const Counts& counts, const Setting& setting, std::uint64_t bytes) const;
  /// The stage of a verb that needs most memory.
  [[nodiscard]] Stage peak(const Counts& counts, const Setting& setting, Verb verb, Codewords codewords = Codewords::kept) const;
  /// What the process has beside the slice in work: itself, and the key of all slices.
  [[nodiscard]] std::uint64_t process_bytes(std::uint64_t key_bytes) const;

 private:
  struct Trees;
  [[nodiscard]] Trees trees(const Counts& counts, const Setting& setting) const;
  [[nodiscard]] Stage peak(const Counts& counts, const Trees& trees, Verb verb, Codewords codewords) const;

  CostModel model_;
  std::shared_ptr<Geometries> geometries_;
  LookupCost lookups_;
  std::uint64_t max_lookups_, max_table_rows_;
};

/// Cost of a program as one slice whose inputs and outputs are public.
Cost predict(const quantize::Program& program, const Costing& costing);

}  // namespace dsperse::slice
