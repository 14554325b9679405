// Operators on quantized tensors in terms of QuantizeLinear, DequantizeLinear and products of floats.
//
// Tested by ops/points_test.cc.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// The tensor itself with scale 1 and zero point 0: what follows computes with the numbers that were to be rounded to 8 bits.
Expanded expand_dynamic_quantize(const model::InferCall& call);
/// Dequantize, Conv or MatMul, quantize.
Expanded expand_qlinear_conv(const model::InferCall& call);
Expanded expand_qlinear_matmul(const model::InferCall& call);
/// The product of what is left when the zero points are taken off, as integers.
Expanded expand_matmul_integer(const model::InferCall& call);
Expanded expand_conv_integer(const model::InferCall& call);

}  // namespace dsperse::ops
