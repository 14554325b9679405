// What a proof system must offer to serve as a backend of a slice, and what it says of itself.
//
// native/ is dsperse's own prover, reexec/ (tests only) re-runs the slice; subprocess systems fit the same calls: `setup` writes
// artefacts, `prove` reads a trace, `verify` needs only what setup marked public. A backend that cannot link boundaries by
// dsperse's commitments says so, and the certificate's verdict repeats it. Source: docs/backends.md.
// Tested by backend/contract_test.cc, which every backend passes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/proof/prove.h"
#include "dsperse/proof/verify.h"

namespace dsperse::backend {

struct Capabilities {
  std::string name, version;
  bool zero_knowledge = false;  ///< proofs say nothing of witness and weights beyond the statement
  bool hides_weights = false;
  bool trusted_setup = false;
  bool links_boundaries = false;  ///< statements name dsperse boundary roots, so neighbours are linked by equality
  bool bit_exact = true;          ///< proves the integer semantics themselves, not an approximation
  int security_bits = 0;
};

/// What setup gives: `public_key` is all that verify needs; `proving` stays with the prover.
struct Artefacts {
  proof::SliceKey key;
  Bytes proving;  ///< opaque to the caller
};

struct ProveRequest {
  const Artefacts* artefacts = nullptr;
  const proof::Statement* statement = nullptr;
  const quantize::WeightStore* weights = nullptr;
  const quantize::TensorStore* trace = nullptr;
  const proof::WeightCommitment* weight_tree = nullptr;      ///< native
  std::vector<const proof::BoundaryCommitment*> boundaries;  ///< native; by port
  proof::Codewords codewords = proof::Codewords::kept;       ///< native; of the witness tree
};

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
  /// nullopt: can prove this slice; otherwise why not, naming the op.
  [[nodiscard]] virtual std::optional<std::string> unsupported(const quantize::Program& slice) const = 0;
  [[nodiscard]] virtual Result<Artefacts> setup(const proof::SecurityParams& params, const proof::SliceSpec& spec,
                                                const proof::Geometry& boundary, const quantize::WeightStore& weights,
                                                const Digest& seed) const = 0;
  [[nodiscard]] virtual Result<Bytes> prove(const ProveRequest& request, proof::ProveStats* stats) const = 0;
  [[nodiscard]] virtual Verdict verify(const proof::SliceKey& key, const proof::Statement& statement, ByteView proof) const = 0;
};

}  // namespace dsperse::backend
