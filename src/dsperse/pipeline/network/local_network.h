// A coordinator on this machine with everything it stands on: engine, state, log, key, openings.
//
//   FOLDER/engine/          jobs, workers, blobs (docs/engine.md): what workers open
//   FOLDER/coordinator.db   its state
//   FOLDER/ledger.db        its log
// One process at a time coordinates a folder. Not here: worker processes (cli). Tested by pipeline/network/network_test.cc.
#pragma once

#include <memory>
#include <string>

#include "dsperse/backend/backend.h"
#include "dsperse/pipeline/network/collect.h"
#include "dsperse/pipeline/network/publish.h"

namespace dsperse::pipeline {

struct NetworkOptions {
  std::string folder;
  std::string key_folder;  ///< of the coordinator's key
  work::Settings settings;
  bool proves = true;  ///< settles disputes by own proofs; otherwise claimants must prove
};

/// What a run over a network is asked for; the same again is the same run, and goes on where it was.
struct NetworkRequest {
  EdgeTensors inputs;
  Bytes nonce;
  std::vector<trust::Treatment> treatments;  ///< by slice
  trust::lottery::Late late = trust::lottery::Late::none;
};

class LocalNetwork {
 public:
  /// dsm: of the compiled model. Errors: those of the files; resource: another process coordinates the folder.
  [[nodiscard]] static Result<std::unique_ptr<LocalNetwork>> open(const std::string& dsm, const NetworkOptions& options,
                                                                  store::OpeningStore& openings, const backend::Backend& backend);
  virtual ~LocalNetwork() = default;

  /// Takes the run on, or finds it. Gives its id.
  [[nodiscard]] virtual Result<Digest> submit(const NetworkRequest& request) = 0;
  /// Workers that were there lately and get work.
  [[nodiscard]] virtual Result<std::size_t> workers() = 0;
  /// Writes a finished run into the run folder `out`; again is the same. Errors: usage (it holds another finished run),
  /// bad_input (a blob is missing or damaged), those of the disk.
  [[nodiscard]] virtual Result<CollectedRun> collect(const Digest& id, const std::string& out) = 0;
  /// Puts blobs of the model again that are missing or damaged, and those of this request's inputs. Gives how many were.
  [[nodiscard]] virtual Result<std::size_t> mend(const NetworkRequest& request) = 0;
  [[nodiscard]] virtual work::Coordinator& coordinator() = 0;
  [[nodiscard]] virtual const store::ModelFolder& model() const = 0;
  /// The coordinator's public key: what users pin.
  [[nodiscard]] virtual trust::PublicKey keeper() const = 0;
};

/// Where workers of this folder find their engine.
std::string engine_folder(const std::string& network_folder);

}  // namespace dsperse::pipeline
