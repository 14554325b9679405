// Benchmark models, generated: He-normal weights from fixed seeds, no training. Real shapes of the networks of
// docs/benchmarks.md.
//
// Written as ONNX files by `dsperse_bench models DIR`, so that every command meets them as a user's file.
#pragma once

#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::bench {

/// lenet5 (62 k parameters, 1x28x28), doom (418 k, 4x28x28: three convolutions, two dense layers), vgg16_cifar (15.2 M, 3x32x32).
std::vector<std::string> model_names();
/// An unknown name is an error that lists the names.
[[nodiscard]] Result<model::Graph> make_model(const std::string& name);

}  // namespace dsperse::bench
