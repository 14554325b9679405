// The generated networks have the known shapes and sizes, and values that stay in a sane range to the last layer.
#include "bench/models.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "bench/net.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/registry.h"
#include "dsperse/quantize/quantize.h"
#include "dsperse/run/float.h"

namespace dsperse::bench {
namespace {

/// Floats of all constants, those that stand for attributes (Clip's ends) too.
std::int64_t floats(const model::Graph& graph) {
  std::int64_t n = 0;
  for (const auto& [name, tensor] : graph.constants) n += static_cast<std::int64_t>(tensor.f.size());
  return n;
}

TEST(BenchModels, NamesAreUniqueAndAnUnknownOneIsAnErrorThatListsThem) {
  const std::vector<std::string> names = model_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  const auto unknown = make_model("alexnet");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::usage);
  EXPECT_NE(unknown.error().hint.find("vgg16_224"), std::string::npos);
}

TEST(BenchModels, HaveTheirFamiliesNumberOfParameters) {
  // Published counts of trainable parameters, and two running statistics a normalized channel.
  EXPECT_EQ(floats(*make_model("lenet5")), 61'706);
  EXPECT_EQ(floats(*make_model("resnet18_224")), 11'689'512 + 2 * 4'800);
  EXPECT_EQ(floats(*make_model("mobilenetv2_224")), 3'504'872 + 2 * 17'056 + 2 * 35);
  EXPECT_EQ(floats(*make_model("mobilenetv1_224")), 4'231'976 + 2 * 10'944 + 2 * 27);
}

TEST(BenchModels, TransformersHaveTheirFamiliesNumberOfParameters) {
  // Beside parameters: numbers that stand in the nodes (of a GELU 3 or 5, a scale and a mask's value in every attention), masks,
  // cosines and sines.
  const auto parameters = [](const std::string& name) {
    const auto graph = make_model(name);
    std::int64_t n = 0;
    for (const auto& [key, t] : graph->constants)
      if (!t.shape.empty() && (t.shape.size() < 4 || t.shape[0] != 1)) n += static_cast<std::int64_t>(t.f.size());
    return n;
  };
  EXPECT_EQ(parameters("nanogpt"), 65 * 64 + 64 * 64 + 4 * 12 * 64 * 64 + 4 * 13 * 64 + 2 * 64);
  EXPECT_EQ(parameters("gpt2_16"), 124'439'808 - 1024 * 768);                             // without the table of positions
  EXPECT_EQ(parameters("bert_base"), 109'482'240 - 768 * (30522 + 512 + 2) - 768 * 769);  // without embeddings and pooler
  EXPECT_EQ(parameters("llama_block"), 2 * 2048 * 2048 + 2 * 2048 * 256 + 3 * 2048 * 5632 + 2 * 2048);  // TinyLlama's
}

TEST(BenchModels, CurvesHaveTheirSize) {
  EXPECT_EQ(make_model("macs_13")->constants.at("w0").f.size(), std::size_t{1} << 13);
  const auto graph = make_model("lookups_16");
  const model::Shape& image = graph->inputs.front().shape;
  EXPECT_EQ(64 * image[2] * image[3], std::int64_t{1} << 14);
  EXPECT_FALSE(make_model("macs_25"));
  EXPECT_FALSE(make_model("lookups_012"));
}

TEST(BenchModels, ASeedMakesTheSameWeights) {
  const auto a = make_model("resnet_small"), b = make_model("resnet_small");
  ASSERT_TRUE(a && b);
  ASSERT_EQ(a->constants.size(), b->constants.size());
  for (const auto& [name, tensor] : a->constants) EXPECT_EQ(tensor.f, b->constants.at(name).f) << name;
}

/// Networks that the plain float interpreter runs in well under a second.
class SmallModel : public testing::TestWithParam<const char*> {};

TEST_P(SmallModel, KeepsItsValuesInRange) {
  auto graph = make_model(GetParam());
  ASSERT_TRUE(graph);
  const model::Shape written = graph->outputs.front().shape;
  ASSERT_TRUE(model::infer_shapes(*graph, ops::float_operators()));
  EXPECT_EQ(graph->outputs.front().shape, written);
  const auto values = run::run_float(*graph, ops::float_operators(), quantize::default_samples(*graph, 1).front());
  ASSERT_TRUE(values) << values.error().text();
  for (const model::Node& node : graph->nodes) {
    double square = 0;
    const model::Tensor& t = values->at(node.outputs.front());
    for (const float x : t.f) square += static_cast<double>(x) * x;
    const double rms = std::sqrt(square / static_cast<double>(t.f.size()));
    EXPECT_GT(rms, 0.1) << node_text(node);
    EXPECT_LT(rms, 20) << node_text(node);
  }
}

/// Transformers: softmaxes make small numbers, masks are no values.
class SmallTransformer : public testing::TestWithParam<const char*> {};

TEST_P(SmallTransformer, KeepsItsValuesInRange) {
  auto graph = make_model(GetParam());
  ASSERT_TRUE(graph);
  const model::Shape written = graph->outputs.front().shape;
  ASSERT_TRUE(model::infer_shapes(*graph, ops::float_operators()));
  EXPECT_EQ(graph->outputs.front().shape, written);
  quantize::Sample sample = quantize::default_samples(*graph, 1).front();
  for (auto& [name, t] : sample)
    for (std::size_t i = 0; i < t.i.size(); ++i) t.i[i] = static_cast<std::int64_t>(i * 7 % 65);
  const auto values = run::run_float(*graph, ops::float_operators(), sample);
  ASSERT_TRUE(values) << values.error().text();
  for (const model::Node& node : graph->nodes) {
    if (node.op != "Add" && node.op != "MatMul" && node.op != "Gemm" && node.op != "LayerNormalization") continue;
    double square = 0;
    const model::Tensor& t = values->at(node.outputs.front());
    if (t.shape.size() != 3) continue;  // scores
    for (const float x : t.f) square += static_cast<double>(x) * x;
    const double rms = std::sqrt(square / static_cast<double>(t.f.size()));
    EXPECT_GT(rms, 0.05) << node_text(node);
    EXPECT_LT(rms, 20) << node_text(node);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SmallTransformer, testing::Values("nanogpt", "llama_small"));

INSTANTIATE_TEST_SUITE_P(All, SmallModel,
                         testing::Values("mlp", "lenet5", "doom", "resnet_small", "resnet8_cifar", "unet_small"));

TEST(BenchNet, PixelShuffleMovesChannelsIntoSpace) {
  Net net("shuffle", {1, 4, 1, 2}, 1);
  auto graph = net.pixel_shuffle().done();
  ASSERT_TRUE(model::infer_shapes(graph, ops::float_operators()));
  const auto values =
      run::run_float(graph, ops::float_operators(), {{"image", model::float_tensor({1, 4, 1, 2}, {0, 1, 2, 3, 4, 5, 6, 7})}});
  ASSERT_TRUE(values) << values.error().text();
  // Channel 2 i + j goes to row i, column j of each block.
  EXPECT_EQ(values->at(graph.outputs.front().name).f, (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
}

}  // namespace
}  // namespace dsperse::bench
