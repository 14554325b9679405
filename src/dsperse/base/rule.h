// Rules by name: `if (violated("u evaluates to v", condition)) return Verdict::reject(...)`.
//
// A product has no use for the name: `violated` is its condition. A build with DSPERSE_DISARMABLE (preset attack) lets a test
// disarm one rule and see that some attack then succeeds: a rule without which nothing changes protects nothing. Names are string
// literals, each at one place, so that a test finds them all by reading the source.
// Not here: what a rule means. Tested by tests/soundness/dead_rules_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace dsperse {

#ifdef DSPERSE_DISARMABLE
inline constexpr bool kDisarmable = true;

/// Whether a test has disarmed this rule.
[[nodiscard]] bool disarmed(std::string_view rule);

/// Disarms a rule, in all threads, for as long as it lives.
class Disarmed {
 public:
  explicit Disarmed(std::string rule);
  ~Disarmed();
  Disarmed(const Disarmed&) = delete;
  Disarmed& operator=(const Disarmed&) = delete;

 private:
  std::string rule_;
};

[[nodiscard]] inline bool violated(std::string_view rule, bool condition) { return condition && !disarmed(rule); }
#else
inline constexpr bool kDisarmable = false;

[[nodiscard]] constexpr bool disarmed(std::string_view) { return false; }
/// condition: the rule does not hold.
[[nodiscard]] constexpr bool violated(std::string_view, bool condition) { return condition; }
#endif

}  // namespace dsperse
