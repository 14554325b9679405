// The things that were used last, as many as fit into a number of bytes. One thread.
//
// Tested by work/compute/recent_test.cc.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

namespace dsperse::work {

template <class Key, class T>
class Recent {
 public:
  explicit Recent(std::uint64_t bytes) : limit_(bytes) {}

  /// nullptr if it is not kept.
  std::shared_ptr<const T> find(const Key& key) {
    for (auto at = kept_.begin(); at != kept_.end(); ++at)
      if (at->key == key) {
        kept_.splice(kept_.begin(), kept_, at);
        return kept_.front().value;
      }
    return nullptr;
  }
  /// Forgets what was used longest ago until it fits; what is larger than the limit alone is not kept.
  void keep(const Key& key, std::shared_ptr<const T> value, std::uint64_t bytes) {
    if (bytes > limit_) return;
    while (used_ > limit_ - bytes) {
      used_ -= kept_.back().bytes;
      kept_.pop_back();
    }
    kept_.push_front({key, std::move(value), bytes});
    used_ += bytes;
  }
  [[nodiscard]] std::uint64_t bytes() const { return used_; }

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const T> value;
    std::uint64_t bytes;
  };
  std::list<Entry> kept_;  ///< newest first
  std::uint64_t limit_, used_ = 0;
};

}  // namespace dsperse::work
