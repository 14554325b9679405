// dsperse bench --calibrate: measures this machine and writes the constants of the predictions.
#pragma once

#include "dsperse/cli/context.h"

namespace dsperse::cli {

/// out: file to write; empty: where predictions look for it, in the state folder.
[[nodiscard]] Result<int> calibrate(Context& context, const std::string& out);
/// One network, in this process, as the process above starts it: prints what was measured.
[[nodiscard]] Result<int> measure_network(std::size_t network);

}  // namespace dsperse::cli
