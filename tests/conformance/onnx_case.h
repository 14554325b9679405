// ONNX's own test cases on disk: Debian's libonnx-testdata.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::conformance {

/// Folders with a model.onnx, sorted; none when the package is not installed.
std::vector<std::filesystem::path> case_folders();
/// A .pb file.
[[nodiscard]] Result<model::Tensor> read_tensor(const std::filesystem::path& path);
/// input_0.pb, input_1.pb, ... (or output_) of a data set.
[[nodiscard]] Result<std::vector<model::Tensor>> read_tensors(const std::filesystem::path& data_set, const std::string& prefix);
/// Distance of 1 to the next number of the type that a .pb file stores: 2^-10 for float16, 2^-7 for bfloat16; 0 for all others.
double coarseness(const std::filesystem::path& path);
/// model.onnx of a case. Many cases say opset 6; where its operators read the same in opset 7 they are taken as that.
/// shapes: of the inputs, where the file leaves some open.
[[nodiscard]] Result<model::Graph> load_case(const std::filesystem::path& model,
                                             const std::map<std::string, model::Shape>& shapes = {});

/// Names of the inputs of a case's graph that are no initializers, in order; empty if the file cannot be read.
std::vector<std::string> input_names(const std::filesystem::path& model);

}  // namespace dsperse::conformance
