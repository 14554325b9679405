// Canaries: jobs with known answers among the real ones, for workers and for auditors.
//
// Whether a slot of the job stream holds a canary depends on a secret and the slot's number alone: not on the worker, its record
// or the job, so nobody can tell from what it sees. A canary is issued once. Workers are asked for h_out. Auditors are asked the
// same and also see a claim, for engines whose audits show one; one that echoes a wrong claim without computing is caught. Not
// here: making fresh inputs and their answers, timing them like real jobs (the engine), the rate phi (trust/policy). Source:
// docs/trust/machines.md. Tested by trust/audit/canary_test.cc.
#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "dsperse/trust/types/probability.h"
#include "dsperse/trust/types/strike.h"

namespace dsperse::trust::audit {

inline constexpr std::size_t kMaxCanaries = std::size_t{1} << 20;

/// True if this slot holds a canary. secret: unknown to workers and auditors while jobs are open. Deterministic.
bool is_canary(const Digest& secret, std::uint64_t slot, Probability phi);

enum class CanaryStatus : std::uint8_t { stocked, issued, passed, wrong, echoed, silent };

struct Canary {
  Digest expected{};            ///< the known h_out
  std::optional<Digest> claim;  ///< for auditors: the h_out they are shown, right or wrong
  CanaryStatus status = CanaryStatus::stocked;
  Digest tested{};  ///< key of the worker or auditor, once issued
  friend bool operator==(const Canary&, const Canary&) = default;
};

/// By job id: a canary's job looks like any other.
using Pool = std::map<Digest, Canary>;

struct Stock {
  Digest job{}, expected{};
  std::optional<Digest> claim;
};
struct Issue {
  Digest job{}, to{};
};
struct Reply {
  Digest job{}, from{}, h_out{};
};
/// No reply by its lease.
struct Expire {
  Digest job{};
};
using CanaryEvent = std::variant<Stock, Issue, Reply, Expire>;

/// The effect: a strike, if the canary was not passed: correctness for a wrong or echoed answer, liveness for silence. A reply
/// after silence is still judged. Errors (usage) leave the pool unchanged.
[[nodiscard]] Result<std::optional<Strike>> step(Pool& pool, const CanaryEvent& event);

Bytes encode(const Pool& pool);
[[nodiscard]] Result<Pool> decode_pool(ByteView bytes);

}  // namespace dsperse::trust::audit
