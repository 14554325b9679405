#include "dsperse/model/onnx/write.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <bit>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "onnx.pb.h"

namespace dsperse::model {
namespace {

using google::protobuf::io::CodedOutputStream;

onnx::TensorProto_DataType stored_type(DType dtype) {
  return dtype == DType::f32   ? onnx::TensorProto_DataType_FLOAT
         : dtype == DType::i64 ? onnx::TensorProto_DataType_INT64
                               : onnx::TensorProto_DataType_BOOL;
}

void set_type(onnx::ValueInfoProto& info, const Port& port) {
  info.set_name(port.name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(stored_type(port.dtype));
  for (const std::int64_t d : port.shape) tensor->mutable_shape()->add_dim()->set_dim_value(d);
}

/// A tensor's message without its raw_data.
onnx::TensorProto tensor_head(const std::string& name, const Tensor& tensor) {
  onnx::TensorProto proto;
  for (const std::int64_t d : tensor.shape) proto.add_dims(d);
  proto.set_data_type(stored_type(tensor.dtype));
  if (!name.empty()) proto.set_name(name);
  return proto;
}

/// raw_data: a view of the tensor where its bytes are the file's (little endian), else of `scratch`.
ByteView tensor_data(const Tensor& tensor, Bytes& scratch) {
  static_assert(std::endian::native == std::endian::little);
  if (tensor.dtype == DType::f32)
    return {reinterpret_cast<const std::uint8_t*>(tensor.f.data()), tensor.f.size() * sizeof(float)};
  if (tensor.dtype == DType::i64)
    return {reinterpret_cast<const std::uint8_t*>(tensor.i.data()), tensor.i.size() * sizeof(std::int64_t)};
  for (const std::int64_t v : tensor.i) scratch.push_back(v != 0 ? 1 : 0);
  return scratch;
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
  void operator()(const std::vector<std::string>& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_STRINGS);
    for (const std::string& x : v) proto.add_strings(x);
  }
  void operator()(const Subgraph&) const {}  // nodes with bodies are not written: see write.h
  void operator()(const Tensor& v) const {
    proto.set_type(onnx::AttributeProto_AttributeType_TENSOR);
    *proto.mutable_t() = tensor_head("", v);
    Bytes scratch;
    const ByteView data = tensor_data(v, scratch);
    proto.mutable_t()->set_raw_data(data.data(), data.size());
  }
};

/// Everything but the constants: the model's own fields, and its graph.
struct Head {
  onnx::ModelProto model;
  onnx::GraphProto graph;
};

/// "domain::name" as two; the domain is new to the file then.
void set_operator(onnx::NodeProto& node, const std::string& op, onnx::ModelProto& model) {
  const std::size_t at = op.find("::");
  node.set_op_type(at == std::string::npos ? op : op.substr(at + 2));
  if (at == std::string::npos) return;
  node.set_domain(op.substr(0, at));
  for (const auto& import : model.opset_import())
    if (import.domain() == node.domain()) return;
  auto* import = model.add_opset_import();
  import->set_domain(node.domain());
  import->set_version(1);
}

Head head_of(const Graph& graph, OutputTypes types) {
  Head out;
  out.model.set_ir_version(8);
  out.model.set_producer_name("dsperse");
  auto* opset = out.model.add_opset_import();
  opset->set_domain("");
  opset->set_version(graph.opset);
  onnx::GraphProto& g = out.graph;
  g.set_name(graph.name.empty() ? "model" : graph.name);
  for (const Port& p : graph.inputs) set_type(*g.add_input(), p);
  for (const Port& p : graph.outputs) {
    onnx::ValueInfoProto& info = *g.add_output();
    info.set_name(p.name);
    if (types == OutputTypes::stated) set_type(info, p);
  }
  for (const Node& node : graph.nodes) {
    onnx::NodeProto& n = *g.add_node();
    n.set_name(node.name);
    set_operator(n, node.op, out.model);
    for (const std::string& s : node.inputs) n.add_input(s);
    for (const std::string& s : node.outputs) n.add_output(s);
    for (const auto& [key, value] : node.attributes) {
      onnx::AttributeProto& a = *n.add_attribute();
      a.set_name(key);
      std::visit(SetAttribute{a}, value);
    }
  }
  return out;
}

// Protobuf's encoding of a field whose value is bytes or a message: number and wire type 2, length, value.
constexpr std::uint32_t kGraphField = 7, kInitializerField = 5, kRawDataField = 9;
std::size_t varint_size(std::size_t v) { return CodedOutputStream::VarintSize64(v); }
std::size_t field_size(std::size_t length) { return 1 + varint_size(length) + length; }
void open_field(CodedOutputStream& out, std::uint32_t field, std::size_t length) {
  out.WriteTag(field << 3 | 2);
  out.WriteVarint64(length);
}

/// A file as protobuf's lite library takes it.
class FileSink final : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit FileSink(std::ofstream& file) : file_(file) {}
  bool Write(const void* data, int size) override {
    file_.write(static_cast<const char*>(data), size);
    return file_.good();
  }

 private:
  std::ofstream& file_;
};

/// Writes the model into any stream. Constants go from the graph into the stream: no second copy of the weights is made.
Status stream_onnx(const Graph& graph, OutputTypes types, google::protobuf::io::ZeroCopyOutputStream& sink) {
  const Head head = head_of(graph, types);
  std::size_t graph_size = head.graph.ByteSizeLong();
  std::vector<std::size_t> sizes;
  for (const auto& [name, tensor] : graph.constants) {
    Bytes scratch;
    sizes.push_back(tensor_head(name, tensor).ByteSizeLong() + field_size(tensor_data(tensor, scratch).size()));
    graph_size += field_size(sizes.back());
  }
  if (head.model.ByteSizeLong() + field_size(graph_size) > std::size_t{0x7FFFFFFF})
    return fail(ErrorKind::resource, "the model is larger than an ONNX file can be (2 GiB)", graph.name);
  CodedOutputStream out(&sink);
  head.model.SerializeToCodedStream(&out);
  open_field(out, kGraphField, graph_size);
  head.graph.SerializeToCodedStream(&out);
  std::size_t i = 0;
  for (const auto& [name, tensor] : graph.constants) {
    open_field(out, kInitializerField, sizes[i++]);
    tensor_head(name, tensor).SerializeToCodedStream(&out);
    Bytes scratch;
    const ByteView data = tensor_data(tensor, scratch);
    open_field(out, kRawDataField, data.size());
    out.WriteRaw(data.data(), static_cast<int>(data.size()));
  }
  if (out.HadError()) return fail(ErrorKind::internal, "the model could not be serialized", graph.name);
  return {};
}

}  // namespace

Result<Bytes> encode_onnx(const Graph& graph, OutputTypes types) {
  std::string text;
  google::protobuf::io::StringOutputStream sink(&text);
  DSPERSE_CHECK_OK(stream_onnx(graph, types, sink));
  return Bytes(text.begin(), text.end());
}

Status write_onnx(const Graph& graph, const std::string& path) {
  const std::string temporary = path + ".partial";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  const Error unwritten{ErrorKind::resource, "the file could not be written", path, "check the folder and the free space"};
  {
    FileSink sink(file);
    google::protobuf::io::CopyingOutputStreamAdaptor stream(&sink, 1 << 20);
    const Status done = stream_onnx(graph, OutputTypes::stated, stream);
    if (!done) return std::unexpected(done.error().kind == ErrorKind::internal ? unwritten : done.error());
  }
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error) return std::unexpected(unwritten);
  return {};
}

}  // namespace dsperse::model
