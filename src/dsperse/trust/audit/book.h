// The book of confidence: how long each (worker, engine) has been right, and what that means for its next job.
//
// CV counts consecutive results that were replicated and found valid; an audit that passes is a replication whose other replica
// is the auditor. Below 10 the worker is replicated; from there on it is audited with p_eff = max(p_min, 1/CV). A lost dispute, a
// failed canary and an invalid opening zero CV; lateness does not: it says nothing about results. A new identity waits, so that
// a fresh one is worth less than an old one. Not here: p_min (trust/policy), the draw (trust/lottery), exclusion
// (trust/incentive). Source: docs/trust/machines.md. Tested by trust/audit/book_test.cc.
#pragma once

#include <array>
#include <map>
#include <string>
#include <variant>

#include "dsperse/trust/types/probability.h"
#include "dsperse/trust/types/strike.h"

namespace dsperse::trust::audit {

inline constexpr std::size_t kMaxEngineBytes = 255;
inline constexpr std::size_t kMaxSubjects = std::size_t{1} << 20;

/// Confidence is earned by a worker on one engine: another engine may compute differently.
struct Subject {
  Digest worker{};
  std::string engine;
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

struct Record {
  std::uint64_t enrolled_ms = 0;
  std::uint64_t cv = 0;
  std::array<std::uint64_t, kStrikeKinds> strikes{};  ///< by StrikeKind, for ever
  friend bool operator==(const Record&, const Record&) = default;
};

using Book = std::map<Subject, Record>;

struct Enrol {
  Subject subject;
  std::uint64_t now_ms = 0;
};
/// A result was compared with an independent one and was equal.
struct Valid {
  Subject subject;
};
struct Struck {
  Subject subject;
  StrikeKind kind = StrikeKind::liveness;
};
using Event = std::variant<Enrol, Valid, Struck>;

/// Errors (usage) leave the book unchanged: enrolled twice, unknown subject, engine name too long; (resource): book full.
[[nodiscard]] Status step(Book& book, const Event& event);

struct Rules {
  Probability p_min;
  std::uint64_t wait_ms = 0;  ///< before a new identity gets its first job
  std::uint64_t least_valid = 10;
};
enum class Mode : std::uint8_t { wait, replicate, audit };
struct Decision {
  Mode mode = Mode::wait;
  Probability probability;  ///< of an audit; always() when replicated, since every result is compared
  friend bool operator==(const Decision&, const Decision&) = default;
};
/// How the next job of this subject is held. Unknown subjects wait.
Decision decide(const Book& book, const Subject& subject, const Rules& rules, std::uint64_t now_ms);

/// Canonical bytes and their strict inverse. Errors (bad_input).
Bytes encode(const Book& book);
[[nodiscard]] Result<Book> decode(ByteView bytes);

}  // namespace dsperse::trust::audit
