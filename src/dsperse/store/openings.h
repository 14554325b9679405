// Opening counters: which openings of which weight trees this installation still has. The zero knowledge of weights rests on
// them.
//
// A tree may be opened proof::kWeightBudget times; each index is used once. A proof or link becomes visible only after claim() or
// add_epoch() returned ok: the index is then durably used. A crash before loses nothing, a crash after loses one opening.
// Lives in the user's state folder, never in a compiled model: a copied model has no openings. The file knows its inode and time
// of birth: a copy of it is refused. What cannot be seen: a whole disk or machine set back, or old bytes written over the same
// file. Source: docs/protocol/keys.md, docs/formats/dsm.md. Tested by store/openings_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/proof/statement.h"
#include "dsperse/store/disk/database.h"

namespace dsperse::store {

/// $DSPERSE_STATE_DIR, else $XDG_STATE_HOME/dsperse, else ~/.local/state/dsperse.
[[nodiscard]] Result<std::string> state_folder();

/// Openings of a tree below this index make proofs of their own; later ones only link new epochs (the deepest epochs use all).
/// Small enough to leave most openings to epochs (15 proofs each), large enough to save first proofs the link.
inline constexpr std::uint32_t kDirectOpenings = 4;
/// Epochs of epochs end here: the certificate carries at most two links.
inline constexpr std::uint32_t kMaxDepth = 2;

/// The seed makes the tree; links lead from the origin to it.
struct Epoch {
  Digest root{};
  std::uint32_t depth = 0;
  std::optional<Digest> seed;  ///< absent for the origin: its seed is the compiled model's
  std::vector<proof::EpochLink> links;
};

/// What to do for the next proof of a slice.
struct Choice {
  Epoch epoch;              ///< to use, or the parent of the epoch to make
  std::uint32_t index = 0;  ///< free opening of epoch.root
  bool make_epoch = false;
};

/// [next, end) of one root.
struct OpeningRange {
  Digest root{};
  std::uint32_t depth = 0, next = 0, end = 0;
};

class OpeningStore {
 public:
  /// Opens or creates `folder`/openings.db (0700, 0600). Errors (bad_input): the file is a copy of another one.
  [[nodiscard]] static Result<OpeningStore> open(const std::string& folder);

  /// Indices [next, end) of a slice's origin tree belong to this installation: it compiled the slice, or imports a share.
  struct Origin {
    Digest slice{}, root{};
    std::uint32_t next = 0, end = 0;
  };
  /// All of them or none.
  [[nodiscard]] Status add_origins(std::span<const Origin> origins);
  [[nodiscard]] Status add_origin(const Digest& slice, const Digest& root, std::uint32_t next, std::uint32_t end) {
    const Origin one{slice, root, next, end};
    return add_origins({&one, 1});
  }
  /// Where the next proof of the slice opens its weights. Errors (resource): no openings are left here.
  [[nodiscard]] Result<Choice> choose(const Digest& slice, const Digest& origin);
  /// The parent of a further epoch, whether one is needed or not (make_epoch is set). Errors as above.
  [[nodiscard]] Result<Choice> choose_parent(const Digest& slice, const Digest& origin);
  /// Durably uses opening `index`; false if somebody else did since choose().
  [[nodiscard]] Result<bool> claim(const Digest& root, std::uint32_t index);
  /// True if opening `index` is this installation's and not yet used: for a proof that exists, the counters were set back.
  [[nodiscard]] Result<bool> uncounted(const Digest& root, std::uint32_t index);
  /// Durably uses all that a proof opens, or nothing: `weights` (root and index; absent for a slice without weights) and one
  /// opening of each of these boundary trees. False as above. Errors (resource): a boundary tree was opened proof::kBoundaryUses
  /// times.
  [[nodiscard]] Result<bool> claim_proof(const std::optional<std::pair<Digest, std::uint32_t>>& weights,
                                         const std::set<Digest>& boundaries);
  /// An error (resource) if one of these boundary trees has no opening left.
  [[nodiscard]] Status check_boundaries(const std::set<Digest>& boundaries);
  /// Durably uses the link's opening of its base and records the new epoch (index 0 is the link's); false as above.
  [[nodiscard]] Result<bool> add_epoch(const Digest& slice, const Epoch& parent, const proof::EpochLink& link,
                                       const Digest& seed);
  /// Takes `count` consecutive openings of the origin out of this store, for another installation. Errors (resource): too few
  /// left.
  [[nodiscard]] Result<OpeningRange> give_away(const Digest& slice, const Digest& origin, std::uint32_t count);

  /// The epoch with this root, or the origin. Errors (bad_input): not known here.
  [[nodiscard]] Result<Epoch> epoch(const Digest& slice, const Digest& root);
  /// Everything that is left for a slice.
  [[nodiscard]] Result<std::vector<OpeningRange>> remaining(const Digest& slice);

 private:
  explicit OpeningStore(Database db) : db_(std::move(db)) {}
  [[nodiscard]] Status check_file(const std::string& path);
  Database db_;
};

}  // namespace dsperse::store
