#include "dsperse/trust/receipt/evidence.h"

#include <algorithm>

namespace dsperse::trust {
namespace {

bool before(const Bytes& a, const Bytes& b) { return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

Evidence make_evidence(std::string_view kind, Envelope a, Envelope b) {
  if (before(b.payload, a.payload)) std::swap(a, b);
  return {std::string(kind), std::move(a), std::move(b)};
}

Verdict within(Verdict v, const std::string& outer) {
  v.where = v.where.empty() ? outer : outer + " > " + v.where;
  return v;
}

Bytes encode_evidence(const Evidence& evidence) {
  CanonicalWriter out;
  out.literal(R"({"evidence":)").word(evidence.kind).literal(R"(,"first":)");
  write_envelope(out, evidence.first);
  out.literal(R"(,"second":)");
  write_envelope(out, evidence.second);
  out.literal("}");
  return out.take();
}

Result<Evidence> decode_evidence(ByteView text) {
  if (text.size() > kMaxEvidenceBytes)
    return fail(ErrorKind::bad_input, "evidence of " + std::to_string(text.size()) + " bytes", "evidence",
                "at most " + std::to_string(kMaxEvidenceBytes));
  CanonicalReader in(text);
  Evidence out;
  in.literal(R"({"evidence":)");
  out.kind = in.word(64);
  in.literal(R"(,"first":)");
  out.first = read_envelope(in);
  in.literal(R"(,"second":)");
  out.second = read_envelope(in);
  in.literal("}");
  if (!in.finished()) return fail(ErrorKind::bad_input, "not canonical evidence", in.where());
  if (before(out.second.payload, out.first.payload)) return fail(ErrorKind::bad_input, "evidence in the other order", "evidence");
  return out;
}

Verdict verify_equivocation(const Evidence& evidence, const SignatureCheck& check, PublicKey& worker) {
  if (evidence.kind != kEquivocation) return Verdict::reject("evidence: another kind");
  Receipt a, b;
  if (Verdict v = verify_receipt(evidence.first, check, a); !v) return within(std::move(v), "first");
  if (Verdict v = verify_receipt(evidence.second, check, b); !v) return within(std::move(v), "second");
  if (a.worker != b.worker) return Verdict::reject("evidence: two workers");
  if (a == b) return Verdict::reject("evidence: one receipt twice");
  if (a.prev != b.prev) return Verdict::reject("evidence: receipts follow different ones");
  worker = a.worker;
  return Verdict::accept();
}

Verdict verify_equivocation(ByteView text, const SignatureCheck& check, PublicKey& worker) {
  const auto evidence = decode_evidence(text);
  if (!evidence) return Verdict::reject("evidence: not canonical", evidence.error().where);
  return verify_equivocation(*evidence, check, worker);
}

}  // namespace dsperse::trust
