// ONNX's own test cases on disk: Debian's libonnx-testdata.
#pragma once

#include <filesystem>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::conformance {

/// Folders with a model.onnx, sorted; none when the package is not installed.
std::vector<std::filesystem::path> case_folders();
/// A .pb file.
[[nodiscard]] Result<model::Tensor> read_tensor(const std::filesystem::path& path);
/// model.onnx of a case. Many cases say opset 6; where its operators read the same in opset 7 they are taken as that.
[[nodiscard]] Result<model::Graph> load_case(const std::filesystem::path& model);

}  // namespace dsperse::conformance
