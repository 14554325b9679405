// A Program whose structure is fixed and whose numbers are still real: what lowering makes, and what exponents turn into
// integers. Lowering needs no calibration data; the same draft can be finished with other exponents.
//
// Tested by ops/lower_test.cc and ops/network_test.cc.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "dsperse/quantize/io.h"
#include "dsperse/quantize/program.h"
#include "dsperse/quantize/view.h"

namespace dsperse::quantize {

/// An activation on real numbers. alpha: slope of leaky_relu; lo, hi: ends of clip. table: any function `of` one real number,
/// named by `label`; where it is infinite the table has the end of its output's range, where it is NaN, 0.
struct RealActivation {
  Function f = Function::identity;
  double alpha = 0;
  double lo = -std::numeric_limits<double>::infinity(), hi = std::numeric_limits<double>::infinity();
  std::string label = {};
  std::function<double(double)> of = {};
  /// Of a table, set by Lowering::activation: the ONNX tensor that it is applied to, and whether that one is integers.
  std::string input = {};
  bool integers = false;
};
double apply(const RealActivation& activation, double x);
/// sigmoid and tanh: sampled on a grid of their own.
inline bool is_grid(Function f) { return f == Function::sigmoid || f == Function::tanh; }
/// The rounded accumulator has another exponent than the output.
inline bool has_own_grid(Function f) { return is_grid(f) || f == Function::table; }

/// What an integer tensor is in the float model: `after` applied to the ONNX tensor `source` (identity, unless a later activation
/// was moved before a pool), its elements placed as `view` says.
struct Origin {
  std::string source;
  RealActivation after;
  View view;
  bool integers = false;  ///< token ids, truth values and the like: exponent 0
  /// Of a tensor that is none of the graph's: its element i is this element of the source, or (-1) of none. Empty: all are, in
  /// order.
  std::vector<std::int64_t> index = {};
  /// Of an input of integers: what its type holds.
  std::int64_t lo = std::numeric_limits<std::int64_t>::min(), hi = std::numeric_limits<std::int64_t>::max();
};

struct Draft {
  /// Shapes, windows, terms, pieces; exponents, ranges, shifts and weight magnitudes not yet. A Reduce of coef 0 is a mean.
  Program program;
  std::vector<Origin> tensors;              ///< by TensorId
  std::vector<std::vector<float>> weights;  ///< by WeightId, in the order of the WeightSpec's shape
  std::vector<RealActivation> activations;  ///< by op
  std::vector<double> fills;                ///< by op: what a Rearrange puts where no piece lies; epsilon of a Normalize
  std::vector<std::int32_t> powers;         ///< by op: a Sum, Contract or Reduce counts 2^power times
  std::vector<IoMapping> inputs, outputs;
};

}  // namespace dsperse::quantize
