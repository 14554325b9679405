#include "dsperse/trust/sign/ed25519.h"

#include <sodium.h>

namespace dsperse::trust {

bool Ed25519Check::valid(const PublicKey& key, ByteView message, const Signature& signature) const {
  return sodium_init() >= 0 && crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

Result<Ed25519Signer> Ed25519Signer::from_seed(const Digest& seed) {
  static_assert(crypto_sign_SEEDBYTES == sizeof(Digest) && crypto_sign_PUBLICKEYBYTES == sizeof(PublicKey) &&
                crypto_sign_SECRETKEYBYTES == sizeof(secret_) && crypto_sign_BYTES == sizeof(Signature));
  if (sodium_init() < 0) return fail(ErrorKind::backend, "libsodium does not start");
  Ed25519Signer out;
  crypto_sign_seed_keypair(out.key_.data(), out.secret_.data(), seed.data());
  out.holds_ = true;
  return out;
}

Ed25519Signer::Ed25519Signer(Ed25519Signer&& other) noexcept
    : key_(other.key_), secret_(other.secret_), holds_(std::exchange(other.holds_, false)) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

Ed25519Signer::~Ed25519Signer() { sodium_memzero(secret_.data(), secret_.size()); }

Result<Signature> Ed25519Signer::sign(ByteView message) const {
  if (!holds_) return fail(ErrorKind::internal, "a signer that was moved from signs");
  Signature out{};
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret_.data());
  return out;
}

}  // namespace dsperse::trust
