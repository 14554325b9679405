// Rules of the verifier, each with the attack that it alone stands against. Only in builds where rules can be disarmed
// (base/rule.h). Run by dead_rules_test.cc. Not here: constraints and checks (constraints_test.cc, checks_test.cc,
// setup_test.cc).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "dsperse/proof/profile.h"

namespace dsperse::soundness {

struct RuleAttack {
  /// What happens without the rule.
  enum class Without : std::uint8_t {
    accepts,    ///< the attack is accepted
    crashes,    ///< memory that is not there is read
    allocates,  ///< more than `limit` bytes are asked for at once, because the input says so
  };
  std::string rule;
  std::string reason;                  ///< of the armed verifier; the beginning is enough
  std::function<std::string()> tried;  ///< the attack's answer: a reason, or empty if accepted
  Without without = Without::accepts;
  std::size_t limit = 0;
  std::string backed_by = {};  ///< a second rule against the same attack, disarmed together; both are needed for what `why` says
  std::string why = {};
};
using RuleAttacks = std::vector<RuleAttack>;

RuleAttacks argument_attacks(proof::Profile profile);     // argument_verify.cc
RuleAttacks statement_attacks(proof::Profile profile);    // verify.cc
RuleAttacks proof_bytes_attacks(proof::Profile profile);  // argument_codec.cc, opening.cc, profile.cc
RuleAttacks key_attacks(proof::Profile profile);          // key_rules.cc
RuleAttacks certificate_attacks(proof::Profile profile);  // certificate.cc
RuleAttacks program_attacks(proof::Profile profile);      // ops/common/requantize.cc
RuleAttacks row_attacks(proof::Profile profile);          // program_check_rows.cc, ops/rows
RuleAttacks bytes_attacks(proof::Profile profile);        // statement.cc, key.cc, bytes.cc: decoders

/// Bytes of the largest request to the heap that this thread made since it was last set to zero.
std::size_t& largest_request();

}  // namespace dsperse::soundness
