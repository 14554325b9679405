// Policies: which slices must be proved. Parsed from TOML or from flags; expanded against slices, never against a certificate.
//
//   default = "proof" | "trust"
//   [[rule]]                    # later rules win
//   slices = "0,2-4"            # or
//   operator = "Conv"           # any op of that onnx_type in the slice, or
//   name = "layer3*"            # shell pattern over the names of ops and tensors in the slice
//   mode = "trust"
//
// Source: docs/formats/policy.md. Tested by slice/policy_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsperse/slice/plan.h"

namespace dsperse::slice {

/// Ranges of slice numbers, both ends included; ascending, none touches the next.
using SliceRanges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

struct Rule {
  SliceRanges slices;
  std::string op, name;  ///< exactly one of slices, op, name is set
  Mode mode = Mode::proof;
};
struct Policy {
  Mode fallback = Mode::proof;
  std::vector<Rule> rules;
};

/// "proof", "trust", or the text of a TOML policy. Errors say line and key.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text);
/// "0,2-4" -> {{0, 0}, {2, 4}}.
[[nodiscard]] Result<SliceRanges> parse_slices(std::string_view text);
/// Mode of each slice program. Errors: a rule that matches no slice.
[[nodiscard]] Result<std::vector<Mode>> expand(const Policy& policy, std::span<const quantize::Program* const> slices);

}  // namespace dsperse::slice
