// Between a user's tensors and integer boundaries: layout, preprocessing, rounding at the input; reading of outputs.
//
// Source: docs/semantics.md, rule 10. Tested by quantize/io_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/quantize/program.h"

namespace dsperse::quantize {

/// How a model input or output maps to its integer tensor: enough to quantize a float input, and to read an output.
struct IoMapping {
  std::string name;                 ///< ONNX name
  Shape logical_shape;              ///< ONNX axis order
  std::vector<std::uint32_t> perm;  ///< axis k of the integer tensor (before unit axes are added) is ONNX axis perm[k]
  std::vector<float> scale, bias;   ///< preprocessing of image inputs: pixel * scale + bias per channel; empty: none
  friend bool operator==(const IoMapping&, const IoMapping&) = default;
};

/// An input of integers or booleans: exponent 0 and a range that is not symmetric, as every float's is. quantize_input takes
/// nothing else for it than whole numbers in the range.
[[nodiscard]] inline bool takes_integers(const TensorSpec& spec) { return spec.exponent == 0 && spec.lo != -spec.hi; }

struct QuantizedInput {
  IntTensor values;
  std::size_t clamped = 0;  ///< elements that clamping to [lo, hi] moved by more than one step
};

/// x: row major in ONNX axis order, `logical_shape` elements. q = round half away from zero(x 2^exponent), clamped to [lo, hi].
/// Errors (bad_input): wrong number of elements, NaN or infinity.
[[nodiscard]] Result<QuantizedInput> quantize_input(const IoMapping& io, const TensorSpec& spec, const std::vector<float>& x);
/// Real values q 2^-exponent in ONNX axis order.
[[nodiscard]] Result<std::vector<float>> read_output(const IoMapping& io, const TensorSpec& spec, const IntTensor& q);

}  // namespace dsperse::quantize
