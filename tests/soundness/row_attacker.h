// A prover that lies about one constraint of the ops over rows and makes everything else follow from the lie.
//
// For every constraint a forged proof that breaks it: alone where that can be, otherwise with the few others that no prover could
// satisfy beside it. And the lies that protocol pages name: a maximum too high, a reciprocal or root that is off by one, a tie, a
// quotient, a stale position. The lies: row_lies.cc. Used by rows_test.cc and corpus/rows.cc.
#pragma once

#include "slices.h"

namespace dsperse::soundness {

/// Changes values; e: which cell, element or row; tried from 0 until nothing else breaks.
using Change = std::function<void(relation::Values&, std::size_t e)>;

struct Lie {
  Change early = {};                                                     ///< before what follows is made to follow
  std::set<std::string> pinned = {};                                     ///< identities whose tensor stays as it is
  Change late = {};                                                      ///< after that, before the output follows
  std::function<void(quantize::IntTensor&, std::size_t e)> output = {};  ///< instead of what follows
  std::uint32_t product = UINT32_MAX;                                    ///< reads `read` instead of its factor
  bool is_b = false;
  std::function<std::vector<std::int64_t>(const relation::Values&, std::size_t e)> read = {};
};

/// What becomes of an attack that was found: the case that states its lie, its proof made afresh at each call, what it breaks.
using Found = std::function<void(const std::string& id, const SliceCase& c, const std::function<Outcome()>& attack,
                                 const Ids& constraints, const Ids& checks)>;

class RowAttacker {
 public:
  /// Without `found`, attacks are held to what they mean to break (expect_broken).
  explicit RowAttacker(const NamedSlice& slice, Found found = {});
  RowAttacker(const RowAttacker&) = delete;
  RowAttacker& operator=(const RowAttacker&) = delete;
  [[nodiscard]] const relation::Relation& relation() const { return relation_; }
  [[nodiscard]] const SliceCase& honest() const { return case_; }

  /// Breaks `id`, alone if `alone`. checks: those that fail. False if no such lie was found.
  bool attack_with(const std::string& id, const Lie& lie, const Ids& checks, bool alone = true);
  /// The attacks on one id; false if there are none.
  bool attack_constraint(const std::string& id);

 private:
  static constexpr std::size_t kTries = 48;

  [[nodiscard]] SliceCase fresh() const;
  [[nodiscard]] quantize::TensorStore inputs() const;

  // Names.
  [[nodiscard]] relation::TensorRef part(const std::string& id, const std::string& name) const;
  [[nodiscard]] const quantize::Op& op(const std::string& id) const;
  [[nodiscard]] std::pair<relation::TensorRef, bool> made_by(const relation::Identity& identity) const;

  // What follows from a lie.
  void multiply(relation::Values& v, std::uint32_t product, const Lie& lie, std::size_t e) const;
  void divide_squares(relation::Values& v, const std::string& id) const;
  void settle(relation::Values& v, const Lie& lie, std::size_t e) const;
  [[nodiscard]] relation::ValueForge forge(const Lie& lie, std::size_t e) const;
  [[nodiscard]] quantize::TensorStore lied(const Lie& lie, std::size_t e) const;
  [[nodiscard]] Ids broken_by(const quantize::TensorStore& trace, const Lie& lie, std::size_t e) const;
  [[nodiscard]] Outcome prove(const SliceCase& c, const Lie& lie, std::size_t e) const;
  template <int D>
  [[nodiscard]] Outcome prove_with(const SliceCase& c, const Lie& lie, std::size_t e) const;

  bool attack_limb(const relation::Lookup& lookup);
  bool attack_product(std::uint32_t index);
  bool attack_softmax(const std::string& id, const std::string& what);
  bool attack_normalize(const std::string& id, const std::string& what);
  bool attack_extreme(const std::string& id, const std::string& what);
  bool attack_divide(const std::string& id, const std::string& what);
  bool attack_input(const relation::Lookup& lookup);

  NamedSlice slice_;
  Found found_;
  SliceCase case_;
  relation::Relation relation_;
};

}  // namespace dsperse::soundness
