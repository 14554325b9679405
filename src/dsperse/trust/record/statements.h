// What a coordinator signs and logs beside receipts: how a run begins, what its draw is made of, what was drawn, verdicts,
// strikes, payouts.
//
// Canonical JSON in DSSE envelopes, as receipts are. Whoever reads one knows what the coordinator said, and when; not that it is
// true. Source: docs/formats/record.md. Tested by trust/record/statements_test.cc and record_fuzz.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/trust/lottery/draw.h"
#include "dsperse/trust/receipt/envelope.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {

inline constexpr std::string_view kOpeningType = "application/vnd.dsperse.run+json";
inline constexpr std::string_view kClosingType = "application/vnd.dsperse.closing+json";
inline constexpr std::string_view kDrawType = "application/vnd.dsperse.draw+json";
inline constexpr std::string_view kVerdictType = "application/vnd.dsperse.verdict+json";
inline constexpr std::string_view kStrikeType = "application/vnd.dsperse.strike+json";
inline constexpr std::string_view kPayoutType = "application/vnd.dsperse.payout+json";
inline constexpr std::size_t kMaxOpeningSlices = 1024, kMaxOpeningNodes = 256, kMaxLabelBytes = 64;
/// Of a strike's reason, and of a verdict's outcome.
inline constexpr std::size_t kMaxReasonBytes = 128;

/// A worker as the coordinator vouches for it. Labels: words, at most kMaxLabelBytes; an empty one says nothing, so it is like no
/// other.
struct NodeLabels {
  PublicKey key{};
  std::string operated_by, region, engine;
  friend bool operator==(const NodeLabels&, const NodeLabels&) = default;
};

/// Said before the first job of the run. treatments: by slice (treatment.h), at most kMaxOpeningSlices. nodes: strictly
/// ascending by key, at most kMaxOpeningNodes; nobody else gets a job of this run. time_ms: the coordinator's clock.
struct RunOpening {
  Digest run{}, model{};
  Digest commitment{};  ///< to the lottery's secret (lottery/draw.h)
  lottery::Late late = lottery::Late::none;
  std::uint64_t time_ms = 0;
  std::vector<Treatment> treatments;
  std::vector<NodeLabels> nodes;
  friend bool operator==(const RunOpening&, const RunOpening&) = default;
};

/// Names an opening.
Digest opening_digest(const RunOpening& opening);

/// Said once all receipts are in: the last entry under the seal. It fixes what the draw is made of before the late part is known;
/// otherwise the coordinator could log several openings, or results of one slice, and choose among them afterwards.
/// opening: opening_digest. entries: lottery::entries_digest.
struct ClosingNote {
  Digest run{}, opening{}, entries{};
  friend bool operator==(const ClosingNote&, const ClosingNote&) = default;
};

/// Said after the seal. drawn: jobs, strictly ascending, at most kMaxOpeningSlices.
struct DrawNote {
  Digest run{}, secret{};
  std::optional<Digest> late_part;
  std::vector<Digest> drawn;
  friend bool operator==(const DrawNote&, const DrawNote&) = default;
};

/// verdict: digest of the verdict file's bytes (trust/dispute). outcome: a word.
struct VerdictNote {
  Digest run{}, verdict{};
  std::uint32_t slice = 0;
  std::string outcome;
  friend bool operator==(const VerdictNote&, const VerdictNote&) = default;
};
/// kind: "liveness", "commitment", "correctness"; with "pardon " before it: taken back. reason: a word.
struct StrikeNote {
  PublicKey worker{};
  Digest job{};
  std::string kind, reason;
  std::uint64_t time_ms = 0;
  friend bool operator==(const StrikeNote&, const StrikeNote&) = default;
};
/// kind: "wage", "refund", "stake", "share". amount <= kMaxNumber.
struct PayoutNote {
  Digest receipt{}, to{};
  std::uint64_t amount = 0;
  std::string kind;
  friend bool operator==(const PayoutNote&, const PayoutNote&) = default;
};

/// Errors (bad_input): a bound above; a treatment that is none. What passes fits an envelope.
[[nodiscard]] Status check_opening(const RunOpening& opening);

// Payloads, one text a value; encoders are for values within the bounds above. Errors (bad_input): anything that they don't
// write.
Bytes encode_opening(const RunOpening& opening);
[[nodiscard]] Result<RunOpening> decode_opening(ByteView payload);
Bytes encode_closing(const ClosingNote& note);
[[nodiscard]] Result<ClosingNote> decode_closing(ByteView payload);
Bytes encode_draw(const DrawNote& note);
[[nodiscard]] Result<DrawNote> decode_draw(ByteView payload);
Bytes encode_verdict_note(const VerdictNote& note);
[[nodiscard]] Result<VerdictNote> decode_verdict_note(ByteView payload);
Bytes encode_strike(const StrikeNote& note);
[[nodiscard]] Result<StrikeNote> decode_strike(ByteView payload);
Bytes encode_payout(const PayoutNote& note);
[[nodiscard]] Result<PayoutNote> decode_payout(ByteView payload);

}  // namespace dsperse::trust
