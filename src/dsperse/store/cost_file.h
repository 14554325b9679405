// Predictions and their constants as JSON: members of plan.json and manifest.json; the file that `dsperse bench --calibrate`
// writes.
//
// Source: docs/formats/plan.md, docs/formats/cost-model.md. Tested by store/cost_file_test.cc.
#pragma once

#include <string>

#include "dsperse/base/result.h"
#include "dsperse/slice/fit.h"

namespace dsperse::store {

/// One JSON object.
[[nodiscard]] std::string cost_document(const slice::Cost& cost);
/// Absent members are zero; throws nlohmann's exceptions on wrong types.
[[nodiscard]] slice::Cost read_cost(const std::string& json);

/// The constants of one machine.
struct CostFile {
  std::string cpu;  ///< its name in words, as the system gives it
  slice::Fit fit;
};
/// cost-model.json in the state folder.
inline constexpr const char* kCostModelFile = "cost-model.json";

[[nodiscard]] std::string cost_model_document(const CostFile& file);
/// Errors (bad_input): no such document, a constant that is missing, not positive or not finite.
[[nodiscard]] Result<CostFile> parse_cost_model(const std::string& json);
[[nodiscard]] Status write_cost_model(const std::string& path, const CostFile& file);
[[nodiscard]] Result<CostFile> read_cost_model(const std::string& path);

}  // namespace dsperse::store
