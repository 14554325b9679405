// Who a worker is: one seed in its state folder, from which its signing key and the secret of its salts follow.
//
// worker.key (0600): magic, 32 random bytes. Made once; whoever loses it starts as a new worker. Not here: the book.
// Tested by work/worker/identity_test.cc.
#pragma once

#include <string>

#include "dsperse/trust/sign/ed25519.h"

namespace dsperse::work {

struct Identity {
  trust::Ed25519Signer signer;
  Digest secret{};  ///< for salt_of
};
[[nodiscard]] Result<Identity> identity_of(const Digest& seed);
/// Reads `folder`/worker.key, or makes it (and the folder, 0700). One process at a time. Errors (bad_input): not such a file;
/// those of the disk.
[[nodiscard]] Result<Identity> open_identity(const std::string& folder);

}  // namespace dsperse::work
