// A finished run of a coordinator as a run folder: what `run` and `prove` would have left, with the record in the certificate.
//
// Tested by pipeline/network/network_test.cc.
#pragma once

#include "dsperse/pipeline/execute.h"
#include "dsperse/pipeline/network/desk.h"
#include "dsperse/store/run_folder.h"
#include "dsperse/work/coordinator/coordinator.h"

namespace dsperse::pipeline {

struct CollectedRun {
  RunSummary run;  ///< without times
  std::string certificate_path;
  std::vector<std::string> verdict_paths;
};

/// Writes boundaries, proofs, output.json, certificate.dscert, verdicts/N.dsverdict and seal.json into `folder` (fresh), and
/// finishes it last. Every value is checked against its root. Errors: bad_input (a blob is missing or damaged).
[[nodiscard]] Result<CollectedRun> collect_run(const store::ModelFolder& model, const std::string& model_path,
                                               const work::FinishedRun& finished, engine::BlobStore& blobs, ModelDesk& desk,
                                               store::RunFolder& folder);

/// What collect_run() gave for a folder that is finished already. Errors: usage (it is of another run), those of the folder.
[[nodiscard]] Result<CollectedRun> collected_before(const proof::ModelKey& key, const work::FinishedRun& finished,
                                                    const std::string& folder);

}  // namespace dsperse::pipeline
