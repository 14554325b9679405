// A compiled model and an input as a coordinator takes them: facts, and blobs in the engine's store.
//
// Tested by pipeline/network/network_test.cc.
#pragma once

#include "dsperse/pipeline/edges.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/work/coordinator/coordinator.h"

namespace dsperse::pipeline {

/// Each slice's package and weights are in the store. Cost: reads the whole model once.
[[nodiscard]] Result<work::ModelFacts> publish_model(const store::ModelFolder& model, engine::BlobStore& blobs);

/// Puts the input's chunks into the store, committed ones with fresh seeds. inputs: all input edges, exactly. treatments: by
/// slice.
[[nodiscard]] Result<work::RunRequest> publish_request(const proof::ModelKey& key, const EdgeTensors& inputs, const Bytes& nonce,
                                                       const std::vector<trust::Treatment>& treatments, trust::lottery::Late late,
                                                       engine::BlobStore& blobs);

/// Blobs of the model, and of these inputs, that cannot be read are put again. Gives how many were. Cost: reads them all.
[[nodiscard]] Result<std::size_t> mend_model(const store::ModelFolder& model, const work::ModelFacts& facts,
                                             engine::BlobStore& blobs);
[[nodiscard]] Result<std::size_t> mend_inputs(const proof::ModelKey& key, const EdgeTensors& inputs, engine::BlobStore& blobs);

}  // namespace dsperse::pipeline
