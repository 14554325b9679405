// One statement of each kind, for tests and corpora.
#pragma once

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/record/statements.h"

namespace dsperse::trust::testing {

inline RunOpening sample_opening() {
  RunOpening o{named("run"), named("model"), named("commitment"), lottery::Late::user_nonce, 1'700'000'000'000, {}, {}};
  for (const char* t : {"trust", "proof", "replicate(2)", "audit(0.05)", "replicate(3, distinct=region)+audit(0.5, by=proof)"})
    o.treatments.push_back(*parse_treatment(t));
  o.nodes = {{PublicKey{1}, "north", "eu", "native/1"}, {PublicKey{2}, "south", "", "native/1"}};
  return o;
}
inline ClosingNote sample_closing() { return {named("run"), named("opening"), named("entries")}; }
inline DrawNote sample_draw() { return {named("run"), named("secret"), named("late"), {Digest{1}, Digest{2}}}; }
inline VerdictNote sample_verdict() { return {named("run"), named("file"), 3, "proved"}; }
inline StrikeNote sample_strike() { return {PublicKey{7}, named("job"), "liveness", "no opening came", 1'700'000'000'000}; }
inline PayoutNote sample_payout() { return {named("receipt"), named("account"), 12, "wage"}; }

}  // namespace dsperse::trust::testing
