// The audit draw as functions of published values: commitment, seed, who is drawn, and the check by anyone.
//
// commitment = H(run, s) is published before the run. After all receipts are in, seed = H(run, s, (job_id, salt) in ascending
// job_id, late part), and a job is drawn iff u64(H(seed, job_id)) < p 2^64. The late part comes from outside after the last
// receipt: a user's nonce or a public beacon. Not here: when each part may come (lottery.h), whether a salt opens its
// commitment (trust/replication). Source: docs/trust/machines.md. Tested by trust/lottery/draw_test.cc.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dsperse/trust/types/probability.h"

namespace dsperse::trust::lottery {

/// Who contributes the last part of the seed. Fixed before the run: nobody may choose it once salts are known.
enum class Late : std::uint8_t { none, user_nonce, beacon };

/// What the verdict must say about the draw's randomness.
std::string_view assumption(Late late);

/// One job of the draw. salt: as opened.
struct Entry {
  Digest job{}, salt{};
  Probability probability;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Names the entries of a draw before its last part is known. entries: strictly ascending by job.
Digest entries_digest(std::span<const Entry> entries);

/// What a checker knows from elsewhere: the commitment as published before the run, salts from the receipts, probabilities from
/// the policy, the late part as it saw it.
struct Published {
  Digest run{}, commitment{};
  Late late = Late::none;
  std::optional<Digest> late_part;  ///< present iff late is not none
  std::vector<Entry> entries;       ///< strictly ascending by job
};

/// What the coordinator claims afterwards. drawn: ascending.
struct Outcome {
  Digest secret{};
  std::vector<Digest> drawn;
};

Digest commitment_of(const Digest& run, const Digest& secret);
/// entries: strictly ascending by job. late_part: absent for Late::none.
Digest seed_of(const Digest& run, const Digest& secret, std::span<const Entry> entries, Late late,
               const std::optional<Digest>& late_part);
/// The first 8 bytes of H(seed, job), little-endian.
std::uint64_t word_of(const Digest& seed, const Digest& job);
/// The drawn jobs in the order of the entries.
std::vector<Digest> draw(const Digest& seed, std::span<const Entry> entries);

/// Rechecks a draw. Reasons: "jobs are not strictly ascending", "late part is missing", "late part was not announced",
/// "secret does not open the commitment", "drawn jobs differ" (where: the first job that differs).
Verdict verify_draw(const Published& published, const Outcome& outcome);

}  // namespace dsperse::trust::lottery
