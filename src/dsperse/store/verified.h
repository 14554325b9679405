// Which weight range proofs this user has verified: a key's need checking once, not with every certificate.
//
// A file of the user's own state folder: whoever can write there can also replace the program, so the cache gives nobody a new
// power. Entries name key and proof bytes and the verifier's version. Without a usable folder there is no cache, never an error.
// Tested by store/verified_test.cc.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "dsperse/store/database.h"

namespace dsperse::store {

class VerifiedRanges {
 public:
  /// The cache in the state folder (store/openings.h), or in `folder`.
  [[nodiscard]] static std::optional<VerifiedRanges> open();
  [[nodiscard]] static std::optional<VerifiedRanges> open(const std::string& folder);
  /// proof::range_digest() values.
  [[nodiscard]] std::set<Digest> known();
  void add(const std::vector<Digest>& ranges);

 private:
  explicit VerifiedRanges(Database db) : db_(std::move(db)) {}
  Database db_;
};

}  // namespace dsperse::store
