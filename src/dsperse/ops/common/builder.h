// Collects the constraints of a slice: tensors, tables (shared by name), lookups, identities, products.
//
// Used by the operators' constrain functions only. Tested by ops/ops_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/relation/relation.h"
#include "dsperse/relation/work.h"

namespace dsperse::ops {

using namespace dsperse::relation;  // NOLINT: this room speaks the relation's language

class Builder {
 public:
  Builder(const quantize::Program& program, const Options& options);

  [[nodiscard]] const quantize::Program& program() const { return program_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] TensorRef weight(quantize::WeightId id) const { return id; }
  [[nodiscard]] TensorRef value(quantize::TensorId id) const { return static_cast<TensorRef>(program_.weights.size()) + id; }

  TensorRef add_tensor(Tensor tensor);
  /// The table of that name; `make` fills rows and segments at its first use. Once all tables together have too many rows no
  /// further one is made (a hostile key could ask for any number of them) and finish() fails.
  template <class Make>
  std::uint32_t table(const std::string& name, Make make) {
    const auto [it, fresh] = table_of_.try_emplace(name, static_cast<std::uint32_t>(relation_.tables.size()));
    if (fresh) {
      Table t;
      t.name = name;
      if (table_rows_ <= kMaxTableRows) make(t);
      table_rows_ += t.rows.size();
      relation_.tables.push_back(std::move(t));
    }
    return it->second;
  }
  std::uint32_t add_lookup(Lookup lookup);
  void set_column(std::uint32_t lookup, std::size_t column, Terms terms);
  void add_identity(Identity identity);
  std::uint32_t add_product(Product product);
  /// The parts of an op over rows as committed tensors, in order.
  std::vector<TensorRef> add_parts(std::uint32_t op);
  std::uint32_t add_requantization(Requantization r);
  /// The lookup of the rounded sums of a requantization.
  void set_activation(std::uint32_t requantization, std::uint32_t lookup);

  /// Values lo..hi in one column.
  std::uint32_t range_table(std::int64_t lo, std::int64_t hi);

  /// Name of an activation and its clamp: equal names mean equal tables. Exponents matter only to functions on a grid; the values
  /// of written-out tables are numbered in order of first use.
  std::string activation_name(const quantize::Requant& requant);
  /// What all requantizations that share the table of this one need of it.
  struct Shared {
    std::int64_t near = 0, far = 0;  ///< largest |v| of those without and with an offset, 0 if there are none
    std::set<std::int32_t> shifts;   ///< of all channels of those with an offset
  };
  Shared& shared(const quantize::Requant& requant);
  /// Widths k of limb tables that any requantization uses; set before the first table is made.
  std::vector<std::int64_t> limb_widths;

  /// A budget is used up, so that finish() fails: nothing more need be added. Asked in every loop whose length a key decides.
  [[nodiscard]] bool over_budget() const;
  /// Adds the multiplicities and checks the budgets.
  [[nodiscard]] Result<Relation> finish();

 private:
  const quantize::Program& program_;
  Options options_;
  Relation relation_;
  std::map<std::string, std::uint32_t> table_of_;
  std::uint64_t table_rows_ = 0, lookups_ = 0, work_ = 0;
  std::map<std::string, Shared> shared_;
  struct ByValues {
    bool operator()(const std::vector<std::int32_t>* a, const std::vector<std::int32_t>* b) const { return *a < *b; }
  };
  std::map<const std::vector<std::int32_t>*, std::size_t, ByValues> value_lists_;  ///< they lie in the program
};

// Terms.
Term constant_term(Fp scalar);
Term tensor_term(TensorRef tensor, View view, std::int64_t coef = 1);
Term product_term(std::uint32_t product);
/// View of an operand that numpy broadcasting reads at the letters of `site`.
View broadcast_view(const Shape& shape, const Shape& site);

}  // namespace dsperse::ops
