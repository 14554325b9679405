// Signatures as the trust rooms see them: somebody who signs, somebody who checks. Both are handed in.
//
// A header alone, so that who verifies receipts and checkpoints links no cryptographic library of ours or of others.
// Not here: an algorithm (ed25519.h), keys at rest. Source: docs/formats/receipt.md. Tested by trust/sign/ed25519_test.cc.
#pragma once

#include <array>
#include <cstdint>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::trust {

using PublicKey = std::array<std::uint8_t, 32>;  ///< Ed25519, RFC 8032's encoding
using Signature = std::array<std::uint8_t, 64>;

/// Decides signatures. Deterministic; any bytes may be asked.
class SignatureCheck {
 public:
  virtual ~SignatureCheck() = default;
  [[nodiscard]] virtual bool valid(const PublicKey& key, ByteView message, const Signature& signature) const = 0;
};

/// Holds one secret key.
class Signer {
 public:
  virtual ~Signer() = default;
  [[nodiscard]] virtual const PublicKey& key() const = 0;
  [[nodiscard]] virtual Result<Signature> sign(ByteView message) const = 0;
};

}  // namespace dsperse::trust
