// Which constants predictions are made with: a file's, this user's if they are of this CPU, or the defaults.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/store/cost_file.h"

namespace dsperse::cli {

/// "model name" of /proc/cpuinfo.
std::string cpu_name();
/// file: a path; "default": the constants of the source; empty: those in the state folder if they are there and of this CPU.
[[nodiscard]] Result<slice::CostModel> load_cost_model(const std::string& file);

}  // namespace dsperse::cli
