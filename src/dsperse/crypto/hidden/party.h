// One schedule for prover, verifier and dry run: hide, mul, check, sacrifice, fold. They differ only in the Channel.
//
// Source: docs/protocol/hidden.md. Not here: sumchecks (crypto/sumcheck), the opening (proof/argument).
// Tested by crypto/hidden/hidden_test.cc.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/crypto/hidden/form.h"

namespace dsperse::crypto {

/// Where messages come from and go to. Values are meaningful for the prover only.
template <int D>
class Channel {
 public:
  virtual ~Channel() = default;
  virtual Ext<D> challenge(std::string_view label) = 0;
  /// The padded message for hidden value i / for end value i.
  virtual Ext<D> hidden(std::string_view label, std::uint32_t i, const Ext<D>& value) = 0;
  virtual Ext<D> last(std::string_view label, std::uint32_t i, const Ext<D>& value) = 0;
  /// A value in the clear (uniform by construction); i counts these messages.
  virtual Ext<D> clear(std::string_view label, std::uint32_t i, const Form<D>& form) = 0;
};

/// Dry run: counts pads and slots, which the layout needs before anything is committed, and challenges, which the soundness
/// budget adds up.
template <int D>
class CountingChannel final : public Channel<D> {
 public:
  Ext<D> challenge(std::string_view label) override {
    auto it = std::find_if(by_label_.begin(), by_label_.end(), [&](const auto& entry) { return entry.first == label; });
    if (it == by_label_.end()) it = by_label_.emplace(it, label, 0);
    ++it->second;
    return Ext<D>::from_signed(2 + ++challenges_);
  }
  Ext<D> hidden(std::string_view, std::uint32_t, const Ext<D>&) override { return {}; }
  Ext<D> last(std::string_view, std::uint32_t, const Ext<D>&) override { return {}; }
  Ext<D> clear(std::string_view, std::uint32_t, const Form<D>&) override { return {}; }

  [[nodiscard]] std::map<std::string, std::uint64_t> by_label() const { return {by_label_.begin(), by_label_.end()}; }

 private:
  std::int64_t challenges_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> by_label_;  // a handful
};

/// All checks of an argument as one: <coef, pads and slots> + sum of claims = value.
template <int D>
struct Folded {
  std::vector<std::pair<Var, Ext<D>>> coef;
  std::vector<LinearClaim<D>> claims;
  Ext<D> value;
};

template <int D>
class Party {
 public:
  enum class Role { dry, prove, verify };
  Party(Channel<D>& channel, Role role) : channel_(channel), role_(role) {}

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] bool proving() const { return role_ == Role::prove; }
  [[nodiscard]] bool dry() const { return role_ == Role::dry; }

  Ext<D> challenge(std::string_view label) { return channel_.challenge(label); }
  /// One padded message: the hidden value is message - pad. end: with a pad of the end tree.
  struct Hidden {
    Var pad = 0;
    Ext<D> message;
  };
  Hidden say(std::string_view label, const Ext<D>& value = {});
  Hidden say_end(std::string_view label, const Ext<D>& value = {});
  /// The same as a form.
  Form<D> hide(std::string_view label, const Ext<D>& value = {});
  /// Product of two freshly hidden values, through a committed slot.
  Form<D> mul(const Form<D>& a, const Form<D>& b);
  /// form = 0. id: the constraint that it enforces, for reports and tests.
  void check(std::string_view id, Form<D> form);
  /// Slots hold products: one challenge, two clear values and three checks a slot. Once, after the last hidden message.
  void sacrifice();
  /// Draws eta and folds all checks with its powers. Claims that share a functional object on one vector become one.
  Folded<D> fold_checks();

  [[nodiscard]] std::uint32_t pads() const { return pads_; }
  /// The pads whose product slot k holds.
  [[nodiscard]] const std::vector<std::pair<std::uint32_t, std::uint32_t>>& slots() const { return slots_; }
  [[nodiscard]] const std::vector<std::string>& check_ids() const { return check_ids_; }
  [[nodiscard]] std::size_t checks() const { return checks_.size(); }
  /// The forms that are checked to be zero, in order, until fold_checks() consumes them: for tests.
  [[nodiscard]] const std::vector<Form<D>>& check_forms() const { return checks_; }
  /// Set by a schedule when a challenge hit a value for which the argument is not defined (probability below 2^-90).
  void abort_run() { aborted_ = true; }
  [[nodiscard]] bool aborted() const { return aborted_; }

 private:
  Channel<D>& channel_;
  Role role_;
  std::uint32_t pads_ = 0, end_pads_ = 0, clears_ = 0;
  bool aborted_ = false;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> slots_;
  std::vector<Form<D>> checks_;
  std::vector<std::string> check_ids_;
};

}  // namespace dsperse::crypto
