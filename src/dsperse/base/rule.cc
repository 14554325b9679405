#include "dsperse/base/rule.h"

#ifdef DSPERSE_DISARMABLE
#include <atomic>
#include <mutex>
#include <set>

namespace dsperse {
namespace {

std::mutex mutex;
std::atomic<int> count{0};
std::multiset<std::string, std::less<>>& rules() {
  static std::multiset<std::string, std::less<>> out;
  return out;
}

}  // namespace

bool disarmed(std::string_view rule) {
  if (count.load(std::memory_order_relaxed) == 0) return false;
  const std::scoped_lock lock(mutex);
  return rules().contains(rule);
}

Disarmed::Disarmed(std::string rule) : rule_(std::move(rule)) {
  const std::scoped_lock lock(mutex);
  rules().insert(rule_);
  ++count;
}

Disarmed::~Disarmed() {
  const std::scoped_lock lock(mutex);
  rules().erase(rules().find(rule_));
  --count;
}

}  // namespace dsperse
#endif
