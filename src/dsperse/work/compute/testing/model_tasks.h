// A model of proof/testing as tasks: everything of it that workers are handed, in a blob store.
//
// Used by work/compute/compute_test.cc and tests/e2e/worker_test.cc.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "dsperse/engine/simulated/simulated.h"
#include "dsperse/proof/package.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/work/compute/slices.h"
#include "dsperse/work/task/task.h"
#include "dsperse/work/task/values.h"

namespace dsperse::work::testing {

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

class ModelTasks {
 public:
  explicit ModelTasks(proof::testing::ModelSpec spec, bool public_weights = false)
      : m(proof::testing::make_model(with(std::move(spec), public_weights))), world_(Digest{1}), engine_(world_) {}

  proof::testing::ModelCase m;
  engine::BlobStore& blobs() { return engine_.blobs(); }  ///< one of its own
  SliceTask task(std::uint32_t s, bool prove = false) { return task(s, prove, blobs()); }
  /// The task, its blobs put into `store`.
  SliceTask task(std::uint32_t s, bool prove, engine::BlobStore& store) const {
    const proof::SliceKey& key = m.key.slices[s];
    SliceTask t;
    t.run = m.statement(s).run_id, t.model = m.key.id(), t.slice_key = key.digest(), t.nonce = Digest{7}, t.slice = s;
    t.package = value(store.put(proof::encode_slice_package(m.key, s)));
    if (key.weight_root) t.weights = value(store.put(encode_weights_blob(key, m.weights[s], weight_seed(s))));
    for (const proof::Port& p : key.inputs) {
      t.inputs.push_back({p.chunk, value(store.put(encode_values(m.values[p.chunk]))), seed(p)});
      t.live.push_back({p.chunk, root(p.chunk)});
    }
    for (const proof::Port& p : key.outputs) t.outputs.push_back({p.chunk, seed(p)});
    const auto by_chunk = [](const auto& a, const auto& b) { return a.chunk < b.chunk; };
    std::sort(t.inputs.begin(), t.inputs.end(), by_chunk);
    std::sort(t.live.begin(), t.live.end(), by_chunk);
    std::sort(t.outputs.begin(), t.outputs.end(), by_chunk);
    t.prove = prove;
    if (prove && key.weight_root) {
      const bool epoch = m.epochs[s].impl != nullptr;
      t.opening = WeightOpening{*(epoch ? m.epochs : m.origins)[s].root(),
                                proof::testing::test_seed(100 + s, epoch ? "epoch" : "weights"), 1};
    }
    return t;
  }
  static Digest weight_seed(std::uint32_t s) { return proof::testing::test_seed(100 + s, "weights"); }
  /// As the model's certificate has it.
  Digest root(std::uint32_t chunk) const {
    const proof::Boundary& b = m.certificate.table[chunk];
    return b.root ? *b.root : public_root(encode_values(b.values));
  }

 private:
  static proof::testing::ModelSpec with(proof::testing::ModelSpec spec, bool public_weights) {
    spec.public_weights = public_weights;
    return spec;
  }
  static std::optional<Digest> seed(const proof::Port& p) {
    return p.is_public ? std::nullopt : std::optional(proof::testing::test_seed(1, "boundaries"));
  }
  engine::simulated::World world_;
  engine::simulated::SimulatedEngine engine_;
};

}  // namespace dsperse::work::testing
