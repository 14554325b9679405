#include "dsperse/trust/ledger/checkpoint.h"

#include <algorithm>

namespace dsperse::trust {
namespace {

/// All of verify_checkpoint but which log it is.
Verdict verify_any(const Envelope& envelope, const PublicKey& keeper, const SignatureCheck& check, Checkpoint& out) {
  const auto& all = envelope.signatures;
  if (all.size() > kMaxSignatures || std::none_of(all.begin(), all.end(), [&](const auto& s) { return s.key == keeper; }))
    return Verdict::reject("checkpoint: not signed by its keeper");
  if (Verdict v = verify_envelope(envelope, kCheckpointType, check); !v) return v;
  auto checkpoint = decode_checkpoint(envelope.payload);
  if (!checkpoint) return Verdict::reject("checkpoint: not canonical", checkpoint.error().text());
  out = std::move(*checkpoint);
  return Verdict::accept();
}

}  // namespace

Status check_checkpoint(const Checkpoint& c) {
  const auto bad = [](const char* what) { return fail(ErrorKind::bad_input, what, "checkpoint"); };
  if (c.origin.empty() || !is_word(c.origin, kMaxOriginBytes)) return bad("an origin that is no word");
  if (c.size > kMaxLeaves) return bad("more than 2^48 leaves");
  if (c.size == 0 && c.root != empty_root()) return bad("a root of leaves in an empty log");
  if (c.time_ms > kMaxNumber) return bad("a time beyond 2^53");
  return {};
}

Bytes encode_checkpoint(const Checkpoint& c) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"origin":)").word(c.origin).literal(R"(,"size":)").number(c.size);
  out.literal(R"(,"root":)").digest(c.root).literal(R"(,"time_ms":)").number(c.time_ms).literal("}");
  return out.take();
}

Result<Checkpoint> decode_checkpoint(ByteView payload) {
  CanonicalReader in(payload);
  Checkpoint c;
  in.literal(R"({"v":1,"origin":)");
  c.origin = in.word(kMaxOriginBytes);
  in.literal(R"(,"size":)");
  c.size = in.number();
  in.literal(R"(,"root":)");
  c.root = in.digest();
  in.literal(R"(,"time_ms":)");
  c.time_ms = in.number();
  in.literal("}");
  if (!in.finished()) return fail(ErrorKind::bad_input, "not a canonical checkpoint", in.where());
  DSPERSE_CHECK_OK(check_checkpoint(c));
  return c;
}

Result<Envelope> sign_checkpoint(const Checkpoint& checkpoint, const Signer& keeper) {
  DSPERSE_CHECK_OK(check_checkpoint(checkpoint));
  return seal(kCheckpointType, encode_checkpoint(checkpoint), keeper);
}

Verdict verify_checkpoint(const Envelope& envelope, std::string_view origin, const PublicKey& keeper, const SignatureCheck& check,
                          Checkpoint& out) {
  Checkpoint found;
  if (Verdict v = verify_any(envelope, keeper, check, found); !v) return v;
  if (found.origin != origin) return Verdict::reject("checkpoint: another log", found.origin);
  out = std::move(found);
  return Verdict::accept();
}

Verdict verify_checkpoint(ByteView text, std::string_view origin, const PublicKey& keeper, const SignatureCheck& check,
                          Checkpoint& out) {
  const auto envelope = decode_envelope(text);
  if (!envelope) return Verdict::reject("envelope: not canonical", envelope.error().where);
  return verify_checkpoint(*envelope, origin, keeper, check, out);
}

Verdict verify_entry(ByteView entry, const InclusionProof& proof, const Checkpoint& checkpoint) {
  if (proof.size != checkpoint.size) return Verdict::reject("checkpoint: proof of other sizes");
  return verify_inclusion(leaf_hash(entry), proof, checkpoint.root);
}

Verdict verify_growth(const Checkpoint& smaller, const Checkpoint& larger, const ConsistencyProof& proof) {
  if (smaller.size == larger.size && smaller.root != larger.root) return Verdict::reject("checkpoint: split view");
  if (proof.first != smaller.size || proof.second != larger.size) return Verdict::reject("checkpoint: proof of other sizes");
  return verify_consistency(proof, smaller.root, larger.root);
}

Verdict verify_split_view(const Evidence& evidence, const PublicKey& keeper, const SignatureCheck& check) {
  if (evidence.kind != kSplitView) return Verdict::reject("evidence: another kind");
  Checkpoint a, b;
  if (Verdict v = verify_any(evidence.first, keeper, check, a); !v) return within(std::move(v), "first");
  if (Verdict v = verify_any(evidence.second, keeper, check, b); !v) return within(std::move(v), "second");
  if (a.origin != b.origin) return Verdict::reject("evidence: two logs");
  if (a.size != b.size) return Verdict::reject("evidence: two sizes");
  if (a.root == b.root) return Verdict::reject("evidence: one root");
  return Verdict::accept();
}

Verdict verify_split_view(ByteView text, const PublicKey& keeper, const SignatureCheck& check) {
  const auto evidence = decode_evidence(text);
  if (!evidence) return Verdict::reject("evidence: not canonical", evidence.error().where);
  return verify_split_view(*evidence, keeper, check);
}

}  // namespace dsperse::trust
