// Challenges on the command line: the asker's nonce, and what they kept of the published roots.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/verify.h"

namespace dsperse::cli {

/// The nonce of --challenge.
[[nodiscard]] Result<Digest> parse_challenge(const std::string& hex);

/// --challenge NONCE with --published FILE, or with --bound HEX and --draw K.
struct ChallengeFlags {
  std::string nonce, published, bound;
  std::uint32_t draw = 0;
  bool given = false;  ///< --challenge was, whatever it says
  void add(CLI::App& app);
  /// nullopt when none is given.
  [[nodiscard]] Result<std::optional<pipeline::ChallengeQuestion>> question() const;
};

/// "slice 3", "slices 0, 5".
std::string slices_text(const std::vector<std::uint32_t>& slices);
/// What was drawn, and what a prover with wrong slices had to hope for.
void show_challenge(Context& context, const pipeline::ChallengeReport& report, std::size_t slices);

}  // namespace dsperse::cli
