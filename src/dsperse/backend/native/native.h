// dsperse's own proof system as a backend. Source: docs/backends.md. Tested by backend/contract_test.cc.
#pragma once

#include "dsperse/backend/backend.h"

namespace dsperse::backend {

class Native final : public Backend {
 public:
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] std::optional<std::string> unsupported(const quantize::Program& slice) const override;
  /// artefacts.proving is empty: seed and weights are all that the prover keeps.
  [[nodiscard]] Result<Artefacts> setup(const proof::SecurityParams& params, const proof::SliceSpec& spec,
                                        const proof::Geometry& boundary, const quantize::WeightStore& weights,
                                        const Digest& seed) const override;
  [[nodiscard]] Result<Bytes> prove(const ProveRequest& request, proof::ProveStats* stats) const override;
  [[nodiscard]] Verdict verify(const proof::SliceKey& key, const proof::Statement& statement, ByteView proof) const override;
};

}  // namespace dsperse::backend
