// What follows for workers: confidence, strikes, points; and the notes that the log gets of it.
//
// Strikes are counted once a job and kind. Time never runs back here, whatever the clock does. Not here: who deserves what.
// Source: R4, R5, R10, R11. Tested by work/coordinator/standings_test.cc.
#pragma once

#include "dsperse/work/coordinator/state.h"

namespace dsperse::work {

class Keeper {
 public:
  Keeper(Standings& standings, const Settings& settings, const trust::Signer& signer)
      : s_(standings), settings_(settings), signer_(signer) {}

  /// The later of the clock and all that was seen before.
  TimeMs now(TimeMs clock);
  [[nodiscard]] Status enroll(const engine::NodeProfile& profile);
  [[nodiscard]] bool excluded(const Digest& worker) const;
  /// R5 for the worker's next job.
  [[nodiscard]] trust::audit::Decision decide(const Digest& worker, trust::Probability p_min) const;

  [[nodiscard]] Status strike(const trust::Strike& strike);
  [[nodiscard]] Status pardon(const Digest& worker, const Digest& job);
  /// A result was compared with an independent one and was equal.
  [[nodiscard]] Status valid(const Digest& worker);

  // Points; nothing happens without them.
  [[nodiscard]] bool can_pay() const;
  [[nodiscard]] Status lock(const Digest& receipt, const Digest& worker);
  [[nodiscard]] Status drawn(const Digest& receipt, bool audited);
  [[nodiscard]] Status audit_passed(const Digest& receipt);
  /// As soon as the window is closed.
  [[nodiscard]] Status release(const Digest& receipt);
  [[nodiscard]] Status release_due();
  [[nodiscard]] Status refund(const Digest& receipt);
  /// reporter: zero where the coordinator alone decides: it must not earn by its word.
  [[nodiscard]] Status slash(const Digest& receipt, const Digest& reporter, const Digest& verdict);

  /// Signed text of a statement.
  [[nodiscard]] Result<Bytes> sign(std::string_view type, Bytes payload) const;
  /// Signs and puts it into the outbox.
  [[nodiscard]] Status note(std::string_view type, Bytes payload);

 private:
  [[nodiscard]] Status money(const trust::incentive::MoneyEvent& event);
  [[nodiscard]] bool open(const Digest& receipt) const;
  Standings& s_;
  const Settings& settings_;
  const trust::Signer& signer_;
};

}  // namespace dsperse::work
