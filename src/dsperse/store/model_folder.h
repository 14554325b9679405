// NAME.dsm/: a compiled model on the prover's side (0700). manifest.json names blobs by the digest of their bytes: the
// verification key, and per slice the proving key (weights and the seed of their tree). NAME.dsk: the verification key alone.
//
// manifest.json is written last: with it the folder is whole. Opening counters are not in here (store/openings.h).
// Source: docs/formats/dsm.md. Tested by store/folders_test.cc.
#pragma once

#include <string>
#include <vector>

#include "dsperse/proof/key.h"
#include "dsperse/slice/plan.h"
#include "dsperse/trust/treatment/treatment.h"

namespace dsperse::store {

/// What of a compiled model is no secret, and how its owner wants it proved.
struct CompiledModel {
  std::string name;
  proof::ModelKey key;
  std::vector<trust::Treatment> treatments;  ///< by slice
  std::vector<slice::Cost> predicted;        ///< by slice
};

/// Of one slice: stays with the prover.
struct ProvingKey {
  quantize::WeightStore weights;
  Digest seed{};       ///< of the origin's weight tree
  Bytes network = {};  ///< of a slice that runs in float: the ONNX file that its key names
};

/// Writes a .dsm slice by slice, so that one slice's secrets are in memory at a time.
class ModelWriter {
 public:
  [[nodiscard]] static Result<ModelWriter> create(const std::string& folder);
  /// The next slice.
  [[nodiscard]] Status add(const proof::SliceKey& slice, const ProvingKey& secret);
  /// All slices are added: the model becomes visible, whatever was there before is gone.
  [[nodiscard]] Status finish(const CompiledModel& model);

 private:
  explicit ModelWriter(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  std::vector<std::string> names_;     ///< of blobs, by slice
  std::vector<std::string> networks_;  ///< of blobs, of the slices that run in float
};
/// All at once.
[[nodiscard]] Status write_model(const std::string& folder, const CompiledModel& model, const std::vector<ProvingKey>& secrets);

/// An opened .dsm; proving keys are read on demand.
class ModelFolder {
 public:
  [[nodiscard]] static Result<ModelFolder> open(const std::string& folder);
  [[nodiscard]] const CompiledModel& model() const { return model_; }
  [[nodiscard]] Result<ProvingKey> proving_key(std::uint32_t slice) const;
  /// The ONNX file of a slice that runs in float, as its key names it.
  [[nodiscard]] Result<Bytes> network(std::uint32_t slice) const;

 private:
  std::string folder_;
  CompiledModel model_;
  std::vector<std::string> blobs_;  ///< by slice
};

[[nodiscard]] Status write_key(const std::string& path, const proof::ModelKey& key);
[[nodiscard]] Result<proof::ModelKey> read_key(const std::string& path);

}  // namespace dsperse::store
