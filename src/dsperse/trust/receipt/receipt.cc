#include "dsperse/trust/receipt/receipt.h"

#include <algorithm>
#include <limits>

#include "dsperse/crypto/hash/hash.h"

namespace dsperse::trust {
namespace {

bool share_a_chunk(const BoundaryRoots& a, const BoundaryRoots& b) {
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].chunk == b[j].chunk) return true;
    a[i].chunk < b[j].chunk ? ++i : ++j;
  }
  return false;
}

void write_roots(CanonicalWriter& out, const BoundaryRoots& roots) {
  out.literal("[");
  for (std::size_t i = 0; i < roots.size(); ++i)
    out.literal(i == 0 ? R"({"chunk":)" : R"(,{"chunk":)")
        .number(roots[i].chunk)
        .literal(R"(,"root":)")
        .digest(roots[i].root)
        .literal("}");
  out.literal("]");
}

BoundaryRoots read_roots(CanonicalReader& in) {
  BoundaryRoots out;
  in.literal("[");
  if (in.take_if("]")) return out;
  do {
    in.literal(R"({"chunk":)");
    const std::uint64_t chunk = in.number();
    in.literal(R"(,"root":)");
    const Digest root = in.digest();
    in.literal("}");
    if (chunk > std::numeric_limits<std::uint32_t>::max() || out.size() >= kMaxReceiptRoots) in.set_bad();
    if (!in.ok()) return {};
    out.push_back({static_cast<std::uint32_t>(chunk), root});
  } while (in.take_if(","));
  in.literal("]");
  return out;
}

/// One named digest, as most members are.
Digest read_digest(CanonicalReader& in, std::string_view name) {
  in.literal(name);
  return in.digest();
}

Digest payload_digest(ByteView payload) { return crypto::hash_tagged("dsperse receipt v1", {payload}); }

}  // namespace

Digest genesis(const PublicKey& worker) { return crypto::hash_tagged("dsperse receipt genesis v1", {worker}); }
Digest receipt_digest(const Receipt& receipt) { return payload_digest(encode_receipt(receipt)); }

Status check_receipt(const Receipt& r) {
  const auto bad = [](const char* what) { return fail(ErrorKind::bad_input, what, "receipt"); };
  if (r.roots_in.size() > kMaxReceiptRoots || r.roots_out.size() > kMaxReceiptRoots)
    return bad("more boundary roots than a receipt holds");
  if (!ascends(r.roots_in) || !ascends(r.roots_out)) return bad("boundary roots that do not ascend by chunk");
  if (share_a_chunk(r.roots_in, r.roots_out)) return bad("a chunk that goes in and comes out");
  if (!is_word(r.engine, kMaxEngineBytes)) return bad("an engine profile that is no word");
  if (r.started_ms > r.finished_ms) return bad("finished before it started");
  if (r.finished_ms > kMaxNumber || r.lease > kMaxNumber) return bad("a number beyond 2^53");
  return {};
}

Bytes encode_receipt(const Receipt& r) {
  CanonicalWriter out;
  out.literal(R"({"v":1,"job":)").digest(r.job).literal(R"(,"run":)").digest(r.run).literal(R"(,"model":)").digest(r.model);
  out.literal(R"(,"slice":)").digest(r.slice_key).literal(R"(,"h_in":)").digest(r.h_in).literal(R"(,"h_out":)").digest(r.h_out);
  out.literal(R"(,"commitment":)").digest(r.commitment).literal(R"(,"in":)");
  write_roots(out, r.roots_in);
  out.literal(R"(,"out":)");
  write_roots(out, r.roots_out);
  out.literal(R"(,"engine":)").word(r.engine).literal(R"(,"proof":)");
  if (r.proof)
    out.digest(*r.proof);
  else
    out.literal("null");
  out.literal(R"(,"started_ms":)").number(r.started_ms).literal(R"(,"finished_ms":)").number(r.finished_ms);
  out.literal(R"(,"lease":)").number(r.lease).literal(R"(,"worker":)").digest(r.worker).literal(R"(,"prev":)").digest(r.prev);
  out.literal("}");
  return out.take();
}

