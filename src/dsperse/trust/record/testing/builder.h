// Makes whole records: a coordinator and workers with keys, a log in memory, everything signed and proved. Hooks change one thing
// before it is signed: the lies that tests tell.
#pragma once

#include <functional>

#include "dsperse/trust/ledger/proofs.h"
#include "dsperse/trust/record/record.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::trust::testing {

/// A log in memory.
class LeafTree final : public NodeSource {
 public:
  /// Index of the new entry.
  std::uint64_t append(ByteView entry);
  [[nodiscard]] std::uint64_t size() const { return leaves_.size(); }
  [[nodiscard]] Digest root(std::uint64_t size) { return *tree_root(*this, size); }
  [[nodiscard]] Result<Digest> node(unsigned level, std::uint64_t index) override;

 private:
  std::vector<Digest> leaves_;
};

/// Facts of a chain of `slices` slices: chunk i goes into slice i, chunk i + 1 comes out. proved: by slice, missing means not.
RunFacts chain_facts(std::uint32_t slices, const std::vector<bool>& proved = {});

class RecordBuilder {
 public:
  static constexpr std::size_t kAuditor = ~std::size_t{0};  ///< "result" of an audit, for the hooks

  /// treatments: by slice of the facts. Workers: `workers` of them, each its own operator, region "r<i>", engine "e<i>"; worker
  /// w's key is from seed {100 + w}, the keeper's from {99}.
  RecordBuilder(RunFacts facts, std::vector<Treatment> treatments, std::size_t workers = 6);

  lottery::Late late = lottery::Late::none;
  Digest secret{}, late_part{};
  bool drawn = true;             ///< false: a pending record
  std::size_t verdicts = 0;      ///< entries of disputes
  std::size_t more_results = 0;  ///< beyond what the treatments want, for every slice
  std::string origin = "example.org/runs";
  std::uint64_t time_ms = 1'700'000'000'000;

  // Lies, all optional.
  std::function<void(RunOpening&)> on_opening;
  std::function<void(Receipt&, std::uint32_t slice, std::size_t result)> on_receipt;
  std::function<void(SignedResult&, std::uint32_t slice, std::size_t result)> on_result;  ///< after signing
  std::function<void(SliceAnswer&)> on_answer;                                            ///< before the lottery
  std::function<void(ClosingNote&)> on_closing;
  std::function<void(VerdictNote&)> on_verdict;
  std::function<std::size_t(std::uint32_t slice, std::size_t result)> choose;  ///< the worker, instead of the honest choice
  bool opening_late = false;                                                   ///< logged after the first receipt
  bool entry_after_closing = false;                                            ///< something is logged between closing and seal
  bool receipt_after_seal = false;                                             ///< the last receipt of the first answer is
  bool audit_before_seal = false;
  bool audit_all = false, audit_none = false;

  [[nodiscard]] RunRecord build();
  /// What the user was shown as the seal.
  [[nodiscard]] Checkpoint seal_of(const RunRecord& record) const;

  [[nodiscard]] const Ed25519Signer& keeper() const { return keeper_; }
  [[nodiscard]] const Ed25519Signer& worker(std::size_t i) const { return workers_[i]; }
  RunFacts facts;
  std::vector<Treatment> treatments;

 private:
  SignedResult make_result(std::uint32_t slice, std::size_t result, std::size_t worker);
  SliceAnswer make_answer(std::uint32_t slice);
  std::size_t auditor_for(const SliceAnswer& answer) const;

  Ed25519Signer keeper_;
  std::vector<Ed25519Signer> workers_;
};

}  // namespace dsperse::trust::testing
