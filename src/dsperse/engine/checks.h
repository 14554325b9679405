// What all engines decide alike: limits of what they are given, who takes which job, deadlines, tags of a node.
//
// Pure functions. Errors are of kind usage. Tested by engine/checks_test.cc.
#pragma once

#include <string_view>
#include <vector>

#include "dsperse/engine/node_registry.h"

namespace dsperse::engine {

[[nodiscard]] Status check(const Job& job);
[[nodiscard]] Status check(const Puller& puller);
[[nodiscard]] Status check(const NodeProfile& profile);
[[nodiscard]] Status check_result(ByteView result);
[[nodiscard]] Status check_reason(std::string_view reason);
[[nodiscard]] Status check_beat(TimeMs beat_ms);
/// Whether a node may go from one state to another.
[[nodiscard]] Status check_change(NodeState from, NodeState to);

/// All needs, no avoided tag, enough memory.
[[nodiscard]] bool takes(const Puller& puller, const Job& job);
/// min(now + beat_ms, since + time_ms), without overflow.
[[nodiscard]] TimeMs deadline_of(TimeMs since, TimeMs time_ms, TimeMs now, TimeMs beat_ms);

/// What a node pulls with: its capabilities, and "worker=<hex of the key>", "operator=...", "region=...", "engine=...".
/// A capability can't pose as one of these: check() refuses it.
[[nodiscard]] Puller puller_of(const NodeProfile& profile);

}  // namespace dsperse::engine
