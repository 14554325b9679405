// From a plan to keys: the boundary graph, a key for every slice, the weights committed.
//
// Not here: files (store/) and opening counters; the caller registers every origin root before the model becomes visible.
// Tested by pipeline/pipeline_test.cc.
#pragma once

#include <functional>
#include <vector>

#include "dsperse/backend/backend.h"
#include "dsperse/pipeline/costing.h"
#include "dsperse/pipeline/memory.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/slice/plan.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/plan_folder.h"

namespace dsperse::pipeline {

struct CompileOptions {
  proof::Profile profile = proof::Profile::bits100;
  bool private_input = false;   ///< model inputs are committed, not public
  bool public_weights = false;  ///< the key shows the weights; otherwise it commits to them
  proof::Optimize goal = proof::Optimize::time;
  slice::CostModel cost = {};  ///< of the predictions that go with the model
};

struct Compiled {
  store::CompiledModel model;
  std::vector<store::ProvingKey> secrets;  ///< by slice
};

/// Chunks and edges of a plan: one chunk per boundary tensor, public at the model's ends. Edge names are the ONNX names at the
/// ends, the tensor names inside. Errors: an input that is an output under another name.
struct BoundaryGraph {
  std::vector<proof::Chunk> chunks;
  std::vector<proof::Edge> edges;
  std::vector<std::vector<proof::Port>> inputs, outputs;  ///< by slice
};
[[nodiscard]] Result<BoundaryGraph> boundary_graph(const quantize::QuantizedModel& model, const slice::Plan& plan,
                                                   bool private_input);

/// Receives the secrets of every slice as soon as its key is there; they are dropped after that.
using KeepSecret = std::function<Status(std::uint32_t slice, const proof::SliceKey& key, const store::ProvingKey& secret)>;

/// A plan compiled slice by slice: no more than one slice's weights are in memory if the plan's are in its file.
struct CompiledSlices {
  store::CompiledModel model;
  std::vector<Usage> used;  ///< by slice
};
/// Fresh seeds every time, so two compilations of one plan have different keys. Errors name the slice and op.
[[nodiscard]] Result<CompiledSlices> compile_slices(const store::PlanFile& plan, const CompileOptions& options,
                                                    const backend::Backend& backend, const Observer& observer,
                                                    const KeepSecret& keep);
/// The same with all secrets kept.
[[nodiscard]] Result<Compiled> compile_plan(const store::PlanFile& plan, const CompileOptions& options,
                                            const backend::Backend& backend, const Observer& observer);

}  // namespace dsperse::pipeline
