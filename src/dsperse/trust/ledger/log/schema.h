// The tables of a log's file, and the rule that they only grow. Source: docs/formats/ledger.md. Tested by log_test.cc.
#pragma once

namespace dsperse::trust {

inline constexpr int kLogFormat = 1;
/// node.id = level 2^48 + index; the index `leaf` is over level 0. A head is the state after one append.
inline constexpr const char* kLogSchema = R"(
CREATE TABLE IF NOT EXISTS log(one INTEGER PRIMARY KEY CHECK(one = 1), origin TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry(seq INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS node(id INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK(length(hash) = 32));
CREATE INDEX IF NOT EXISTS leaf ON node(hash) WHERE id < 281474976710656;
CREATE TABLE IF NOT EXISTS head(size INTEGER PRIMARY KEY, root BLOB NOT NULL CHECK(length(root) = 32));
CREATE TABLE IF NOT EXISTS checkpoint(size INTEGER PRIMARY KEY, envelope BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS log_update BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS log_delete BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS node_update BEFORE UPDATE ON node BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS node_delete BEFORE DELETE ON node BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS head_update BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS head_delete BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
CREATE TRIGGER IF NOT EXISTS checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'a log only grows'); END;
)";

}  // namespace dsperse::trust
