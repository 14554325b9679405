#include "dsperse/model/onnx/load.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <set>

#include "dsperse/model/onnx/file.h"
#include "dsperse/model/onnx/scan.h"
#include "dsperse/model/onnx/tensor.h"
#include "dsperse/model/onnx/text.h"
#include "dsperse/model/order.h"
#include "onnx.pb.h"

namespace dsperse::model {

namespace {

using onnx_file::check_text;
using onnx_file::decode_tensor;

constexpr std::int64_t kFirstOpset = 7, kLastOpset = 22;
constexpr int kRecursion = 16;  // messages nested by protobuf; the scanner is stricter

bool default_domain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

std::string tensor_text(const std::string& name) { return "tensor '" + name + "'"; }

/// From a parsed ModelProto to a Graph.
class Importer {
 public:
  Importer(const LoadOptions& options, const std::string& folder, const OperatorSet& operators)
      : options_(options), operators_(operators) {
    context_ = {options.max_tensor_bytes, options.allow_external_data, folder};
  }

  /// Empties the model's initializers as it reads them: a tensor is in memory once.
  Result<Graph> run(onnx::ModelProto& model) {
    if (!model.has_graph()) return fail(ErrorKind::bad_input, "not an ONNX model: it has no graph");
    if (model.functions_size() > 0)
      return fail(ErrorKind::unsupported, "model-local functions", {}, "export the model with functions inlined");
    if (model.training_info_size() > 0)
      return fail(ErrorKind::unsupported, "training information", {}, "export the model for inference");
    DSPERSE_CHECK_OK(opset(model));
    onnx::GraphProto& proto = *model.mutable_graph();
    DSPERSE_CHECK_OK(check_text(proto.name(), "the graph's name"));
    graph_.name = proto.name();
    DSPERSE_CHECK_OK(constants(proto));
    DSPERSE_CHECK_OK(inputs(proto));
    DSPERSE_CHECK_OK(supported(proto));
    DSPERSE_CHECK_OK(nodes(proto));
    DSPERSE_CHECK_OK(outputs(proto));
    DSPERSE_CHECK_OK(sort_nodes(graph_));
    return std::move(graph_);
  }

 private:
  Status opset(const onnx::ModelProto& model) {
    std::set<std::int64_t> versions;
    for (const auto& import : model.opset_import())
      if (default_domain(import.domain())) versions.insert(import.version());
    if (versions.empty()) return fail(ErrorKind::bad_input, "no opset of the default domain is imported");
    if (versions.size() > 1) return fail(ErrorKind::bad_input, "two different opsets of the default domain are imported");
    graph_.opset = *versions.begin();
    if (graph_.opset < kFirstOpset || graph_.opset > kLastOpset)
      return fail(ErrorKind::unsupported, "opset " + std::to_string(graph_.opset), {}, "export with an opset from 7 to 22");
    return {};
  }

  Status constants(onnx::GraphProto& proto) {
    if (proto.sparse_initializer_size() > 0)
      return fail(ErrorKind::unsupported, "sparse tensor", tensor_text(proto.sparse_initializer(0).values().name()),
                  "store weights densely");
    for (onnx::TensorProto& stored : *proto.mutable_initializer()) {
      onnx::TensorProto tensor;
      tensor.Swap(&stored);
      DSPERSE_CHECK_OK(check_text(tensor.name(), "an initializer's name"));
      if (tensor.name().empty()) return fail(ErrorKind::bad_input, "initializer without a name");
      auto value = decode_tensor(tensor, context_);
      if (!value) return std::unexpected(value.error().within(tensor_text(tensor.name())));
      if (!graph_.constants.emplace(tensor.name(), std::move(*value)).second)
        return fail(ErrorKind::bad_input, "duplicate name: two initializers", tensor_text(tensor.name()));
    }
    return {};
  }

  /// dtype of a graph input or output; only plain tensors.
  static Result<DType> port_type(const onnx::ValueInfoProto& info) {
    if (!info.type().has_tensor_type())
      return fail(ErrorKind::unsupported, "not a tensor (sequence, map, sparse or optional type, or none)");
    return onnx_file::dtype_of(info.type().tensor_type().elem_type());
  }

  Status inputs(const onnx::GraphProto& proto) {
    std::set<std::string> seen;
    for (const onnx::ValueInfoProto& info : proto.input()) {
      DSPERSE_CHECK_OK(check_text(info.name(), "an input's name"));
      const std::string where = "input '" + info.name() + "'";
      if (info.name().empty()) return fail(ErrorKind::bad_input, "input without a name");
      if (!seen.insert(info.name()).second) return fail(ErrorKind::bad_input, "duplicate name: two inputs", where);
      if (graph_.constants.contains(info.name())) continue;  // a default value: it is a constant here
      const auto dtype = port_type(info);
      if (!dtype) return std::unexpected(dtype.error().within(where));
      auto shape = input_shape(info);
      if (!shape) return std::unexpected(shape.error().within(where));
      graph_.inputs.push_back({info.name(), *dtype, std::move(*shape)});
    }
    for (const auto& [name, shape] : options_.input_shapes)
      if (std::ranges::none_of(graph_.inputs, [&](const Port& port) { return port.name == name; }))
        return fail(ErrorKind::usage, "a shape is given for an input that the model does not have", "input '" + name + "'");
    return {};
  }

