// What files prove: which they are is seen by how they begin.
#include <fmt/format.h>

#include <algorithm>

#include "dsperse/pipeline/holding.h"
#include "dsperse/pipeline/ledger_view.h"

namespace dsperse::pipeline {
namespace {

using trust::Checkpoint;
using trust::Envelope;
using trust::PublicKey;

bool begins(ByteView bytes, std::string_view with) {
  return bytes.size() >= with.size() && std::equal(with.begin(), with.end(), bytes.begin(),
                                                   [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

/// The user's keeper, or the first signer.
PublicKey keeper_of(const Envelope& checkpoint, const CheckRequest& request) {
  return request.keeper.value_or(checkpoint.signatures.front().key);
}
std::string who(const PublicKey& key, const CheckRequest& request) {
  return to_hex(key) + (request.keeper ? "" : " (taken as given; pin it with --coordinator)");
}

Result<Finding> check_entry(const Bytes& file, const CheckRequest& request) {
  DSPERSE_TRY(const trust::EntryProof proof, trust::decode_entry_proof(file));
  const PublicKey keeper = keeper_of(proof.checkpoint, request);
  Checkpoint checkpoint;
  Finding out{trust::verify_entry_proof(proof, keeper, *request.signatures, checkpoint), {}, {}};
  if (!out.verdict) return out;
  const EntryView view = describe_entry(proof.index, proof.entry);
  out.text = fmt::format("entry {} of {} at size {} ({} {}); keeper {}", proof.index, checkpoint.origin, checkpoint.size,
                         view.kind, view.text, who(keeper, request));
  return out;
}

Result<Finding> check_evidence(const Bytes& file, const CheckRequest& request) {
  DSPERSE_TRY(const trust::Evidence evidence, trust::decode_evidence(file));
  Finding out;
  if (evidence.kind == trust::kSplitView) {
    const PublicKey keeper = keeper_of(evidence.first, request);
    out.verdict = trust::verify_split_view(evidence, keeper, *request.signatures);
    if (out.verdict) out.text = fmt::format("split view: keeper {} showed two logs under one name", who(keeper, request));
    return out;
  }
  PublicKey worker{};
  out.verdict = trust::verify_equivocation(evidence, *request.signatures, worker);
  if (out.verdict) out.text = fmt::format("equivocation: worker {} signed two receipts after one", to_hex(worker));
  return out;
}

Result<Finding> check_growth(const Bytes& a, const Bytes& b, const Bytes* proof_file, const CheckRequest& request) {
  DSPERSE_TRY(Envelope first, trust::decode_envelope(a));
  DSPERSE_TRY(Envelope second, trust::decode_envelope(b));
  const PublicKey keeper = keeper_of(first, request);
  Finding out;
  Checkpoint smaller, larger;
  const auto verify = [&](const Envelope& e, Checkpoint& to, const char* which) {
    const auto claimed = trust::decode_checkpoint(e.payload);
    Verdict v = trust::verify_checkpoint(e, claimed ? claimed->origin : "", keeper, *request.signatures, to);
    return v ? v : trust::within(std::move(v), which);
  };
  out.verdict = verify(first, smaller, "first");
  if (out.verdict) out.verdict = verify(second, larger, "second");
  if (out.verdict && smaller.origin != larger.origin) out.verdict = Verdict::reject("checkpoint: another log", larger.origin);
  if (!out.verdict) return out;
  if (smaller.size > larger.size) std::swap(smaller, larger);
  trust::ConsistencyProof proof{smaller.size, larger.size, {}};
  if (smaller.size != larger.size && smaller.size != 0) {
    if (proof_file == nullptr)
      return fail(
          ErrorKind::usage, fmt::format("from size {} to {} a consistency proof is needed", smaller.size, larger.size), {},
          fmt::format("its keeper makes it: dsperse ledger prove LEDGER --growth {}:{} --out FILE", smaller.size, larger.size));
    DSPERSE_TRY(proof, trust::decode_consistency(*proof_file));
  }
  out.verdict = trust::verify_growth(smaller, larger, proof);
  if (out.verdict) {
    out.text =
        fmt::format("{} only grew from size {} to {}; keeper {}", larger.origin, smaller.size, larger.size, who(keeper, request));
  } else if (smaller.size == larger.size) {
    out.text = "the keeper showed two logs: keep both checkpoints, they are evidence";
    out.evidence = trust::encode_evidence(trust::make_evidence(trust::kSplitView, std::move(first), std::move(second)));
  }
  return out;
}

Result<Finding> check_certificate(const Bytes& file, const CheckRequest& request) {
  if (request.key == nullptr)
    return fail(ErrorKind::usage, "a certificate's record is read with the model's key", {}, "give --key KEY.dsk");
  DSPERSE_TRY(const proof::Certificate certificate, proof::decode_certificate(*request.key, file));
  if (certificate.record.empty())
    return fail(ErrorKind::bad_input, "the certificate has no record of receipts", {}, "`dsperse verify` checks its proofs");
  std::set<std::uint32_t> proved;
  for (const proof::SliceProof& s : certificate.slices) proved.insert(s.slice);
  trust::RecordExpectation user;
  user.keeper = request.keeper;
  user.allow_pending = true;
  Holding holding;
  Finding out;
  DSPERSE_TRY(out.verdict,
              judge_holding(*request.key, certificate, proved, std::vector<trust::Treatment>(request.key->slices.size()), user,
                            request.signatures, holding));
  if (!out.verdict) return out;
  out.text = fmt::format("the record fits its certificate (proofs are not checked here: dsperse verify): {}; coordinator {}",
                         holding_text(holding), who(*holding.keeper, request));
  for (const std::string& note : holding.notes) out.text += "\nnote: " + note;
  return out;
}

}  // namespace

Result<Finding> check_files(const std::vector<Bytes>& files, const CheckRequest& request) {
  if (request.signatures == nullptr) return fail(ErrorKind::internal, "nobody to check signatures");
  if (files.size() == 1) {
    if (begins(files[0], R"({"v":1,"entry":)")) return check_entry(files[0], request);
    if (begins(files[0], R"({"evidence":)")) return check_evidence(files[0], request);
    if (begins(files[0], "DSCRT00")) return check_certificate(files[0], request);
    if (begins(files[0], R"({"payload":)"))
      return fail(ErrorKind::usage, "one envelope alone says nothing about a log", {},
                  "give two checkpoints; for an entry `dsperse ledger prove` writes a file with its proof");
  }
  std::vector<const Bytes*> checkpoints, proofs;
  for (const Bytes& f : files) (begins(f, "DSCON001") ? proofs : checkpoints).push_back(&f);
  const bool envelopes = std::ranges::all_of(checkpoints, [](const Bytes* f) { return begins(*f, R"({"payload":)"); });
  if (checkpoints.size() == 2 && proofs.size() <= 1 && envelopes)
    return check_growth(*checkpoints[0], *checkpoints[1], proofs.empty() ? nullptr : proofs[0], request);
  return fail(ErrorKind::bad_input, "neither an entry with its proof, nor two checkpoints, evidence, or a certificate", {},
              "docs/cli.md, `ledger`");
}

}  // namespace dsperse::pipeline
