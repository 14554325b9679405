// Signatures of the simulation: Ed25519, or a stand-in that costs a hash where thousands of seeds are wanted.
//
// A paper signature is a MAC under the signer's secret, and the check knows all secrets: what nobody else can make, as with real
// ones. Tested by tests/sim/ports_test.cc.
#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::sim {

class PaperSigner final : public trust::Signer {
 public:
  explicit PaperSigner(const Digest& secret)
      : secret_(secret), key_(crypto::hash_tagged("dsperse simulation: paper key", {secret})) {}
  [[nodiscard]] const trust::PublicKey& key() const override { return key_; }
  [[nodiscard]] Result<trust::Signature> sign(ByteView message) const override { return signature(secret_, message); }
  [[nodiscard]] const Digest& secret() const { return secret_; }
  static trust::Signature signature(const Digest& secret, ByteView message) {
    const Digest mac = crypto::hash_tagged("dsperse simulation: paper signature", {secret, message});
    trust::Signature out{};
    std::ranges::copy(mac, out.begin());
    return out;
  }

 private:
  Digest secret_;
  trust::PublicKey key_;
};

/// Makes signers and checks what they sign.
class Signatures final : public trust::SignatureCheck {
 public:
  explicit Signatures(bool real) : real_(real) {}
  [[nodiscard]] std::unique_ptr<trust::Signer> signer(const Digest& seed) {
    if (real_) {
      auto made = trust::Ed25519Signer::from_seed(seed);
      if (!made) std::abort();  // libsodium does not start
      return std::make_unique<trust::Ed25519Signer>(std::move(*made));
    }
    auto made = std::make_unique<PaperSigner>(seed);
    secrets_[made->key()] = seed;
    return made;
  }
  [[nodiscard]] bool valid(const trust::PublicKey& key, ByteView message, const trust::Signature& signature) const override {
    if (real_) return ed25519_.valid(key, message, signature);
    const auto it = secrets_.find(key);
    return it != secrets_.end() && PaperSigner::signature(it->second, message) == signature;
  }

 private:
  bool real_;
  trust::Ed25519Check ed25519_;
  std::map<trust::PublicKey, Digest> secrets_;
};

}  // namespace dsperse::sim