  Result<Shape> input_shape(const onnx::ValueInfoProto& info) const {
    const auto& type = info.type().tensor_type();
    Shape shape;
    std::string text;
    std::vector<int> unknown;
    if (static_cast<std::size_t>(type.shape().dim_size()) > kMaxRank) return fail(ErrorKind::unsupported, "more than 16 axes");
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      const auto& dim = type.shape().dim(i);
      const bool known = dim.has_dim_value() && dim.dim_value() > 0;
      if (!known) unknown.push_back(i);
      shape.push_back(known ? dim.dim_value() : 1);
      if (i != 0) text += 'x';
      text += known ? std::to_string(dim.dim_value()) : "?";
    }
    if (const auto given = options_.input_shapes.find(info.name()); given != options_.input_shapes.end()) {
      if (type.has_shape() && given->second.size() != shape.size())
        return fail(ErrorKind::usage,
                    "given shape " + shape_text(given->second) + " does not have the rank of the model's " + text);
      if (std::ranges::any_of(given->second, [](std::int64_t d) { return d < 1; }))
        return fail(ErrorKind::usage, "given shape has a dimension below 1");
      shape = given->second;
    } else if (!type.has_shape() || !(unknown.empty() || unknown == std::vector<int>{0})) {
      return fail(ErrorKind::unsupported, type.has_shape() ? "dynamic shape " + text : "input without a shape", {},
                  "give the complete shape with --input-shape " + info.name() + ":DIMS");
    }
    DSPERSE_CHECK_OK(element_count(shape));
    return shape;
  }

  /// All unknown operators in one error.
  Status supported(const onnx::GraphProto& proto) const {
    std::map<std::string, std::size_t> missing;
    std::string where;
    for (const onnx::NodeProto& node : proto.node()) {
      DSPERSE_CHECK_OK(check_text(node.op_type(), "an operator's name"));
      DSPERSE_CHECK_OK(check_text(node.domain(), "an operator's domain"));
      DSPERSE_CHECK_OK(check_text(node.name(), "a node's name"));
      const std::string op = default_domain(node.domain()) ? node.op_type() : node.domain() + "::" + node.op_type();
      if (operators_.contains(op)) continue;
      if (missing.empty()) where = "node '" + node.name() + "'";
      ++missing[op];
    }
    if (missing.empty()) return {};
    std::string text = "operators not supported:";
    std::size_t listed = 0;
    for (const auto& [op, count] : missing) {
      if (++listed > 20) break;
      text += (listed > 1 ? ", " : " ") + (op.empty() ? std::string("(none)") : op) + " (" + std::to_string(count) + ")";
    }
    if (missing.size() > 20) text += ", ...";
    return fail(ErrorKind::unsupported, text, where, "docs/operators.md lists what is");
  }

  Status nodes(const onnx::GraphProto& proto) {
    std::set<std::string> names;
    for (const onnx::NodeProto& node : proto.node()) names.insert(node.name());
    std::size_t position = 0;
    for (const onnx::NodeProto& source : proto.node()) {
      Node node;
      node.op = source.op_type();
      node.name = source.name();
      if (node.name.empty()) {
        node.name = node.op + "_" + std::to_string(position);
        while (!names.insert(node.name).second) node.name += "_";
      }
      ++position;
      node.inputs.assign(source.input().begin(), source.input().end());
      node.outputs.assign(source.output().begin(), source.output().end());
      for (const auto* list : {&node.inputs, &node.outputs})
        for (const std::string& name : *list)
          if (const auto clean = check_text(name, "a tensor's name"); !clean)
            return std::unexpected(clean.error().within(node_text(node)));
      if (std::ranges::all_of(node.outputs, [](const std::string& name) { return name.empty(); }))
        return fail(ErrorKind::bad_input, "node without an output", node_text(node));
      for (const onnx::AttributeProto& attribute : source.attribute()) {
        auto value = attribute_value(attribute);
        if (!value)
          return std::unexpected(value.error()
                                     .within("attribute '" + (check_text(attribute.name(), "") ? attribute.name() : "?") + "'")
                                     .within(node_text(node)));
        if (!node.attributes.emplace(attribute.name(), std::move(*value)).second)
          return fail(ErrorKind::bad_input, "duplicate attribute '" + attribute.name() + "'", node_text(node));
      }
      graph_.nodes.push_back(std::move(node));
    }
    return {};
  }

