// What the attacks covered, as lines that tools/attacks.py adds up to build/attacks.json.
//
// A test says which ids there are (known) and what it did to them (attacked). With DSPERSE_TALLY=<folder> in the environment the
// lines go to <folder>/<program>.jsonl, one JSON object a line; without it nothing happens. A tally never decides a test.
#pragma once

#include <cstdint>
#include <string_view>

namespace dsperse::soundness {

/// Kinds of ids:
///   constraint   of a slice's Relation        check        of the protocol, folded into the last sumcheck
///   verifier     a rule that the verifier can reject by (base/rule.h)
///   message      what a prover sends          absorb       what the transcript takes in
///   certificate  a rule of linking            scan         a committed tensor, cell by cell
///   bytes        a decoder                    revealed     a class of values that a proof shows
/// bits: the profile, 0 where there is none.
void known(std::string_view kind, std::string_view id, int bits = 0);
/// `tried` lies about `id`, of which `survived` were accepted.
void attacked(std::string_view kind, std::string_view id, int bits, std::uint64_t tried, std::uint64_t survived);
/// Disarmed rules of the verifier without which no attack succeeded, although one should have.
void dead(std::string_view id);

}  // namespace dsperse::soundness
