// Policies: what is done about each slice. Parsed from TOML or from flags; expanded against slices, never against a certificate.
//
//   default = "proof"           # any treatment (treatment.h)
//   [[rule]]                      # later rules win
//   slices = "0,2-4"              # or
//   operator = "Conv"             # any op of that onnx_type in the slice, or
//   name = "layer3*"              # shell pattern over the names of ops and tensors in the slice
//   mode = "replicate(2)+audit(0.05)"
//
// Source: docs/formats/policy.md. Tested by policy/policy_test.cc.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsperse/quantize/program.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::trust {

/// Ranges of slice numbers, both ends included; ascending, none touches the next.
using SliceRanges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

struct Rule {
  SliceRanges slices;
  std::string op, name;  ///< exactly one of slices, op, name is set
  Treatment treatment = {.proof = true};
};
struct Policy {
  Treatment fallback = {.proof = true};
  std::vector<Rule> rules = {};
};

/// A treatment, or the text of a TOML policy. Errors (usage) say line and key.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text);
/// "0,2-4" -> {{0, 0}, {2, 4}}.
[[nodiscard]] Result<SliceRanges> parse_slices(std::string_view text);
/// The slices whose treatment is proof: what a verifier must see proved.
[[nodiscard]] std::set<std::uint32_t> proved_slices(std::span<const Treatment> treatments);
/// Treatment of each slice program. Errors (usage): a rule that matches no slice.
[[nodiscard]] Result<std::vector<Treatment>> expand(const Policy& policy, std::span<const quantize::Program* const> slices);

}  // namespace dsperse::trust
