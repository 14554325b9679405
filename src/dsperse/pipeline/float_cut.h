// Which of a model's operators run in float: those without integer form, where the user named an engine for them.
//
// The graph is cut around them. What is left is a graph of supported operators, with what the pieces make as inputs and what they
// read as outputs; it is quantized like any other. Not here: slices (float_slices.h), the engine (float_engine/). Source:
// docs/design/0040-float-slices.md. Tested by pipeline/float_cut_test.cc and tests/e2e/float_test.py.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsperse/float_engine/engine.h"
#include "dsperse/model/operator.h"
#include "dsperse/pipeline/import.h"

namespace dsperse::pipeline {

/// Runs one ONNX file in float: an engine, or what tests put in its place.
struct FloatRun {
  std::string engine, version;
  std::function<Result<std::vector<model::Tensor>>(ByteView network, const float_engine::Engine::Inputs& inputs)> run;
};
[[nodiscard]] Result<FloatRun> start_engine(const std::string& name);

struct FloatCut {
  model::Graph whole;                     ///< prepared, with all operators
  model::OperatorSet operators;           ///< of `whole`: the engine runs those that are none of dsperse
  model::Graph rest;                      ///< prepared, without the pieces
  std::vector<store::FloatPiece> pieces;  ///< none: everything has an integer form
  std::vector<std::string> inner;         ///< outputs of `rest` that are none of the model
};

/// Errors: bad_input, unsupported (an operator that can run neither way, a shape that depends on values), those of the engine.
[[nodiscard]] Result<FloatCut> cut_floats(const ImportRequest& request, const FloatRun& engine);

/// The samples with what the pieces make, as `rest` wants them.
[[nodiscard]] Status add_float_values(const FloatCut& cut, Calibration& calibration);

}  // namespace dsperse::pipeline
