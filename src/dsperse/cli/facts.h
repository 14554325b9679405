// The same facts as text and as JSON, for several verbs.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/steps.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::cli {

/// What `full-run` keeps of its own document, in the run folder, for `report`.
inline constexpr const char* kRunDocument = "full-run.json";

/// Slices of a plan with what they are predicted to cost.
void show_plan(Context& context, const store::PlanFile& plan);
/// Time and memory of every slice's compilation beside what was predicted.
void show_compiled(Context& context, const pipeline::CompiledSlices& compiled);
/// Model id, slices, the soundness budget of a certificate that proves what the model's treatments want.
[[nodiscard]] Status show_model(Context& context, const store::CompiledModel& model);
/// Outputs, saturation, clamping, commitments of private inputs; time and memory beside what was predicted.
[[nodiscard]] Status show_run(Context& context, const store::CompiledModel& model, const pipeline::RunStep& step);
/// Per proved slice: time, size, memory, beside what was predicted.
void show_proofs(Context& context, const pipeline::ProveStep& step);
/// "accepted" or "rejected ..." first; coverage; notes. The exit code. measured: per slice, when this command proved too.
int show_verdict(Context& context, const proof::ModelKey& key, const pipeline::VerifyReport& report,
                 const std::map<std::uint32_t, store::SliceRecord>& measured = {});

/// Names of a slice's ops; of one that runs in float its operators, and who runs them.
Json operators_json(const proof::SliceKey& slice);
Json float_operators_json(const std::string& engine, const std::vector<std::string>& operators);
/// Memory of the slices that were proved together: measured and predicted.
void add_work(Json& slice, const store::SliceRecord& record);

}  // namespace dsperse::cli
