#include "dsperse/trust/receipt/envelope.h"

#include <algorithm>

namespace dsperse::trust {

Bytes pre_authentication(std::string_view payload_type, ByteView payload) {
  const std::string head = "DSSEv1 " + std::to_string(payload_type.size()) + " " + std::string(payload_type) + " " +
                           std::to_string(payload.size()) + " ";
  Bytes out;
  out.reserve(head.size() + payload.size());
  out.insert(out.end(), head.begin(), head.end());
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

Result<Envelope> seal(std::string_view payload_type, Bytes payload, const Signer& signer) {
  if (!is_word(payload_type, kMaxPayloadTypeBytes)) return fail(ErrorKind::bad_input, "a payload type that no envelope can hold");
  if (payload.size() > kMaxPayloadBytes)
    return fail(ErrorKind::bad_input, "a payload of " + std::to_string(payload.size()) + " bytes", "envelope",
                "at most " + std::to_string(kMaxPayloadBytes));
  Envelope out{std::string(payload_type), std::move(payload), {}};
  DSPERSE_CHECK_OK(add_signature(out, signer));
  return out;
}

Status add_signature(Envelope& envelope, const Signer& signer) {
  auto& all = envelope.signatures;
  const auto at = std::lower_bound(all.begin(), all.end(), signer.key(), [](const auto& s, const auto& k) { return s.key < k; });
  if (at != all.end() && at->key == signer.key())
    return fail(ErrorKind::bad_input, "signed by this key already", to_hex(signer.key()));
  if (all.size() >= kMaxSignatures) return fail(ErrorKind::bad_input, "an envelope holds no more signatures");
  DSPERSE_TRY(const Signature signature, signer.sign(pre_authentication(envelope.payload_type, envelope.payload)));
  all.insert(at, {signer.key(), signature});
  return {};
}

void write_envelope(CanonicalWriter& out, const Envelope& envelope) {
  out.literal(R"({"payload":)").base64(envelope.payload);
  out.literal(R"(,"payloadType":)").word(envelope.payload_type).literal(R"(,"signatures":[)");
  for (std::size_t i = 0; i < envelope.signatures.size(); ++i) {
    const auto& s = envelope.signatures[i];
    out.literal(i == 0 ? R"({"keyid":)" : R"(,{"keyid":)").digest(s.key).literal(R"(,"sig":)").base64(s.signature).literal("}");
  }
  out.literal("]}");
}

Envelope read_envelope(CanonicalReader& in) {
  Envelope out;
  in.literal(R"({"payload":)");
  out.payload = in.base64(kMaxPayloadBytes);
  in.literal(R"(,"payloadType":)");
  out.payload_type = in.word(kMaxPayloadTypeBytes);
  in.literal(R"(,"signatures":[)");
  do {
    EnvelopeSignature one;
    in.literal(R"({"keyid":)");
    one.key = in.digest();
    in.literal(R"(,"sig":)");
    const Bytes signature = in.base64(one.signature.size());
    in.literal("}");
    const bool ascends = out.signatures.empty() || out.signatures.back().key < one.key;
    if (signature.size() != one.signature.size() || !ascends || out.signatures.size() >= kMaxSignatures) in.set_bad();
    if (!in.ok()) return {};
    std::copy(signature.begin(), signature.end(), one.signature.begin());
    out.signatures.push_back(one);
  } while (in.take_if(","));
  in.literal("]}");
  return out;
}

Bytes encode_envelope(const Envelope& envelope) {
  CanonicalWriter out;
  write_envelope(out, envelope);
  return out.take();
}

Result<Envelope> decode_envelope(ByteView text) {
  if (text.size() > kMaxEnvelopeBytes)
    return fail(ErrorKind::bad_input, "an envelope of " + std::to_string(text.size()) + " bytes", "envelope",
                "at most " + std::to_string(kMaxEnvelopeBytes));
  CanonicalReader in(text);
  Envelope out = read_envelope(in);
  if (!in.finished())
    return fail(ErrorKind::bad_input, "not a canonical envelope", in.where(), "docs/formats/receipt.md has the one text of each");
  return out;
}

Verdict verify_envelope(const Envelope& envelope, std::string_view payload_type, const SignatureCheck& check) {
  if (envelope.payload_type != payload_type) return Verdict::reject("envelope: payload type");
  const Bytes message = pre_authentication(envelope.payload_type, envelope.payload);
  if (envelope.signatures.empty()) return Verdict::reject("envelope: signature");
  for (const auto& s : envelope.signatures)
    if (!check.valid(s.key, message, s.signature)) return Verdict::reject("envelope: signature", to_hex(s.key));
  return Verdict::accept();
}

}  // namespace dsperse::trust