Result<Receipt> decode_receipt(ByteView payload) {
  CanonicalReader in(payload);
  Receipt r;
  r.job = read_digest(in, R"({"v":1,"job":)");
  r.run = read_digest(in, R"(,"run":)");
  r.model = read_digest(in, R"(,"model":)");
  r.slice_key = read_digest(in, R"(,"slice":)");
  r.h_in = read_digest(in, R"(,"h_in":)");
  r.h_out = read_digest(in, R"(,"h_out":)");
  r.commitment = read_digest(in, R"(,"commitment":)");
  in.literal(R"(,"in":)");
  r.roots_in = read_roots(in);
  in.literal(R"(,"out":)");
  r.roots_out = read_roots(in);
  in.literal(R"(,"engine":)");
  r.engine = in.word(kMaxEngineBytes);
  in.literal(R"(,"proof":)");
  if (!in.take_if("null")) r.proof = in.digest();
  in.literal(R"(,"started_ms":)");
  r.started_ms = in.number();
  in.literal(R"(,"finished_ms":)");
  r.finished_ms = in.number();
  in.literal(R"(,"lease":)");
  r.lease = in.number();
  r.worker = read_digest(in, R"(,"worker":)");
  r.prev = read_digest(in, R"(,"prev":)");
  in.literal("}");
  if (!in.finished()) return fail(ErrorKind::bad_input, "not a canonical receipt", in.where());
  DSPERSE_CHECK_OK(check_receipt(r));
  return r;
}

Result<Envelope> sign_receipt(const Receipt& receipt, const Signer& worker) {
  DSPERSE_CHECK_OK(check_receipt(receipt));
  if (worker.key() != receipt.worker) return fail(ErrorKind::bad_input, "signed by another key than its worker's", "receipt");
  return seal(kReceiptType, encode_receipt(receipt), worker);
}

Verdict verify_receipt(const Envelope& envelope, const SignatureCheck& check, Receipt& out) {
  if (envelope.signatures.size() != 1) return Verdict::reject("receipt: signatures");
  // Nothing is read of a payload before its signature holds.
  if (Verdict v = verify_envelope(envelope, kReceiptType, check); !v) return v;
  auto receipt = decode_receipt(envelope.payload);
  if (!receipt) return Verdict::reject("receipt: not canonical", receipt.error().text());
  if (receipt->worker != envelope.signatures[0].key) return Verdict::reject("receipt: signed by another key");
  out = std::move(*receipt);
  return Verdict::accept();
}

Verdict verify_receipt(ByteView text, const SignatureCheck& check, Receipt& out) {
  const auto envelope = decode_envelope(text);
  if (!envelope) return Verdict::reject("envelope: not canonical", envelope.error().where);
  return verify_receipt(*envelope, check, out);
}

Verdict verify_receipt_opening(const Receipt& r, const Digest& salt) {
  return verify_opening(r.commitment, r.job, r.worker, {r.h_out, salt});
}

Verdict verify_answer(const Receipt& r, const Assignment& a) {
  const auto other = [](const char* field) { return Verdict::reject("receipt: answers another job", field); };
  if (r.run != a.run) return other("run");
  if (r.model != a.model) return other("model");
  if (r.slice_key != a.slice_key) return other("slice");
  if (r.roots_in != a.roots_in) return other("in");
  if (r.h_in != a.h_in) return other("h_in");
  if (r.job != job_id(a.run, a.slice_key, a.roots_in, a.nonce)) return other("job");
  if (r.worker != a.worker) return other("worker");
  if (r.lease != a.lease) return other("lease");
  if (a.commitment && r.commitment != *a.commitment) return other("commitment");
  return Verdict::accept();
}

Verdict verify_chain(std::span<const Receipt> receipts, const PublicKey& worker, const Digest& prev) {
  Digest expected = prev;
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    if (receipts[i].worker != worker) return Verdict::reject("receipt: another worker", "receipt " + std::to_string(i));
    if (receipts[i].prev != expected) return Verdict::reject("receipt: chain is broken", "receipt " + std::to_string(i));
    expected = receipt_digest(receipts[i]);
  }
  return Verdict::accept();
}

}  // namespace dsperse::trust
