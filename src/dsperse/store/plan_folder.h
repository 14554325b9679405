// NAME.plan/: what `slice` decided. plan.json for people (cuts and treatments may be edited), program.bin (0600) for `compile`,
// policy.toml for verifiers: the treatments as an explicit policy.
//
// Not here: how a plan is made (slice/, pipeline/import.h). Source: docs/formats/plan.md. Tested by store/folders_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsperse/base/result.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/slice/plan.h"
#include "dsperse/trust/policy/assign.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::store {

/// Operators without integer form that hang together: an ONNX network that an engine runs in float.
struct FloatPiece {
  std::uint32_t slice = 0;      ///< its number in the plan
  std::string engine, version;  ///< who ran it for calibration, and will run it
  std::vector<std::string> operators;
  std::vector<std::string> inputs, outputs;  ///< names of its tensors: inputs and outputs of the program
  Bytes network;                             ///< ONNX file
};

struct PlanFile {
  std::string name;         ///< of the model, e.g. "lenet5"
  std::string calibration;  ///< which data chose the exponents
  quantize::QuantizedModel model;
  std::vector<std::string> labels;           ///< of the output's classes; may be empty
  std::vector<std::uint32_t> cuts;           ///< indices of the ops after which the program is cut, ascending
  std::vector<trust::Treatment> treatments;  ///< by slice: cuts.size() + 1 + floats.size()
  std::vector<FloatPiece> floats;            ///< in the order of their slices; most plans have none
  std::vector<std::string> inner;            ///< outputs of the program that are none of the model: pieces in float read them
  std::string policy;                        ///< what was asked: the policy as it was given; empty: proof
  std::vector<slice::Cost> predicted;        ///< by slice
  std::optional<slice::Cost> unsliced;       ///< predicted: the untiled model as one slice
  std::uint64_t process_bytes = 0;           ///< predicted: what the process has beside the slice in work
  slice::Optimize optimize = slice::Optimize::time;
  std::optional<trust::Treatments> trust;  ///< figures of the treatments; written for people, not read back
  /// Of a plan that open_plan read: its weights are still in this file, weight i at weights_at[i], and model.weights is empty.
  std::string weights_file;
  std::vector<std::uint64_t> weights_at;

  /// Values of these weights, from memory or from the file.
  [[nodiscard]] Result<quantize::WeightStore> weights_of(const std::vector<quantize::WeightId>& ids) const;
};

[[nodiscard]] Status write_plan(const std::string& folder, const PlanFile& plan);
/// Checks plan.json and program.bin and that they belong together. Cuts and treatments are those of plan.json.
[[nodiscard]] Result<PlanFile> read_plan(const std::string& folder);
/// The same without the weights, which weights_of reads when it is asked for them: large models are compiled slice by slice.
[[nodiscard]] Result<PlanFile> open_plan(const std::string& folder);

/// program.bin.
Bytes encode_program_file(const PlanFile& plan);
[[nodiscard]] Status decode_program_file(ByteView bytes, PlanFile& plan);

/// Of a "mode" in plan.json or a manifest: people may edit it. Errors: bad_input.
[[nodiscard]] Result<trust::Treatment> treatment_of(const std::string& text);

}  // namespace dsperse::store
