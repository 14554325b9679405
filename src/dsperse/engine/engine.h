// An engine: the three stores that a coordinator stands on, of one kind.
//
// `embedded` keeps them on this machine's disk, `simulated` in a world that tests can break. How to write another:
// docs/engine.md. Tested by engine/engine_test.cc.
#pragma once

#include "dsperse/engine/blob_store.h"
#include "dsperse/engine/job_queue.h"
#include "dsperse/engine/node_registry.h"

namespace dsperse::engine {

class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual JobQueue& jobs() = 0;
  [[nodiscard]] virtual BlobStore& blobs() = 0;
  [[nodiscard]] virtual NodeRegistry& nodes() = 0;
};

}  // namespace dsperse::engine
