// What slices are held by, compared: with a policy, and with each other.
#include <algorithm>
#include <tuple>

#include "dsperse/trust/record/record.h"

namespace dsperse::trust {
namespace {

/// The larger, the better held: kind, then k, then p.
auto rank(const Held& h) {
  const bool audit = h.by.audit && !h.pending;
  const int kind = h.by.proof ? 5 : h.by.replicate && audit ? 4 : h.by.replicate ? 3 : audit ? 2 : h.by.audit ? 1 : 0;
  return std::tuple(kind, h.by.replicate ? h.by.replicate->k : 0, h.by.audit ? h.by.audit->p : 0.0);
}

}  // namespace

std::vector<Held> held_without_record(const RunFacts& facts) {
  std::vector<Held> out(facts.slices.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].slice = static_cast<std::uint32_t>(i);
    out[i].by.proof = facts.slices[i].proved;
  }
  return out;
}

Verdict covers(const Held& held, const Treatment& wanted, bool allow_pending) {
  const auto enough = [&] {
    if (held.by.proof) return true;
    if (wanted.proof) return false;
    if (wanted.replicate && !(held.by.replicate && held.by.replicate->k >= wanted.replicate->k &&
                              held.by.replicate->distinct == wanted.replicate->distinct))
      return false;
    if (!wanted.audit) return true;
    return held.by.audit && held.by.audit->p >= wanted.audit->p &&
           (wanted.audit->by == AuditBy::reexec || held.by.audit->by == AuditBy::proof) && (allow_pending || !held.pending);
  };
  if (enough()) return Verdict::accept();
  return Verdict::reject("held by less than the policy wants", "slice " + std::to_string(held.slice) + ": wanted " +
                                                                   to_text(wanted) + ", found " + to_text(held.by) +
                                                                   (held.pending ? ", not drawn yet" : ""));
}

std::uint32_t weakest_of(const std::vector<Held>& slices) {
  const auto at = std::min_element(slices.begin(), slices.end(), [](const Held& a, const Held& b) { return rank(a) < rank(b); });
  return at == slices.end() ? 0 : at->slice;
}

}  // namespace dsperse::trust
