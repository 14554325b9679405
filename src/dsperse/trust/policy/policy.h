// Policies: what is done about each slice. Parsed from TOML or from flags; expanded against slices, never against a certificate.
//
//   default = "proof"               # any treatment (treatment.h), or "plan": chosen by the planner out of `allowed`
//   strategy = "influence:120"      # slices that are proved whatever the default is (strategy.h)
//   budget = 0.01                   # of a plan: residual risk
//   allowed = ["proof", "replicate(2)", "audit(0.05)"]
//   [[rule]]                        # later rules win, over default and strategy
//   slices = "0,2-4"                # or
//   operator = "Conv"               # any op of that onnx_type in the slice, or
//   name = "layer3*"                # shell pattern over the names of ops and tensors in the slice
//   mode = "replicate(2)+audit(0.05)"
//   [stakes]                        # what the money equations need
//   [assumptions]                   # what is believed of the workers
//
// A policy without plan and strategy is explicit: it says by itself what each slice gets, so a verifier can use it. The others
// are made explicit when a plan is made (assign.h). Not here: TOML (policy_toml.cc). Source: docs/formats/policy.md. Tested by
// policy/policy_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/trust/policy/planner.h"
#include "dsperse/trust/policy/strategy.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {

/// Ranges of slice numbers, both ends included; ascending, none touches the next.
using SliceRanges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

struct Rule {
  SliceRanges slices;
  std::string op, name;  ///< exactly one of slices, op, name is set
  Treatment treatment = {.proof = true};
};

/// What a user states so that treatments have figures. What is not stated is not believed.
struct Terms {
  Assumptions assumptions = {};
  Money money = {};  ///< in seconds of native work; the bond is E3's where lost income and identity cost are stated
  bool assumptions_stated = false, stakes_stated = false;
};
/// default = "plan".
struct Planning {
  std::vector<Treatment> allowed = {};
  double budget = 0;
};

struct Policy {
  Treatment fallback = {.proof = true};  ///< of slices that nothing selects; without meaning if they are planned
  std::vector<Rule> rules = {};
  std::optional<Strategy> strategy = {};
  std::optional<Planning> planning = {};
  Terms terms = {};

  [[nodiscard]] bool is_explicit() const { return !strategy && !planning; }
};

/// A treatment, or the text of a TOML policy. Errors (usage) say line and key.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text);
/// "0,2-4" -> {{0, 0}, {2, 4}}.
[[nodiscard]] Result<SliceRanges> parse_slices(std::string_view text);
/// The slices whose treatment is proof: what a verifier must see proved.
[[nodiscard]] std::set<std::uint32_t> proved_slices(std::span<const Treatment> treatments);

using Programs = std::span<const quantize::Program* const>;
/// Treatment of each slice program. Errors (usage): a rule that matches no slice; a policy that is not explicit.
[[nodiscard]] Result<std::vector<Treatment>> expand(const Policy& policy, Programs slices);
/// The rules alone: where they select nothing, nothing.
[[nodiscard]] Result<std::vector<std::optional<Treatment>>> expand_rules(std::span<const Rule> rules, Programs slices);

/// One rule per range of slices with the same treatment: expands to exactly these, and only against as many slices.
[[nodiscard]] Policy explicit_policy(std::span<const Treatment> treatments);
/// The same as a file: what verifiers are handed. Parses back to the same policy.
[[nodiscard]] std::string policy_toml(std::span<const Treatment> treatments);

}  // namespace dsperse::trust
