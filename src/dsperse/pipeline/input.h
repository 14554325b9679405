// A user's files as the key's input tensors: names, shapes, image layout, preprocessing, rounding.
//
// Images are pixels and go through the key's preprocessing; arrays are the model's own input values. Both sides use this: the
// prover to run, the verifier to recompute what was run. Tested by pipeline/input_test.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsperse/pipeline/edges.h"
#include "dsperse/store/tensors/tensor_file.h"

namespace dsperse::pipeline {

struct QuantizedInputs {
  EdgeTensors tensors;
  std::map<std::string, std::size_t> clamped;  ///< elements outside of the declared range, by input
};

/// The files' tensors for these input mappings (with their integer specs), each exactly once; a nameless tensor is for the only
/// input. Errors (bad_input) name the input and say which shape it has.
[[nodiscard]] Result<QuantizedInputs> quantize_inputs(
    const std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>>& inputs, const std::vector<store::FileTensor>& files);

/// Real values of one file's tensor in the input's ONNX axis order: image layout and preprocessing applied.
[[nodiscard]] Result<std::vector<float>> real_values(const quantize::IoMapping& io, const store::FileTensor& file);

/// Inputs of a key with their specs, in edge order.
std::vector<std::pair<quantize::IoMapping, quantize::TensorSpec>> key_inputs(const proof::ModelKey& key);

/// Preprocessing of an image input when the user gives none: pixel / 255. Images are inputs of shape (1, C, H, W) or (C, H, W)
/// with C = 1 or 3; other inputs have none.
bool is_image_shape(const quantize::Shape& logical);

}  // namespace dsperse::pipeline
