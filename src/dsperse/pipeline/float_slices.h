// Slices that run in float: where they lie between integer slices, what their keys are, and how they are run.
//
// The integer program has what such a slice makes as an input, and what it reads as an output; here both become boundaries
// between slices, committed like any other. Not here: which operators run in float (float_cut.h), the engine (float_engine/).
// Source: docs/design/0040-float-slices.md. Tested by pipeline/float_slices_test.cc and tests/e2e/float_test.py.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dsperse/float_engine/engine.h"
#include "dsperse/proof/key.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/slice/plan.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::pipeline {

/// The program's ops so that all that a piece reads comes before all that reads what it makes; order is kept otherwise.
[[nodiscard]] Status order_for_floats(quantize::QuantizedModel& model, const std::vector<store::FloatPiece>& pieces);
/// Ops of an ordered program after which it must be cut.
[[nodiscard]] Result<std::vector<std::uint32_t>> float_cuts(const quantize::QuantizedModel& model,
                                                            const std::vector<store::FloatPiece>& pieces);

/// The plan with a slice for every piece, whose number is set, and without inputs and outputs that are none of the model. Slices
/// in float have their tensors and no op. Errors (bad_input): a cut of float_cuts() is missing; (unsupported): more than four
/// slices read a boundary.
[[nodiscard]] Result<slice::Plan> with_float_slices(slice::Plan plan, const quantize::QuantizedModel& model,
                                                    std::vector<store::FloatPiece>& pieces,
                                                    const std::vector<std::string>& inner);

/// Errors (usage): a treatment that needs a proof of the piece, or another worker's equal result.
[[nodiscard]] Status check_float_treatment(const store::FloatPiece& piece, const trust::Treatment& treatment);

/// Its key. slice: of the plan that with_float_slices made.
[[nodiscard]] Result<proof::SliceKey> float_key(const store::FloatPiece& piece, const quantize::QuantizedModel& model,
                                                const slice::Slice& slice, std::vector<proof::Port> inputs,
                                                std::vector<proof::Port> outputs, const proof::SecurityParams& params,
                                                const proof::Geometry& boundary);

/// "slice 2 (onnxruntime 1.22.0)" of the first slice that runs in float, or nothing: what cannot do with such a model says so.
std::string float_text(const proof::ModelKey& key);

/// The engines of a run, each started when its first slice is reached.
class FloatRunner {
 public:
  /// Values of the output ports from those of the input ports, rounded once and clamped to their ranges. clamped: elements that
  /// this moved. Errors: backend (the engine is not there, or not the key's version), unsupported (it refuses), bad_input (it
  /// makes something else than the key says, or no number).
  [[nodiscard]] Result<std::vector<quantize::IntTensor>> run(const proof::SliceKey& slice, ByteView network,
                                                             std::span<const quantize::IntTensor> inputs, std::uint64_t& clamped);

 private:
  std::map<std::string, std::unique_ptr<float_engine::Engine>> engines_;
};

}  // namespace dsperse::pipeline
