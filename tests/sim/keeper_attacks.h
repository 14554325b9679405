// A coordinator that colludes: records it could make of a run, with its own key and its own log, to make more of it than it is.
//
// Each attack must be caught by who checks the record (verify_record, the user's policy, consistency of checkpoints), or rest on
// something that the verdict says in words. Tested by tests/sim/judge_test.cc, counted by `make sim`.
#pragma once

#include "judge.h"

namespace dsperse::sim {

struct KeeperAttack {
  enum class Outcome : std::uint8_t { caught, stated, survived };
  std::string name;
  Outcome outcome = Outcome::survived;
  std::string by;  ///< reason of the refusal, or the sentence that states it
};

/// On a finished run of a town whose policy is replicate(2)+audit(0.5) everywhere, with and without a late part.
std::vector<KeeperAttack> keeper_attacks(std::uint64_t seed);

}  // namespace dsperse::sim
