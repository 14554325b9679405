#include "dsperse/engine/checks.h"
#include "dsperse/engine/embedded/rows.h"
#include "dsperse/engine/embedded/stores.h"

namespace dsperse::engine::embedded {
namespace {

using store::Query;
using store::Transaction;

constexpr const char* kColumns =
    "SELECT key, operated_by, region, engine, capabilities, memory, state, reason, first_seen, last_seen FROM nodes ";

Result<Node> node_of(const Query& q) {
  Node out;
  out.profile.key = q.digest(0);
  out.profile.operated_by = q.text(1);
  out.profile.region = q.text(2);
  out.profile.engine = q.text(3);
  DSPERSE_TRY(out.profile.capabilities, unpack(q.blob(4)));
  out.profile.memory_bytes = unsigned_of(q.integer(5));
  DSPERSE_TRY(out.state, enum_column(q, 6, NodeState::excluded));
  out.reason = q.text(7);
  out.first_seen = q.integer(8);
  out.last_seen = q.integer(9);
  return out;
}

std::unexpected<Error> unknown(const WorkerKey& key) {
  return dsperse::fail(ErrorKind::usage, "no such worker", "worker " + to_hex(key), "enroll it first");
}

}  // namespace

Result<std::optional<Node>> Nodes::find(const WorkerKey& key) {
  DSPERSE_TRY(Query q, db_.prepare(std::string(kColumns) + "WHERE key = ?"));
  DSPERSE_TRY(const bool row, q.bind(ByteView(key)).step());
  if (!row) return std::optional<Node>{};
  DSPERSE_TRY(Node node, node_of(q));
  return std::optional<Node>(std::move(node));
}

Result<bool> Nodes::enroll(const NodeProfile& profile, TimeMs now) {
  DSPERSE_CHECK_OK(check(profile));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<Node> known, find(profile.key));
  if (known) {
    const NodeProfile& old = known->profile;
    if (old.operated_by != profile.operated_by || old.region != profile.region || old.engine != profile.engine)
      return dsperse::fail(ErrorKind::bad_input, "this key is known with another operator, region or engine",
                           "worker " + to_hex(profile.key), "enroll a new key");
    DSPERSE_TRY(Query q,
                db_.prepare("UPDATE nodes SET capabilities = ?, memory = ?, last_seen = max(last_seen, ?) WHERE key = ?"));
    q.bind(ByteView(pack(profile.capabilities))).bind(signed_of(profile.memory_bytes)).bind(now).bind(ByteView(profile.key));
    DSPERSE_CHECK_OK(db_.run(q));
  } else {
    DSPERSE_TRY(Query q, db_.prepare("INSERT INTO nodes VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    q.bind(ByteView(profile.key)).bind(profile.operated_by).bind(profile.region).bind(profile.engine);
    q.bind(ByteView(pack(profile.capabilities))).bind(signed_of(profile.memory_bytes)).bind(number(NodeState::active));
    q.bind(std::string_view()).bind(now).bind(now);
    DSPERSE_CHECK_OK(db_.run(q));
  }
  DSPERSE_CHECK_OK(transaction.commit());
  return !known.has_value();
}

Status Nodes::seen(const WorkerKey& key, TimeMs now) {
  DSPERSE_TRY(Query q, db_.prepare("UPDATE nodes SET last_seen = max(last_seen, ?) WHERE key = ?"));
  q.bind(now).bind(ByteView(key));
  DSPERSE_CHECK_OK(db_.run(q));
  if (db_.changes() == 0) return unknown(key);
  return {};
}

Status Nodes::set_state(const WorkerKey& key, NodeState state, std::string_view reason) {
  DSPERSE_CHECK_OK(check_reason(reason));
  DSPERSE_TRY(Transaction transaction, Transaction::begin(db_));
  DSPERSE_TRY(const std::optional<Node> known, find(key));
  if (!known) return unknown(key);
  DSPERSE_CHECK_OK(check_change(known->state, state));
  DSPERSE_TRY(Query q, db_.prepare("UPDATE nodes SET state = ?, reason = ? WHERE key = ?"));
  q.bind(number(state)).bind(reason).bind(ByteView(key));
  DSPERSE_CHECK_OK(db_.run(q));
  return transaction.commit();
}

Result<std::vector<Node>> Nodes::list(std::optional<NodeState> state) {
  DSPERSE_TRY(Query q, db_.prepare(std::string(kColumns) + (state ? "WHERE state = ? " : "") + "ORDER BY key"));
  if (state) q.bind(number(*state));
  std::vector<Node> out;
  for (;;) {
    DSPERSE_TRY(const bool row, q.step());
    if (!row) return out;
    DSPERSE_TRY(Node node, node_of(q));
    out.push_back(std::move(node));
  }
}

}  // namespace dsperse::engine::embedded
