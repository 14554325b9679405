// The engine of one machine: jobs and workers in SQLite, blobs in files, all below one folder.
//
// Several processes may have the same folder open; each transition is one BEGIN IMMEDIATE transaction (WAL, synchronous FULL), so
// that a process can be killed between any two instructions. An object is for one thread, and is never used across a fork: the
// child opens its own. The folder is on a local disk: SQLite's locks don't hold on network file systems. Folders 0700, files
// 0600. Source: docs/engine.md. Tested by engine/testing (conformance) and engine/embedded/{embedded,kill}_test.cc.
#pragma once

#include <memory>
#include <string>

#include "dsperse/engine/engine.h"

namespace dsperse::engine::embedded {

struct Options {
  std::uint64_t blob_limit_bytes = std::uint64_t{1} << 30;
};

/// Opens or creates `folder`/engine.db and `folder`/blobs. Errors: unsupported (written by a newer version), bad_input (damaged,
/// or not writable), resource (locked by others for 30 s, disk full).
[[nodiscard]] Result<std::unique_ptr<Engine>> open(const std::string& folder, const Options& options = {});

/// Removes unfinished blobs that crashes left. Only where no other process writes.
[[nodiscard]] Status remove_unfinished_blobs(const std::string& folder);

}  // namespace dsperse::engine::embedded
