// A backend for tests alone: the "proof" is the weights and the inputs, verification runs the slice again. It hides nothing and
// links nothing: it shows what the interface asks of a backend, and what a certificate must not take for a proof.
// Product targets don't link it. Tested by backend/contract_test.cc.
#pragma once

#include "dsperse/backend/backend.h"

namespace dsperse::backend {

class Reexec final : public Backend {
 public:
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] std::optional<std::string> unsupported(const quantize::Program& slice) const override;
  [[nodiscard]] Result<Artefacts> setup(const proof::SecurityParams& params, const proof::SliceSpec& spec,
                                        const proof::Geometry& boundary, const quantize::WeightStore& weights,
                                        const Digest& seed) const override;
  [[nodiscard]] Result<Bytes> prove(const ProveRequest& request, proof::ProveStats* stats) const override;
  [[nodiscard]] Verdict verify(const proof::SliceKey& key, const proof::Statement& statement, ByteView proof) const override;
};

}  // namespace dsperse::backend
