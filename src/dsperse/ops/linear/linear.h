// Linear operators of the float half: Conv, Gemm, MatMul, BatchNormalization.
//
// Schemas in schema.cc, values in float.cc (kernels in gemm_kernel.cc). Tested by ops/schema_test.cc and tests/conformance.
#pragma once

#include "dsperse/ops/common/emit.h"

namespace dsperse::ops {

/// x (N, C, L) or (N, C, H, W), w (O, C / group, spatial...), optional bias (O).
Inferred infer_conv(const model::InferCall& call);
Evaluated evaluate_conv(const model::EvaluateCall& call);

/// alpha A' B' + beta C. Beyond ONNX, A may have more than two axes when transA is 0: it is read as (product, K) and the output
/// keeps its leading axes. model::fuse makes this form from MatMul + Add.
Inferred infer_gemm(const model::InferCall& call);
Evaluated evaluate_gemm(const model::EvaluateCall& call);
/// MatMul, Mul and Add where B is computed, A a constant, or C computed or different from row to row; otherwise it stays.
Expanded expand_gemm(const model::InferCall& call);

/// NumPy's matmul.
Inferred infer_matmul(const model::InferCall& call);
Evaluated evaluate_matmul(const model::EvaluateCall& call);

/// Inference form: y = (x - mean) scale / sqrt(variance + epsilon) + bias per channel (axis 1; axis 0 of a vector).
Inferred infer_batch_normalization(const model::InferCall& call);
Evaluated evaluate_batch_normalization(const model::EvaluateCall& call);

}  // namespace dsperse::ops
