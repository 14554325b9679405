// Rows of leases, as jobs.cc and jobs_read.cc need them. Tested by engine/testing (conformance).
#pragma once

#include <optional>

#include "dsperse/engine/job.h"
#include "dsperse/store/disk/database.h"

namespace dsperse::engine::embedded {

/// The lease, or nothing.
[[nodiscard]] Result<std::optional<LeaseRecord>> load_lease(store::Database& db, LeaseId id);

}  // namespace dsperse::engine::embedded
