// Ed25519 (RFC 8032) by libsodium: the only place that includes its header (ed25519.cc).
//
// Not here: randomness (a seed is handed in, base/random.h makes one), key files. Tested by trust/sign/ed25519_test.cc.
#pragma once

#include "dsperse/trust/sign/signature.h"

namespace dsperse::trust {

/// Refuses what libsodium refuses: S not reduced, and keys or R of small order or not canonical.
class Ed25519Check final : public SignatureCheck {
 public:
  [[nodiscard]] bool valid(const PublicKey& key, ByteView message, const Signature& signature) const override;
};

/// Signs deterministically. The secret is wiped at the end; a moved-from signer holds none and must not sign.
class Ed25519Signer final : public Signer {
 public:
  /// seed: 32 secret random bytes, RFC 8032's private key. Errors (backend): libsodium does not start.
  [[nodiscard]] static Result<Ed25519Signer> from_seed(const Digest& seed);
  Ed25519Signer(Ed25519Signer&& other) noexcept;
  Ed25519Signer& operator=(Ed25519Signer&&) = delete;
  ~Ed25519Signer() override;

  [[nodiscard]] const PublicKey& key() const override { return key_; }
  /// Errors (internal): moved from.
  [[nodiscard]] Result<Signature> sign(ByteView message) const override;

 private:
  Ed25519Signer() = default;
  PublicKey key_{};
  std::array<std::uint8_t, 64> secret_{};
  bool holds_ = false;
};

}  // namespace dsperse::trust
