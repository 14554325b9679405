// Benchmark models, generated: He-normal weights from fixed seeds, no training. Real shapes of the networks of
// docs/benchmarks.md.
//
// Written as ONNX files by `dsperse_models FOLDER [NAME...]`, so that every command meets them as a user's file. Weights are
// those of libstdc++'s distributions; another standard library makes other numbers of the same size. Not here: layers (net.h).
// Tested by bench/models_test.cc.
#pragma once

#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::bench {

/// From the smallest to the largest: mlp (109 k parameters), lenet5 (62 k), doom (418 k: three convolutions, two dense layers),
/// resnet_small (1 k), resnet8_cifar (78 k), unet_small (0.5 M), mlp_4m (4 M), vgg11_cifar (9.8 M), vgg16_cifar (15.2 M) and, for
/// images of 224 x 224, mobilenetv1_224 (4.2 M), mobilenetv2_224 (3.5 M), resnet18_224 (11.7 M), resnet50_224 (25.6 M),
/// vgg11_224 (133 M), vgg16_224 (138 M). Transformers (bench/transformers.h): nanogpt (0.2 M), llama_small (46 k), llama_block
/// (44 M), bert_base (85 M), gpt2_16 and gpt2_64 (124 M).
std::vector<std::string> model_names();
/// Also lookups_N and macs_N, N from 12 to 24, for curves: about 2^N lookups and few weights; 2^N multiply-adds, each with a
/// weight of its own, and few lookups. An unknown name is an error that lists the names.
[[nodiscard]] Result<model::Graph> make_model(const std::string& name);

}  // namespace dsperse::bench
