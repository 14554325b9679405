// Written models are read back equal.
#include "dsperse/model/onnx/write.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "dsperse/model/onnx/load.h"
#include "dsperse/ops/registry.h"

namespace dsperse::model {
namespace {

/// A small convolution with every kind of attribute and constant that the operators use.
Graph sample() {
  Graph g;
  g.name = "sample";
  g.opset = 13;
  g.inputs = {{"x", DType::f32, {1, 2, 5, 5}}};
  g.constants["w"] = {DType::f32, {3, 2, 3, 3}, std::vector<float>(54, 0.25F), {}};
  g.constants["shape"] = {DType::i64, {2}, {}, {1, -1}};
  Node conv{"conv", "Conv", {"x", "w"}, {"y"}, {}};
  conv.attributes["pads"] = std::vector<std::int64_t>{1, 1, 1, 1};
  conv.attributes["auto_pad"] = std::string("NOTSET");
  conv.attributes["group"] = std::int64_t{1};
  Node leaky{"leaky", "LeakyRelu", {"y"}, {"z"}, {}};
  leaky.attributes["alpha"] = 0.5F;
  g.nodes = {conv, leaky, {"flat", "Reshape", {"z", "shape"}, {"out"}, {}}};
  g.outputs = {{"out", DType::f32, {1, 75}}};
  return g;
}

TEST(WriteOnnx, IsReadBackEqual) {
  const Graph g = sample();
  const auto bytes = encode_onnx(g);
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto back = parse_onnx(*bytes, {}, {}, ops::float_operators());
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->opset, g.opset);
  ASSERT_EQ(back->nodes.size(), g.nodes.size());
  for (std::size_t i = 0; i < g.nodes.size(); ++i) {
    EXPECT_EQ(back->nodes[i].op, g.nodes[i].op);
    EXPECT_EQ(back->nodes[i].inputs, g.nodes[i].inputs);
    EXPECT_EQ(back->nodes[i].outputs, g.nodes[i].outputs);
    EXPECT_EQ(back->nodes[i].attributes.size(), g.nodes[i].attributes.size());
  }
  EXPECT_EQ(back->nodes[0].ints_or("pads", {}).value(), (std::vector<std::int64_t>{1, 1, 1, 1}));
  EXPECT_EQ(back->nodes[1].float_or("alpha", 0).value(), 0.5F);
  EXPECT_EQ(back->constants.at("w").f, g.constants.at("w").f);
  EXPECT_EQ(back->constants.at("shape").i, g.constants.at("shape").i);
  EXPECT_EQ(back->inputs[0].shape, g.inputs[0].shape);
}

TEST(WriteOnnx, TheFileHoldsTheSameBytes) {
  const std::string path = testing::TempDir() + "/write_onnx_test.onnx";
  ASSERT_TRUE(write_onnx(sample(), path));
  std::ifstream file(path, std::ios::binary);
  const Bytes read{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  EXPECT_EQ(read, *encode_onnx(sample()));
}

TEST(WriteOnnx, AFolderThatIsNotThereIsAnError) {
  const auto status = write_onnx(sample(), "no-such-folder/model.onnx");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::resource);
}

}  // namespace
}  // namespace dsperse::model
