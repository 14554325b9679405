// The figures of a plan's treatments as JSON: the member `trust` of plan.json and of what `slice --json` prints.
//
// Written, never read back: what counts are the treatments. Source: docs/formats/plan.md. Tested by tests/e2e/plan_test.py.
#pragma once

#include <string>

#include "dsperse/trust/policy/assign.h"

namespace dsperse::store {

/// One JSON object; what is infinite (no rate or bond deters) is null.
[[nodiscard]] std::string trust_document(const trust::Treatments& assignment);

}  // namespace dsperse::store
