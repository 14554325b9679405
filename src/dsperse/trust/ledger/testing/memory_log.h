// A log in memory and the tree by its definition: the slow obvious twin of merkle.h and log/.
#pragma once

#include <map>
#include <span>
#include <utility>

#include "dsperse/trust/ledger/proofs.h"

namespace dsperse::trust::testing {

/// MTH of RFC 9162, 2.1.1, over leaf hashes, straight from its definition.
inline Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return empty_root();
  if (leaves.size() == 1) return leaves[0];
  std::size_t k = 1;
  while (2 * k < leaves.size()) k *= 2;
  return node_hash(naive_root(leaves.first(k)), naive_root(leaves.subspan(k)));
}

/// `size` leaves "0", "1", ... and roots over every prefix; nodes are made when asked for, and remembered.
class MemoryLog final : public NodeSource {
 public:
  explicit MemoryLog(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::string text = std::to_string(i);
      leaves_.push_back(leaf_hash(Bytes(text.begin(), text.end())));
    }
    for (std::size_t i = 0; i <= size; ++i) roots_.push_back(naive_root(std::span(leaves_).first(i)));
  }
  [[nodiscard]] Result<Digest> node(unsigned level, std::uint64_t index) override {
    if (level == 0) return leaves_.at(index);
    if (const auto at = nodes_.find({level, index}); at != nodes_.end()) return at->second;
    const Digest made = node_hash(*node(level - 1, 2 * index), *node(level - 1, 2 * index + 1));
    nodes_.emplace(std::pair{level, index}, made);
    return made;
  }
  [[nodiscard]] const Digest& leaf(std::size_t index) const { return leaves_[index]; }
  [[nodiscard]] const Digest& root(std::size_t size) const { return roots_[size]; }
  [[nodiscard]] std::size_t size() const { return leaves_.size(); }

 private:
  std::vector<Digest> leaves_, roots_;
  std::map<std::pair<unsigned, std::uint64_t>, Digest> nodes_;
};

}  // namespace dsperse::trust::testing
