// State and log of a coordinator on this machine's disk.
//
// Tested by work/coordinator/local_test.cc.
#pragma once

#include <memory>

#include "dsperse/trust/ledger/log/log.h"
#include "dsperse/work/coordinator/ports.h"

namespace dsperse::work {

/// Values in one SQLite file (0600). One object a thread.
[[nodiscard]] Result<std::unique_ptr<StateStore>> open_state(const std::string& path);

/// The log in one SQLite file, kept by `keeper`, which outlives it.
[[nodiscard]] Result<std::unique_ptr<Ledger>> open_ledger(const std::string& path, const std::string& origin,
                                                          const trust::Signer& keeper);

}  // namespace dsperse::work
