// The verbs as functions from files to files: what the command line, Python and the engine call.
//
// Each takes what the one before wrote and leaves nothing partial under a final name. Tested by pipeline/pipeline_test.cc,
// tests/e2e.
#pragma once

#include <string>
#include <vector>

#include "dsperse/pipeline/compile.h"
#include "dsperse/pipeline/execute.h"
#include "dsperse/pipeline/prove.h"
#include "dsperse/pipeline/verify.h"

namespace dsperse::pipeline {

/// Compiles into `dsm` and `dsk`; the origin's openings are registered first, so they belong to this installation alone.
[[nodiscard]] Result<CompiledSlices> compile_step(const store::PlanFile& plan, const CompileOptions& options,
                                                  const backend::Backend& backend, store::OpeningStore& openings,
                                                  const std::string& dsm, const std::string& dsk, const Observer& observer);

struct RunStep {
  RunSummary run;
  std::map<std::string, std::size_t> clamped;  ///< input elements outside of the declared range
};
/// Runs on the files' tensors into `out` (a folder without a finished run). draw: as in run_model.
[[nodiscard]] Result<RunStep> run_step(const std::string& dsm, const std::vector<store::FileTensor>& inputs, const Bytes& nonce,
                                       const std::string& out, const Observer& observer, std::uint32_t draw = 1);

/// Slices that the compiled model's own treatments, or the policy if one is given, want proved.
[[nodiscard]] Result<std::set<std::uint32_t>> slices_to_prove(const store::CompiledModel& model,
                                                              const std::optional<trust::Policy>& policy);

/// What a challenge asked of a prover.
struct Challenged {
  Digest bound{};
  std::vector<std::uint32_t> drawn;
};

/// Proves into the run folder and writes certificate.dscert beside the proofs. dsm: empty: where the run says it is. A challenge
/// (options.challenge) asks for the slices that it draws beside those of the policy; without a policy for the drawn ones alone.
struct ProveStep {
  ProveSummary summary;
  std::string certificate_path;
  store::CompiledModel model;
  Digest run_id{};
  std::optional<Challenged> challenged;
};
[[nodiscard]] Result<ProveStep> prove_step(const std::string& run_folder, const std::string& dsm,
                                           const std::optional<trust::Policy>& policy, const backend::Backend& backend,
                                           store::OpeningStore& openings, ProveOptions options, const Observer& observer);

/// NAME=FILE, FILE, NAME=commit:HEX[,HEX...] or commit:HEX as tensors and roots. allow_commitments: for verifiers.
struct InputArguments {
  std::vector<store::FileTensor> tensors;
  EdgeRoots roots;
};
[[nodiscard]] Result<InputArguments> read_inputs(const std::vector<std::string>& arguments, const proof::ModelKey& key,
                                                 bool allow_commitments);

struct VerifyFiles {
  std::string certificate, output;
  std::vector<std::string> inputs;  ///< as in read_inputs
  std::string expectation = {};     ///< where to write the question for other verifiers (expectation.h); empty: nowhere
};
/// Reads the files, writes the question if asked to, and verifies; everything of VerifyRequest that is not a file is taken from
/// `request`.
[[nodiscard]] Result<VerifyReport> verify_step(const proof::ModelKey& key, const VerifyFiles& files, VerifyRequest request);

}  // namespace dsperse::pipeline
