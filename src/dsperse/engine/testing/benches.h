// The engines of this repository, ready for the suite. Used by engine/conformance_test.cc.
#pragma once

#include "dsperse/engine/embedded/embedded.h"
#include "dsperse/engine/simulated/simulated.h"
#include "dsperse/engine/testing/suite.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/testing/temporary_folder.h"

namespace dsperse::engine::testing {

class EmbeddedBench final : public Bench {
 public:
  EmbeddedBench() { restart(); }
  Engine& engine() override { return *engine_; }
  void restart() override {
    engine_.reset();
    engine_ = value(embedded::open(folder_ / "engine", {.blob_limit_bytes = kBlobLimit}));
  }
  void damage_blob(const Digest& digest) override {
    const std::string hex = to_hex(digest), path = folder_ / ("engine/blobs/" + hex.substr(0, 2) + "/" + hex.substr(2));
    Bytes bytes = value(store::read_file(path, kBlobLimit));
    bytes.at(bytes.size() / 2) ^= 1;
    ok(store::write_file(path, bytes, store::Access::secret));
  }

 private:
  store::testing::TemporaryFolder folder_;
  std::unique_ptr<Engine> engine_;
};

class SimulatedBench final : public Bench {
 public:
  SimulatedBench() : world_(Digest{1}), engine_(world_, kBlobLimit) {}
  Engine& engine() override { return engine_; }
  void restart() override { engine_.server().crash(); }
  void damage_blob(const Digest& digest) override {
    engine_.server().meddle([&](simulated::Memory& m) {
      Bytes bytes = value(m.blobs.get(digest, kBlobLimit));
      bytes.at(bytes.size() / 2) ^= 1;
      m.blobs.overwrite(digest, bytes);
    });
  }

 private:
  simulated::World world_;
  simulated::SimulatedEngine engine_;
};

}  // namespace dsperse::engine::testing
