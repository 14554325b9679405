// How far a case's outputs may be from the expected ones: docs/conformance.md, "The bound".
#pragma once

#include <string>
#include <vector>

#include "dsperse/quantize/quantize.h"

namespace dsperse::conformance {

/// What a case says of an output.
struct Expected {
  model::Tensor value;
  double coarseness = 0;  ///< distance of 1 to the next number of its type, where that is shorter than 32 bits
};

/// Float against float, as ONNX compares its own: "" or how the tensors differ.
std::string float_difference(const model::Tensor& got, const Expected& expected);

/// Values as floats, whatever their type.
std::vector<float> reals(const model::Tensor& t);

/// The sample as the integers of a run got it: float inputs as multiples of their steps.
[[nodiscard]] Result<quantize::Sample> rounded(const quantize::Sample& sample, const quantize::QuantizedModel& m,
                                               const quantize::TensorStore& trace);

struct Distance {
  double error = 0, bound = 0;  ///< of the element that comes closest to its bound, in real values
  double steps = 0;             ///< the error in steps of its output
  std::string text;             ///< how an output is beyond its bound; empty: all are within
};

/// A run of the integers against the expected outputs. graph: prepared; sample: its inputs; trace: complete.
[[nodiscard]] Result<Distance> measure(const model::Graph& graph, const quantize::Sample& sample,
                                       const quantize::QuantizedModel& m, const quantize::TensorStore& trace,
                                       const std::vector<Expected>& expected);

}  // namespace dsperse::conformance
