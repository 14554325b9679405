// One run as one self-contained HTML page: verdict, what is proved and what is not, times, sizes, accuracy, how to check it
// again.
//
// The page is made from measurements alone: the JSON document that `dsperse full-run --json` prints. It loads nothing, runs no
// script, and reads on a phone and on paper. Not here: verifying anything (proof/verify.h), reading files (cli/).
// Source: docs/formats/report.md. Tested by report/document_test.cc and report/page_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsperse/base/result.h"

namespace dsperse::report {

/// One slice; what was not measured or predicted is absent. Times in seconds, sizes in bytes.
struct Slice {
  std::uint32_t index = 0;
  std::string mode;                     ///< what holds it: proof, trust, replicate(k), audit(p), replicate(k)+audit(p)
  bool pending = false, drawn = false;  ///< of an audit: not drawn yet; drawn and passed
  std::vector<std::string> operators;   ///< names, in order
  std::optional<std::uint64_t> macs, lookups;
  std::optional<double> predicted_prove_s, prove_s, verify_s;
  std::optional<std::uint64_t> predicted_peak_bytes, peak_bytes, predicted_proof_bytes, proof_bytes;
  /// Memory beyond what the process had, of all slices that were proved together.
  std::optional<std::uint64_t> predicted_work_bytes, work_bytes;
  std::optional<double> predicted_run_s, run_s;
  std::optional<std::uint64_t> predicted_run_bytes, run_bytes;
};

/// A boundary tensor from slice to slice; kOutside is the user (inputs, outputs).
struct Edge {
  static constexpr std::int64_t kOutside = -1;
  std::int64_t from = kOutside, to = kOutside;
  std::string name;
};

struct Output {
  std::string name;
  std::string label;  ///< empty: none
  std::optional<std::uint64_t> top;
  std::vector<double> values;
};

/// Integers against float over the calibration samples.
struct Fidelity {
  std::string output;
  double max_abs_error = 0, mean_abs_error = 0, cosine = 0, top1_agreement = 0;
};

struct Coverage {
  std::uint64_t slices = 0, slices_proved = 0, operators = 0, operators_proved = 0;
  std::uint64_t macs = 0, macs_proved = 0, macs_cone = 0;  ///< cone: whole ancestry proved too
};

/// Proving the whole model as one slice, predicted or measured, to set beside the sliced run.
struct Unsliced {
  std::optional<double> prove_s, verify_s;
  std::optional<std::uint64_t> peak_bytes, proof_bytes;
  bool measured = false;
};

struct Document {
  std::string model, model_id, run_id, calibration, folder;
  unsigned profile_bits = 0;
  std::string weights;                 ///< "hidden" or "public"; empty: not said
  std::string verdict, reason, where;  ///< accepted, rejected, or empty: not verified
  std::string holding;                 ///< what holds the slices, in a line; empty: not said
  bool model_pinned = false, fresh = false;
  std::vector<std::string> notes;
  std::optional<Coverage> coverage;
  std::vector<Slice> slices;
  std::vector<Edge> edges;  ///< empty: taken as a chain
  std::vector<Output> outputs;
  std::uint64_t fidelity_samples = 0;
  std::vector<Fidelity> fidelity;
  std::optional<double> run_s, commit_s, verify_s;
  std::optional<std::uint64_t> saturated, certificate_bytes;
  std::optional<Unsliced> unsliced;
};

/// Reads the JSON document of a run (docs/formats/report.md). Unknown members are ignored. Errors (bad_input): no JSON object,
/// no slices, more than 4096 of them, a member of the wrong type (named by its path).
[[nodiscard]] Result<Document> parse_document(std::string_view json);

/// The page, UTF-8. Every string of the document is escaped. Deterministic.
std::string page(const Document& document);

/// How the lottery of an audit stands.
enum class Draw : std::uint8_t { not_drawn, drawn, pending };
/// What one slice's mode guarantees, for a reader who knows no cryptography. bits: of the profile. ancestors_proved: every slice
/// that its inputs come from, directly or not, is proved. weights_public: the key shows them. draw: of an audit.
std::string guarantee(std::string_view mode, unsigned bits, bool ancestors_proved, bool weights_public = false,
                      Draw draw = Draw::not_drawn);

/// By slice position: is everything that it computes from proved (itself not counted)?
std::vector<bool> ancestors_proved(const Document& document);

}  // namespace dsperse::report
