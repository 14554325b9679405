// A run: slices executed one after the other on integers, every boundary committed and stored.
//
// Tested by pipeline/pipeline_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/pipeline/edges.h"
#include "dsperse/pipeline/progress.h"
#include "dsperse/pipeline/published.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/run_folder.h"

namespace dsperse::pipeline {

struct SliceRun {
  double seconds = 0;
  std::uint64_t saturated = 0;   ///< elements clamped by a table, or where a slice in float was rounded
  std::uint64_t peak_bytes = 0;  ///< beyond what the process had, its boundaries' commitments included; zero: not known
  double commit_s = 0;           ///< of what it makes
};

struct RunSummary {
  Digest model_id{}, run_id{};
  EdgeTensors outputs;
  std::map<std::string, std::vector<Digest>> input_roots;  ///< of committed inputs
  std::vector<SliceRun> slices;
  Published published;  ///< written as published.json
  double commit_s = 0;
};

/// Input edges into their chunks; every chunk of an input gets its part. Errors (bad_input): an input is missing, unknown, or of
/// another size.
[[nodiscard]] Status place_inputs(const proof::ModelKey& key, const EdgeTensors& inputs,
                                  std::vector<quantize::IntTensor>& chunks);

/// All tensors of one slice from its input chunks' values. Errors name op or tensor.
[[nodiscard]] Result<quantize::TensorStore> slice_trace(const proof::SliceKey& slice, const quantize::WeightStore& weights,
                                                        const std::vector<quantize::IntTensor>& inputs,
                                                        SliceRun* stats = nullptr);

/// A boundary tensor is committed as soon as it is there, and dropped after its last reader. Runs the model on the input edges'
/// tensors (all of them, exactly) and fills `folder` (fresh from RunFolder::create); the run is finished when this returns.
/// nonce: at most 64 bytes. model_path: where `prove` finds the model again. draw: how many slices a challenge will draw, at most
/// all.
[[nodiscard]] Result<RunSummary> run_model(const store::ModelFolder& model, const std::string& model_path,
                                           const EdgeTensors& inputs, const Bytes& nonce, std::uint32_t draw,
                                           store::RunFolder& folder, const Observer& observer);

}  // namespace dsperse::pipeline
