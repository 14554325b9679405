#include "dsperse/model/onnx/testing/builder.h"

namespace dsperse::model::testing {

namespace {

onnx::ValueInfoProto* describe(onnx::ValueInfoProto* info, const std::string& name, const std::vector<std::int64_t>& dims) {
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t d : dims) type->mutable_shape()->add_dim()->set_dim_value(d);
  return info;
}

}  // namespace

onnx::NodeProto* add_node(onnx::ModelProto& model, const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
  auto* node = model.mutable_graph()->add_node();
  node->set_op_type(op);
  for (const std::string& name : inputs) node->add_input(name);
  for (const std::string& name : outputs) node->add_output(name);
  return node;
}

onnx::TensorProto* add_initializer(onnx::ModelProto& model, const std::string& name, const std::vector<std::int64_t>& dims,
                                   const std::vector<float>& values) {
  auto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t d : dims) tensor->add_dims(d);
  for (const float v : values) tensor->add_float_data(v);
  return tensor;
}

void add_input(onnx::ModelProto& model, const std::string& name, const std::vector<std::int64_t>& dims) {
  describe(model.mutable_graph()->add_input(), name, dims);
}

void add_output(onnx::ModelProto& model, const std::string& name) { describe(model.mutable_graph()->add_output(), name, {}); }

void add_ints(onnx::NodeProto& node, const std::string& name, const std::vector<std::int64_t>& values) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t v : values) attribute->add_ints(v);
}

onnx::ModelProto small_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  model.mutable_graph()->set_name("small");
  add_input(model, "x", {1, 4});
  add_output(model, "y");
  add_initializer(model, "w", {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  add_initializer(model, "b", {3}, {0.5F, -100, 0});
  add_node(model, "Gemm", {"x", "w", "b"}, {"h"})->set_name("dense");
  add_node(model, "Relu", {"h"}, {"y"});
  return model;
}

Bytes bytes_of(const onnx::ModelProto& model) {
  const std::string text = model.SerializeAsString();
  return {text.begin(), text.end()};
}

}  // namespace dsperse::model::testing
