// The soundness budget of a key: every way in which a false statement could pass, with its bits for the key's real sizes.
//
// Bits are round by round: Fiat-Shamir needs each single round to be hard. The sum over all rounds is printed beside it and is
// what a union bound over one proof gives. Source: docs/protocol/parameters.md (the errors and where they come from).
// Tested by proof/profile_test.cc, which recomputes every line.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dsperse/proof/key.h"
#include "dsperse/proof/layout.h"

namespace dsperse::proof {

/// One kind of round: -log2 of its error, and how many such rounds one proof has.
struct SecurityEvent {
  std::string name;
  double bits = 0;
  std::uint64_t times = 1;
};

struct SecurityTable {
  std::vector<SecurityEvent> events;
  /// Bits of the worst round: the security of the argument made non-interactive.
  [[nodiscard]] double worst() const;
  /// The event that worst() is of. The table must have one.
  [[nodiscard]] const SecurityEvent& weakest() const;
  /// Bits of the sum of all rounds' errors.
  [[nodiscard]] double total() const;
};

/// Of an argument with this layout, `lookups` lookups and table rows in it (0: none).
[[nodiscard]] SecurityTable security_of(const Layout& layout, std::uint64_t lookups);
/// Of one slice proof, of the key's weight range proof, of one epoch link. Errors: those of the slice's constraints.
[[nodiscard]] Result<SecurityTable> security_of_slice(const SliceKey& key);
[[nodiscard]] Result<SecurityTable> security_of_ranges(const SliceKey& key);
[[nodiscard]] Result<SecurityTable> security_of_link(const SliceKey& key);
[[nodiscard]] SecurityTable security_of_tie(const ModelKey& key, const WeightTie& tie);
/// Of a certificate that proves these slices, with the key's ties, the weight range proofs of their keys and `links` epoch links:
/// every event of every proof, named "slice 3: queries, weights".
[[nodiscard]] Result<SecurityTable> security_of_certificate(const ModelKey& key, const std::set<std::uint32_t>& slices,
                                                            const std::map<std::uint32_t, std::size_t>& links = {});

}  // namespace dsperse::proof
