// The harness itself: cases that are right, wrong, damaged and foreign end as they must.
#include "single_case.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "onnx.pb.h"

namespace dsperse::conformance {
namespace {

namespace fs = std::filesystem;

struct Data {
  std::vector<std::int64_t> dims;
  std::vector<float> values;
};

/// A folder with a case of one node over float tensors, removed at the end.
class OneNode {
 public:
  OneNode(const std::string& op, const std::vector<Data>& inputs, const Data& output) {
    static int number = 0;
    folder = fs::temp_directory_path() / ("dsperse_case_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
    fs::create_directories(folder / "test_data_set_0");
    onnx::ModelProto model;
    model.set_ir_version(8);
    auto* opset = model.add_opset_import();
    opset->set_domain("");
    opset->set_version(17);
    auto& graph = *model.mutable_graph();
    graph.set_name("case");
    auto& node = *graph.add_node();
    node.set_op_type(op);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string name = "x" + std::to_string(i);
      node.add_input(name);
      add(*graph.add_input(), name, inputs[i].dims);
      write("input_" + std::to_string(i), inputs[i]);
    }
    node.add_output("y");
    add(*graph.add_output(), "y", output.dims);
    write("output_0", output);
    save(folder / "model.onnx", model);
  }
  ~OneNode() { fs::remove_all(folder); }
  OneNode(const OneNode&) = delete;
  OneNode& operator=(const OneNode&) = delete;

  void write(const std::string& name, const Data& data) const {
    onnx::TensorProto t;
    t.set_data_type(onnx::TensorProto::FLOAT);
    for (const auto d : data.dims) t.add_dims(d);
    for (const float v : data.values) t.add_float_data(v);
    save(folder / "test_data_set_0" / (name + ".pb"), t);
  }
  [[nodiscard]] Outcome run() const { return run_case(folder); }

  fs::path folder;

 private:
  static void add(onnx::ValueInfoProto& port, const std::string& name, const std::vector<std::int64_t>& dims) {
    port.set_name(name);
    auto& type = *port.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape();
    for (const auto d : dims) type.mutable_shape()->add_dim()->set_dim_value(d);
  }
  template <class Message>
  static void save(const fs::path& path, const Message& message) {
    std::ofstream out(path, std::ios::binary);
    ASSERT_TRUE(message.SerializeToOstream(&out));
  }
};

Data ramp(std::int64_t n, float (*f)(float) = nullptr) {
  Data d{{1, n}, {}};
  for (std::int64_t i = 0; i < n; ++i) {
    const float x = static_cast<float>(i - n / 2) / 3;
    d.values.push_back(f != nullptr ? f(x) : x);
  }
  return d;
}
float relu(float x) { return x > 0 ? x : 0; }
float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

TEST(SingleCase, RightOnesAreProvedAndAttacked) {
  for (const auto& [op, f] : std::vector<std::pair<std::string, float (*)(float)>>{{"Relu", relu}, {"Sigmoid", sigmoid}}) {
    const Outcome o = OneNode(op, {ramp(24)}, ramp(24, f)).run();
    EXPECT_EQ(o.status, Ending::passed) << o.step << o.reason;
    EXPECT_EQ(o.step, "attack");
    EXPECT_GT(o.proof_bytes, 1000U);
    EXPECT_LE(o.error, o.bound);
    EXPECT_EQ(o.fixed, 0U);
  }
}

TEST(SingleCase, OnlyWhatMustBeConstantBecomesConstant) {
  const Data one{{4}, {1, 1, 1, 1}}, zero{{4}, {0, 0, 0, 0}};
  const Outcome norm = OneNode("BatchNormalization", {ramp(4), one, zero, zero, one}, ramp(4)).run();
  EXPECT_EQ(norm.status, Ending::passed) << norm.step << norm.reason;
  EXPECT_EQ(norm.inputs, 5U);
  EXPECT_EQ(norm.fixed, 4U);
  const Outcome sum = OneNode("Add", {ramp(8), ramp(8)}, ramp(8, [](float x) { return 2 * x; })).run();
  EXPECT_EQ(sum.status, Ending::passed) << sum.step << sum.reason;
  EXPECT_EQ(sum.fixed, 0U);
}

TEST(SingleCase, AWrongExpectationFails) {
  Data wrong = ramp(24, relu);
  wrong.values[20] += 0.01F;
  const Outcome o = OneNode("Relu", {ramp(24)}, wrong).run();
  EXPECT_EQ(o.status, Ending::failed);
  EXPECT_EQ(o.step, "float");
  const Outcome shape = OneNode("Relu", {ramp(24)}, ramp(23, relu)).run();
  EXPECT_EQ(shape.status, Ending::failed) << shape.reason;
}

TEST(SingleCase, WhatDsperseDoesNotTakeIsDeclined) {
  const Outcome o = OneNode("NoSuchOperator", {ramp(24)}, ramp(24)).run();
  EXPECT_EQ(o.status, Ending::declined);
  EXPECT_EQ(o.step, "import");
  EXPECT_NE(o.reason.find("NoSuchOperator"), std::string::npos);
  Data infinite = ramp(24);
  infinite.values[3] = INFINITY;
  const Outcome i = OneNode("Relu", {infinite}, ramp(24)).run();
  EXPECT_EQ(i.status, Ending::declined);
  EXPECT_EQ(i.step, "data");
}

TEST(SingleCase, DamagedFilesFail) {
  const OneNode c("Relu", {ramp(24)}, ramp(24, relu));
  fs::remove(c.folder / "test_data_set_0" / "output_0.pb");
  EXPECT_EQ(c.run().status, Ending::failed);
  std::ofstream(c.folder / "model.onnx", std::ios::binary) << "no model";
  EXPECT_EQ(c.run().status, Ending::failed);
}

TEST(SingleCase, LinesAreJson) {
  Outcome o;
  o.reason = "a \"quoted\"\nname \\";
  const std::string line = json_line("/a/b", o);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find("a \\\"quoted\\\" name \\\\"), std::string::npos);
  EXPECT_EQ(line.front(), '{');
  EXPECT_EQ(line.back(), '}');
}

}  // namespace
}  // namespace dsperse::conformance
