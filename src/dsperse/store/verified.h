// Which weight range proofs and epoch links this user has verified: they come with every key and many certificates, and need
// checking once.
//
// A file of the user's own state folder: whoever can write there can also replace the program, so the cache gives nobody a new
// power. Entries name key, proof bytes and the verifier's version. Without a usable folder there is no cache, never an error.
// Tested by store/verified_test.cc.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "dsperse/store/disk/database.h"

namespace dsperse::store {

class VerifiedProofs {
 public:
  /// The cache in the state folder (store/openings.h), or in `folder`.
  [[nodiscard]] static std::optional<VerifiedProofs> open();
  [[nodiscard]] static std::optional<VerifiedProofs> open(const std::string& folder);
  /// proof::range_digest() and proof::link_digest() values; the two never collide.
  [[nodiscard]] std::set<Digest> known();
  void add(const std::vector<Digest>& proofs);

 private:
  explicit VerifiedProofs(Database db) : db_(std::move(db)) {}
  Database db_;
};

}  // namespace dsperse::store
