#include <algorithm>

#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/checks.h"
#include "dsperse/engine/simulated/tables.h"

namespace dsperse::engine::simulated {

Result<Digest> BlobTable::put(ByteView bytes) {
  if (bytes.size() > limit_bytes_)
    return dsperse::fail(ErrorKind::resource, "a blob has at most " + std::to_string(limit_bytes_) + " bytes");
  const Digest digest = crypto::hash(bytes);
  blobs_[digest] = Bytes(bytes.begin(), bytes.end());
  return digest;
}

Result<Bytes> BlobTable::get(const Digest& digest, std::uint64_t limit) {
  const std::string where = "blob " + to_hex(digest);
  const auto it = blobs_.find(digest);
  if (it == blobs_.end())
    return dsperse::fail(ErrorKind::bad_input, "the blob is missing", where, "put it again; nothing else was lost by that");
  if (it->second.size() > limit)
    return dsperse::fail(ErrorKind::resource, "larger than the limit of " + std::to_string(limit) + " bytes", where);
  if (crypto::hash(it->second) != digest)
    return dsperse::fail(ErrorKind::bad_input, "the blob is damaged: its bytes have another digest", where,
                         "put it again, and look after the disk");
  return it->second;
}

namespace {

std::unexpected<Error> unknown(const WorkerKey& key) {
  return dsperse::fail(ErrorKind::usage, "no such worker", "worker " + to_hex(key), "enroll it first");
}

}  // namespace

Result<bool> NodeTable::enroll(const NodeProfile& profile, TimeMs now) {
  DSPERSE_CHECK_OK(check(profile));
  const auto it = nodes_.find(profile.key);
  if (it == nodes_.end()) {
    nodes_[profile.key] = {profile, NodeState::active, {}, now, now};
    return true;
  }
  NodeProfile& old = it->second.profile;
  if (old.operated_by != profile.operated_by || old.region != profile.region || old.engine != profile.engine)
    return dsperse::fail(ErrorKind::bad_input, "this key is known with another operator, region or engine",
                         "worker " + to_hex(profile.key), "enroll a new key");
  old = profile;
  it->second.last_seen = std::max(it->second.last_seen, now);
  return false;
}

Status NodeTable::seen(const WorkerKey& key, TimeMs now) {
  const auto it = nodes_.find(key);
  if (it == nodes_.end()) return unknown(key);
  it->second.last_seen = std::max(it->second.last_seen, now);
  return {};
}

Status NodeTable::set_state(const WorkerKey& key, NodeState state, std::string_view reason) {
  DSPERSE_CHECK_OK(check_reason(reason));
  const auto it = nodes_.find(key);
  if (it == nodes_.end()) return unknown(key);
  DSPERSE_CHECK_OK(check_change(it->second.state, state));
  it->second.state = state;
  it->second.reason = reason;
  return {};
}

Result<std::optional<Node>> NodeTable::find(const WorkerKey& key) {
  const auto it = nodes_.find(key);
  return it == nodes_.end() ? std::optional<Node>{} : it->second;
}

Result<std::vector<Node>> NodeTable::list(std::optional<NodeState> state) {
  std::vector<Node> out;
  for (const auto& [key, node] : nodes_)
    if (!state || node.state == *state) out.push_back(node);
  return out;
}

}  // namespace dsperse::engine::simulated
