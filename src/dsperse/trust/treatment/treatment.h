// Treatments: what is done about a slice so that its result need not just be believed.
//
//   proof | trust | replicate(k[, distinct=operator|region|engine]) | audit(p[, by=reexec|proof]) | replicate(...)+audit(...)
//
// A treatment is data. What it is worth under stated assumptions is in risk.h; which one a slice gets, in planner.h.
// Source: docs/trust/economics.md. Tested by policy/treatment_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsperse/base/result.h"

namespace dsperse::trust {

/// In what any two replicas of a slice differ.
enum class Distinct : std::uint8_t { operators, regions, engines };
/// How a drawn result is checked.
enum class AuditBy : std::uint8_t { reexec, proof };

/// k independent workers run the slice; unlike results are settled by a proof.
struct Replicate {
  std::uint32_t k = 2;  ///< 2 to kMostReplicas
  Distinct distinct = Distinct::operators;
  bool operator==(const Replicate&) const = default;
};

/// The accepted result is checked with probability p, drawn once per result after it is bound.
struct Audit {
  double p = 1;  ///< kLeastAuditRate to 1
  AuditBy by = AuditBy::reexec;
  bool operator==(const Audit&) const = default;
};

inline constexpr std::uint32_t kMostReplicas = 64;
inline constexpr double kLeastAuditRate = 1e-9;

/// proof excludes the others; nothing set is trust.
struct Treatment {
  bool proof = false;
  std::optional<Replicate> replicate = {};
  std::optional<Audit> audit = {};

  [[nodiscard]] bool is_trust() const { return !proof && !replicate && !audit; }
  bool operator==(const Treatment&) const = default;
};

/// Errors (usage): proof with anything else; k or p out of range.
[[nodiscard]] Status check(const Treatment& treatment);

/// Parts in any order, white space free. Errors (usage): say which part is wrong and how to write it.
[[nodiscard]] Result<Treatment> parse_treatment(std::string_view text);

/// Canonical text: replicate before audit, defaults left out, p as its shortest decimal; parses back to the same treatment.
[[nodiscard]] std::string to_text(const Treatment& treatment);
[[nodiscard]] std::string_view to_text(Distinct distinct);

/// The guarantee in words: printed wherever a treatment is reported.
struct Guarantee {
  std::string wrong_only_if;  ///< what one wrong result needs
  std::string assumes;
  std::string fails_against;
};
/// Of a treatment that passes check().
[[nodiscard]] Guarantee guarantee(const Treatment& treatment);

}  // namespace dsperse::trust