  Result<Attribute> attribute_value(const onnx::AttributeProto& proto) {
    using Proto = onnx::AttributeProto;
    DSPERSE_CHECK_OK(check_text(proto.name(), "an attribute's name"));
    if (!proto.ref_attr_name().empty())
      return fail(ErrorKind::bad_input, "reference to a function's attribute outside of a function");
    const auto missing = [] { return fail(ErrorKind::bad_input, "value does not have the stated type"); };
    const auto finite = [](float v) -> Status {
      if (std::isfinite(v)) return {};
      return fail(ErrorKind::bad_input, "value is NaN or infinite");
    };
    switch (proto.type()) {
      case Proto::FLOAT:
        if (!proto.has_f()) return missing();
        DSPERSE_CHECK_OK(finite(proto.f()));
        return proto.f();
      case Proto::INT:
        if (!proto.has_i()) return missing();
        return static_cast<std::int64_t>(proto.i());
      case Proto::STRING:
        if (!proto.has_s()) return missing();
        DSPERSE_CHECK_OK(check_text(proto.s(), "the value"));
        return proto.s();
      case Proto::TENSOR: {
        if (!proto.has_t()) return missing();
        DSPERSE_TRY(Tensor tensor, decode_tensor(proto.t(), context_));
        return tensor;
      }
      case Proto::FLOATS:
        for (const float v : proto.floats()) DSPERSE_CHECK_OK(finite(v));
        return std::vector<float>(proto.floats().begin(), proto.floats().end());
      case Proto::INTS:
        return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
      case Proto::GRAPH:
      case Proto::GRAPHS:
        return fail(ErrorKind::unsupported, "graph-valued attribute (control flow)");
      case Proto::SPARSE_TENSOR:
      case Proto::SPARSE_TENSORS:
        return fail(ErrorKind::unsupported, "sparse tensor");
      case Proto::UNDEFINED:
        return fail(ErrorKind::bad_input, "attribute without a type");
      default:
        return fail(ErrorKind::unsupported, "attribute of type number " + std::to_string(proto.type()));
    }
  }

  Status outputs(const onnx::GraphProto& proto) {
    if (proto.output_size() == 0) return fail(ErrorKind::bad_input, "the graph has no output");
    for (const onnx::ValueInfoProto& info : proto.output()) {
      DSPERSE_CHECK_OK(check_text(info.name(), "an output's name"));
      if (info.name().empty()) return fail(ErrorKind::bad_input, "output without a name");
      graph_.outputs.push_back({info.name(), DType::f32, {}});  // type and shape come from inference
    }
    return {};
  }

  const LoadOptions& options_;
  const OperatorSet& operators_;
  onnx_file::TensorContext context_;
  Graph graph_;
};

/// The message, whose sizes the scanner has bounded.
Status parse(ByteView bytes, const LoadOptions& options, onnx::ModelProto& model) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorKind::resource, "protobuf files end at 2 GiB", {}, "store the weights as external data");
  if (bytes.size() > options.max_file_bytes) return fail(ErrorKind::resource, "file is larger than the limit");
  DSPERSE_CHECK_OK(
      onnx_file::scan_model(bytes, {.nodes = options.max_nodes, .values = options.max_tensor_bytes / sizeof(float)}));
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kRecursion);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return fail(ErrorKind::bad_input, "not an ONNX file: malformed protobuf");
  return {};
}

template <class F>
Result<Graph> within_memory(F f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::resource, "not enough memory to read the model");
  } catch (const std::length_error&) {
    return fail(ErrorKind::resource, "not enough memory to read the model");
  }
}

}  // namespace

Result<Graph> parse_onnx(ByteView bytes, const std::string& folder, const LoadOptions& options, const OperatorSet& operators) {
  return within_memory([&]() -> Result<Graph> {
    onnx::ModelProto model;
    DSPERSE_CHECK_OK(parse(bytes, options, model));
    return Importer(options, folder, operators).run(model);
  });
}

Result<Graph> load_onnx(const std::string& path, const LoadOptions& options, const OperatorSet& operators) {
  auto graph = within_memory([&]() -> Result<Graph> {
    onnx::ModelProto model;
    {
      DSPERSE_TRY(const Bytes bytes, onnx_file::read_file(path, options.max_file_bytes));
      DSPERSE_CHECK_OK(parse(bytes, options, model));
    }  // the file's bytes go before its tensors are decoded
    return Importer(options, onnx_file::folder_of(path), operators).run(model);
  });
  if (!graph) return std::unexpected(graph.error().within(path));
  return graph;
}

}  // namespace dsperse::model
