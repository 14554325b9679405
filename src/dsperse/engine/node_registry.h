// The workers that a coordinator knows: key, abilities, the labels that `distinct` rests on, and whether they get work.
//
// It keeps what the coordinator decided; strikes, bonds and counters of credit are the trust rooms'. Source: docs/engine.md.
// Tested by engine/testing/nodes_suite.cc for every engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsperse/engine/job.h"

namespace dsperse::engine {

/// active <-> suspended; either -> excluded, which is final: a worker that comes back is a new identity.
enum class NodeState : std::uint8_t { active, suspended, excluded };

/// What a worker says of itself when it enrolls, as far as the coordinator believes it.
struct NodeProfile {
  WorkerKey key{};
  std::string operated_by, region, engine;  ///< fixed for the life of a key: replicas are kept apart by them
  std::vector<std::string> capabilities;    ///< may change with every enrolment
  std::uint64_t memory_bytes = 0;

  bool operator==(const NodeProfile&) const = default;
};

struct Node {
  NodeProfile profile;
  NodeState state = NodeState::active;
  std::string reason;  ///< of the last change of state
  TimeMs first_seen = 0, last_seen = 0;

  bool operator==(const Node&) const = default;
};

class NodeRegistry {
 public:
  virtual ~NodeRegistry() = default;

  /// A new key becomes active (true). A known one updates capabilities, memory and last_seen, and keeps its state (false).
  /// Errors: usage (limits of checks.h); bad_input: the key is known with other labels.
  [[nodiscard]] virtual Result<bool> enroll(const NodeProfile& profile, TimeMs now) = 0;
  /// last_seen = max(last_seen, now). Errors: usage (unknown key).
  [[nodiscard]] virtual Status seen(const WorkerKey& key, TimeMs now) = 0;
  /// To the state it has already: only the reason changes. Errors: usage (unknown key, out of excluded, reason too long).
  [[nodiscard]] virtual Status set_state(const WorkerKey& key, NodeState state, std::string_view reason) = 0;
  [[nodiscard]] virtual Result<std::optional<Node>> find(const WorkerKey& key) = 0;
  /// All of this state, or all; by key.
  [[nodiscard]] virtual Result<std::vector<Node>> list(std::optional<NodeState> state) = 0;
};

}  // namespace dsperse::engine
