// dsperse verify FILE --key K: accepts or rejects a certificate (with --input, --output) or the verdict of a dispute; needs
// nothing else.
#include <algorithm>

#include "dsperse/cli/challenge.h"
#include "dsperse/cli/dispute_facts.h"
#include "dsperse/cli/facts.h"
#include "dsperse/cli/verbs.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/verified.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::cli {
namespace {

struct Flags {
  std::string key, model_id, nonce, greedy;
  pipeline::VerifyFiles files;
  Selection selection;
  ChallengeFlags challenge;
  bool no_cache = false;
  std::string coordinator, late_nonce, seal;
  bool allow_pending = false;
};

constexpr std::uint64_t kMaxSealFile = std::uint64_t{1} << 20;

Result<trust::RecordExpectation> record_of(const Flags& flags) {
  trust::RecordExpectation out;
  out.allow_pending = flags.allow_pending;
  if (!flags.coordinator.empty()) {
    DSPERSE_TRY(out.keeper, parse_digest(flags.coordinator, "--coordinator"));
  }
  if (!flags.late_nonce.empty()) {
    DSPERSE_TRY(out.late_part, parse_digest(flags.late_nonce, "--late-nonce"));
  }
  if (!flags.seal.empty()) {
    DSPERSE_TRY(const Bytes bytes, store::read_file(flags.seal, kMaxSealFile));
    auto seal = pipeline::read_checkpoint(bytes);
    if (!seal) return std::unexpected(seal.error().within(flags.seal));
    out.seal = std::move(*seal);
  }
  return out;
}

Result<int> verify_certificate(Context& context, const Flags& flags, const proof::ModelKey& key,
                               std::optional<store::VerifiedProofs>& cache, bool has_nonce) {
  if (flags.files.inputs.empty() || flags.files.output.empty())
    return fail(ErrorKind::usage, "a certificate is verified with the input and the claimed output", flags.files.certificate,
                "give --input and --output");
  pipeline::VerifyRequest request;
  if (has_nonce) {
    DSPERSE_TRY(request.nonce, parse_nonce(flags.nonce));
  }
  if (!flags.model_id.empty()) {
    DSPERSE_TRY(request.model_id, parse_digest(flags.model_id, "--model-id"));
  }
  if (!flags.greedy.empty()) {
    DSPERSE_TRY(request.greedy, pipeline::parse_greedy(flags.greedy));
  }
  DSPERSE_TRY(request.policy, flags.selection.policy_of());
  DSPERSE_TRY(request.challenge, flags.challenge.question());
  DSPERSE_TRY(request.record, record_of(flags));
  const trust::Ed25519Check signatures;
  request.signatures = &signatures;
  if (cache) request.known = cache->known();
  DSPERSE_TRY(const pipeline::VerifyReport report, pipeline::verify_step(key, flags.files, std::move(request)));
  if (cache) {
    cache->add(report.verdict.checked_ranges);
    cache->add(report.verdict.checked_links);
  }
  return show_verdict(context, key, report);
}

Result<int> verify(Context& context, const Flags& flags, bool has_nonce) {
  DSPERSE_TRY(const proof::ModelKey key, store::read_key(flags.key));
  std::optional<store::VerifiedProofs> cache = flags.no_cache ? std::nullopt : store::VerifiedProofs::open();
  if (!pipeline::is_verdict_file(flags.files.certificate)) return verify_certificate(context, flags, key, cache, has_nonce);
  pipeline::VerdictRequest request;
  if (!flags.model_id.empty()) {
    DSPERSE_TRY(request.model_id, parse_digest(flags.model_id, "--model-id"));
  }
  if (cache) request.known = cache->known();
  DSPERSE_TRY(const pipeline::VerdictReport report, pipeline::verify_verdict_file(key, flags.files.certificate, request));
  return show_verdict_file(context, report);
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  auto* verb = app.add_subcommand("verify", "accept or reject a certificate, or the verdict of a dispute");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("FILE", flags->files.certificate, "a certificate (.dscert) or a verdict (.dsverdict)")->required();
  verb->add_option("--key", flags->key, "the model's verification key (.dsk)")->required();
  auto* input = verb->add_option("--input", flags->files.inputs, "the input: FILE, NAME=FILE, or commit:HEX for a private one");
  auto* output = verb->add_option("--output", flags->files.output, "the claimed output (output.json)");
  input->needs(output);
  output->needs(input);
  verb->add_option("--model-id", flags->model_id, "the model that must have been run (64 hexadecimal digits)");
  auto* nonce = verb->add_option("--nonce", flags->nonce, "the number that this certificate was asked for with, in hexadecimal");
  verb->add_option("--greedy", flags->greedy,
                   "FIRST[:END]: the input's tokens from position FIRST on (counted from 0) must be the model's likeliest ones");
  flags->selection.add(*verb);
  flags->challenge.add(*verb);
  verb->add_option("--coordinator", flags->coordinator,
                   "the key of the coordinator that must have written the record of receipts");
  verb->add_option("--late-nonce", flags->late_nonce, "the nonce that you gave after the seal (64 hexadecimal digits)");
  verb->add_option("--seal", flags->seal, "the checkpoint that you were shown before you gave it (a file)");
  verb->add_flag("--allow-pending", flags->allow_pending, "take audits that are not drawn yet");
  verb->add_flag("--no-cache", flags->no_cache, "verify weight range proofs and epoch links even if this user did before");
  verb->add_option("--write-expectation", flags->files.expectation,
                   "write what is asked (input, output, nonce, model id, policy) as JSON, for other verifiers");
  context.add_common(*verb);
  verb->callback([&context, flags, nonce] {
    context.verb = "verify";
    context.action = [&context, flags, given = nonce->count() != 0] { return verify(context, *flags, given); };
  });
}

}  // namespace dsperse::cli
