// Running over workers: flags of `run` and `full-run`, and what they do.
#pragma once

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/network/local_network.h"

namespace dsperse::cli {

struct NetworkFlags {
  unsigned workers = 0;
  std::string network, late, late_nonce;
  /// serving: also --network.
  void add(CLI::App& app, bool serving);
  [[nodiscard]] bool wanted() const { return workers != 0 || !network.empty(); }
};

/// Workers that were not seen for so long get no jobs: they enroll again every 10 seconds.
inline constexpr engine::TimeMs kAbsentMs = 45'000;

/// A run that is finished, or sealed and waiting for the asker's late number.
struct NetworkOutcome {
  std::optional<pipeline::CollectedRun> collected;
  std::optional<Bytes> seal;
  std::string seal_path;  ///< where the asker finds it
  trust::PublicKey keeper{};
  work::RunView view;
};

/// Runs `dsm` over workers into the run folder `out`; the same call goes on where one before was stopped. With flags.network a
/// coordinator that serves that folder does it; otherwise this process coordinates, in `out`/network. A seal that the asker is to
/// answer with the late number is shown as `out`/shown-seal.json; a number counts only for the seal that is there.
[[nodiscard]] Result<NetworkOutcome> run_over_workers(Context& context, const NetworkFlags& flags, const std::string& dsm,
                                                      pipeline::NetworkRequest request, const std::string& out,
                                                      store::OpeningStore& openings);

/// Folder of the coordinator's key.
[[nodiscard]] Result<std::string> coordinator_key_folder();
/// Attempts, disputes, verdict files, the coordinator's key.
void show_network(Context& context, const NetworkOutcome& outcome);

}  // namespace dsperse::cli
