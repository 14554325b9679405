// The list of operators: every one is named once, in registry.cc.
//
// A row joins an operator's facets; the facets live in ops/<family>. Tested by ops/schema_test.cc.
#pragma once

#include "dsperse/model/operator.h"

namespace dsperse::ops {

/// Schemas and float values of all operators, for the passes and the float interpreter.
const model::OperatorSet& float_operators();

}  // namespace dsperse::ops
