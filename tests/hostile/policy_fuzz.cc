// Any text as a policy, applied to the fixed key's slices: an error, or one treatment a slice, explicit policies that expand to
// themselves, and figures that are probabilities and costs.
#include <cmath>
#include <cstdlib>

#include "dsperse/trust/policy/assign.h"
#include "fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dsperse;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto ranges = trust::parse_slices(text))
    for (const auto& [low, high] : *ranges)
      if (low > high) std::abort();
  const auto policy = trust::parse_policy(text);
  if (!policy) return 0;
  trust::PlanFacts facts;
  for (const proof::SliceKey& s : fuzz::fixture().key.slices) {
    facts.programs.push_back(&s.program);
    facts.costs.push_back({1, 100});
    facts.influences.push_back(1);
  }
  const auto treatments = trust::expand(*policy, facts.programs);
  if (treatments && treatments->size() != facts.programs.size()) std::abort();
  if (treatments && !policy->is_explicit()) std::abort();
  const auto assigned = trust::assign(*policy, facts);
  if (!assigned) return 0;
  const std::vector<trust::Treatment> given = assigned->treatments();
  if (treatments && given != *treatments) std::abort();
  const auto again = trust::parse_policy(trust::policy_toml(given));
  if (!again || trust::expand(*again, facts.programs) != given) std::abort();
  for (const trust::SlicePlan& s : assigned->plan.slices)
    if (!(s.failure >= 0 && s.failure <= 1 && s.cost >= 0 && std::isfinite(s.cost))) std::abort();
  if (policy->planning && !(assigned->plan.residual <= policy->planning->budget * (1 + 1e-9))) std::abort();
  (void)trust::to_text(*assigned);
  return 0;
}
