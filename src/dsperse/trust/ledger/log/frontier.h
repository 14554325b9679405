// The right edge of a growing tree: roots of its complete subtrees, the largest first; one for each bit of the size.
//
// Not here: storage. Tested by trust/ledger/log/log_test.cc.
#pragma once

#include "dsperse/trust/ledger/proofs.h"

namespace dsperse::trust {

class Frontier {
 public:
  Frontier() = default;
  /// Of the first `size` leaves of a source.
  [[nodiscard]] static Result<Frontier> load(NodeSource& source, std::uint64_t size) {
    Frontier out;
    out.size_ = size;
    for (unsigned level = 64; level-- > 0;) {
      if ((size >> level & 1) == 0) continue;
      // The subtree of this bit ends where the higher bits and this one end.
      DSPERSE_TRY(const Digest root, source.node(level, (size >> level) - 1));
      out.roots_.push_back(root);
    }
    return out;
  }

  /// Appends a leaf; emit(level, index, hash) -> Status for the leaf and every subtree that it completes.
  template <class Emit>
  [[nodiscard]] Status push(const Digest& leaf, Emit&& emit) {
    Digest root = leaf;
    DSPERSE_CHECK_OK(emit(0U, size_, root));
    for (unsigned level = 0; (size_ >> level & 1) != 0; ++level) {
      root = node_hash(roots_.back(), root);
      roots_.pop_back();
      DSPERSE_CHECK_OK(emit(level + 1, size_ >> (level + 1), root));
    }
    roots_.push_back(root);
    ++size_;
    return {};
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Digest root() const {
    if (roots_.empty()) return empty_root();
    Digest out = roots_.back();
    for (std::size_t i = roots_.size() - 1; i-- > 0;) out = node_hash(roots_[i], out);
    return out;
  }

 private:
  std::vector<Digest> roots_;
  std::uint64_t size_ = 0;
};

}  // namespace dsperse::trust
