#include "dsperse/model/onnx/write.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "onnx.pb.h"

namespace dsperse::model {
namespace {

void set_type(onnx::ValueInfoProto& info, const Port& port) {
  info.set_name(port.name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(port.dtype == DType::f32   ? onnx::TensorProto_DataType_FLOAT
                        : port.dtype == DType::i64 ? onnx::TensorProto_DataType_INT64
                                                   : onnx::TensorProto_DataType_BOOL);
  for (const std::int64_t d : port.shape) tensor->mutable_shape()->add_dim()->set_dim_value(d);
}

void set_tensor(onnx::TensorProto& proto, const std::string& name, const Tensor& tensor) {
  proto.set_name(name);
  for (const std::int64_t d : tensor.shape) proto.add_dims(d);
  if (tensor.dtype == DType::f32) {
    proto.set_data_type(onnx::TensorProto_DataType_FLOAT);
    proto.set_raw_data(tensor.f.data(), tensor.f.size() * sizeof(float));
  } else if (tensor.dtype == DType::i64) {
    proto.set_data_type(onnx::TensorProto_DataType_INT64);
    proto.set_raw_data(tensor.i.data(), tensor.i.size() * sizeof(std::int64_t));
  } else {
    proto.set_data_type(onnx::TensorProto_DataType_BOOL);
    std::string raw;
    for (const std::int64_t v : tensor.i) raw.push_back(v != 0 ? '\1' : '\0');
    proto.set_raw_data(raw);
  }
}

struct SetAttribute {
  onnx::AttributeProto& proto;
  void operator()(std::int64_t v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_INT);
    proto.set_i(v);
  }
  void operator()(float v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_FLOAT);
    proto.set_f(v);
  }
  void operator()(const std::string& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_STRING);
    proto.set_s(v);
  }
  void operator()(const std::vector<std::int64_t>& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_INTS);
    for (const std::int64_t x : v) proto.add_ints(x);
  }
  void operator()(const std::vector<float>& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_FLOATS);
    for (const float x : v) proto.add_floats(x);
  }
  void operator()(const Tensor& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_TENSOR);
    set_tensor(*proto.mutable_t(), "", v);
  }
};

}  // namespace

Result<Bytes> encode_onnx(const Graph& graph) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("dsperse");
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(graph.opset);
  onnx::GraphProto& g = *model.mutable_graph();
  g.set_name(graph.name.empty() ? "model" : graph.name);
  for (const Port& p : graph.inputs) set_type(*g.add_input(), p);
  for (const Port& p : graph.outputs) set_type(*g.add_output(), p);
  for (const auto& [name, tensor] : graph.constants) set_tensor(*g.add_initializer(), name, tensor);
  for (const Node& node : graph.nodes) {
    onnx::NodeProto& n = *g.add_node();
    n.set_name(node.name);
    n.set_op_type(node.op);
    for (const std::string& s : node.inputs) n.add_input(s);
    for (const std::string& s : node.outputs) n.add_output(s);
    for (const auto& [key, value] : node.attributes) {
      onnx::AttributeProto& a = *n.add_attribute();
      a.set_name(key);
      std::visit(SetAttribute{a}, value);
    }
  }
  const std::size_t size = model.ByteSizeLong();
  if (size > std::size_t{0x7FFFFFFF})
    return fail(ErrorKind::resource, "the model is larger than an ONNX file can be (2 GiB)", graph.name);
  Bytes out(size);
  if (!model.SerializeToArray(out.data(), static_cast<int>(size)))
    return fail(ErrorKind::internal, "the model could not be serialized", graph.name);
  return out;
}

Status write_onnx(const Graph& graph, const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, encode_onnx(graph));
  const std::string temporary = path + ".partial";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error)
    return fail(ErrorKind::resource, "the file could not be written", path, "check the folder and the free space");
  return {};
}

}  // namespace dsperse::model
