// DSSE envelopes: typed bytes with signatures over their pre-authentication encoding.
//
//   {"payload":"BASE64","payloadType":"TYPE","signatures":[{"keyid":"HEX","sig":"BASE64"}]}
//
// DSSE leaves JSON's freedoms to its users; here an envelope has one text: exactly this, keyid the signer's public key,
// signatures ascending by it. Not here: what a payload means. Source: DSSE v1 (protocol and envelope), docs/formats/receipt.md.
// Tested by trust/receipt/envelope_test.cc and receipt_fuzz.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsperse/trust/receipt/canonical.h"
#include "dsperse/trust/sign/signature.h"

namespace dsperse::trust {

inline constexpr std::size_t kMaxPayloadBytes = std::size_t{1} << 18;
inline constexpr std::size_t kMaxPayloadTypeBytes = 128;
inline constexpr std::size_t kMaxSignatures = 8;
/// A longer text is refused before it is looked at.
inline constexpr std::size_t kMaxEnvelopeBytes = kMaxPayloadBytes / 3 * 4 + 4096;

struct EnvelopeSignature {
  PublicKey key{};
  Signature signature{};
  friend bool operator==(const EnvelopeSignature&, const EnvelopeSignature&) = default;
};

/// payload_type: a word (is_word) of at most kMaxPayloadTypeBytes. signatures: 1 to kMaxSignatures, strictly ascending by key.
struct Envelope {
  std::string payload_type;
  Bytes payload;
  std::vector<EnvelopeSignature> signatures;
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// What is signed: "DSSEv1" SP len(type) SP type SP len(payload) SP payload, lengths in decimal.
Bytes pre_authentication(std::string_view payload_type, ByteView payload);

/// An envelope with one signature. Errors (bad_input): a bound of Envelope; those of the signer.
[[nodiscard]] Result<Envelope> seal(std::string_view payload_type, Bytes payload, const Signer& signer);
/// Adds another signer's signature. Errors (bad_input): it has signed already, or kMaxSignatures have.
[[nodiscard]] Status add_signature(Envelope& envelope, const Signer& signer);

Bytes encode_envelope(const Envelope& envelope);
/// Errors (bad_input): anything that encode_envelope does not write; says the byte.
[[nodiscard]] Result<Envelope> decode_envelope(ByteView text);

/// For texts that hold envelopes. The reader is bad if none is there.
Envelope read_envelope(CanonicalReader& in);
void write_envelope(CanonicalWriter& out, const Envelope& envelope);

/// The type is this one, and every signature is valid.
/// Reasons: "envelope: payload type", "envelope: signature" (where: the key).
Verdict verify_envelope(const Envelope& envelope, std::string_view payload_type, const SignatureCheck& check);

}  // namespace dsperse::trust
