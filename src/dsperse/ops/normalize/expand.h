// Softmax and normalizations in the forms that have an integer op.
//
// Tested by ops/points_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// Softmax over several axes (before opset 13) as over one.
Expanded expand_softmax(const model::InferCall& call);
/// Scales and biases that are no constants, or vary from row to row: after a plain normalization.
Expanded expand_layer_normalization(const model::InferCall& call);

}  // namespace dsperse::ops
