// What must hold after every simulation, found out without asking the coordinator where that can be done.
//
// Who lied is known from the actors, what is right from the reference, what was logged from the log, what proofs revealed from
// who made them. Tested by tests/sim/judge_test.cc: each finding can be brought about.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/trust/record/record.h"
#include "town.h"

namespace dsperse::sim {

/// Numbers of one simulation, or sums. All but the first group must be 0.
struct Findings {
  std::uint64_t seeds = 0, steps = 0, runs = 0, finished = 0, failed = 0, attempts = 0;
  std::uint64_t keeper_kills = 0, worker_kills = 0, engine_crashes = 0;
  std::uint64_t payouts = 0, verdicts = 0, evidence = 0, proofs_published = 0, records = 0, lies = 0, wrong_finals = 0;
  std::map<std::string, std::uint64_t> explained;  ///< wrong finals by the assumption that was broken
  std::map<std::string, std::uint64_t> reasons;    ///< of failed runs
  TimeMs longest_ms = 0;                           ///< of one run
  Digest trace{};                                  ///< of all worlds together, in whatever order

  std::uint64_t wrong_final_unexplained = 0;
  std::uint64_t honest_slashed = 0;
  std::uint64_t lost = 0;  ///< neither finished nor failed with a reason, or failed where it should not
  std::uint64_t payout_without_proof = 0;
  std::uint64_t openings_beyond_budget = 0;
  std::uint64_t record_refused = 0;  ///< by trust::verify_record, or held by less than the policy, or verify_certificate
  std::uint64_t money_not_conserved = 0;
  std::uint64_t false_evidence = 0;  ///< of an equivocation, against nobody or an honest worker; or a verdict file that fails
  std::vector<std::string> texts;    ///< of the findings

  void add(const Findings& other);
  [[nodiscard]] bool clean() const;
};

/// may_fail: runs may end as failed with a reason (too few honest workers for the policy).
[[nodiscard]] Findings judge(Town& town, bool may_fail = false);

/// What a verifier knows of a finished run.
[[nodiscard]] trust::RunFacts facts_of(const Model& model, const work::FinishedRun& run);
/// The values of a finished run's chunks, from the blobs.
[[nodiscard]] Result<Values> values_of(Town& town, const work::FinishedRun& run);

}  // namespace dsperse::sim
