#include "dsperse/model/onnx/import.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "dsperse/model/onnx/text.h"
#include "dsperse/model/order.h"

namespace dsperse::model::onnx_file {

namespace {

std::string tensor_text(const std::string& name) { return "tensor '" + name + "'"; }

/// How a node's operator is listed: with its domain unless that is the default one.
std::string operator_name(const std::string& domain, const std::string& op) {
  return default_domain(domain) ? op : domain + "::" + op;
}

/// dtype of a graph input or output; only plain tensors.
Result<DType> port_type(const onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type())
    return fail(ErrorKind::unsupported, "not a tensor (sequence, map, sparse or optional type, or none)");
  return dtype_of(info.type().tensor_type().elem_type());
}

/// Names, unique among the nodes of one list; made from operator and position where there are none.
class NodeNames {
 public:
  explicit NodeNames(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& list) {
    for (const onnx::NodeProto& node : list) taken_.insert(node.name());
  }
  std::string of(const onnx::NodeProto& node) {
    const std::size_t position = position_++;
    if (!node.name().empty()) return node.name();
    std::string name = node.op_type() + "_" + std::to_string(position);
    while (!taken_.insert(name).second) name += "_";
    return name;
  }

 private:
  std::set<std::string> taken_;
  std::size_t position_ = 0;
};

/// A function's attributes with default values: FunctionProto.attribute_proto, which the schema that this is built with may not
/// have.
Result<std::vector<onnx::AttributeProto>> fallbacks_of(const onnx::FunctionProto& function) {
  constexpr std::uint32_t kTag = 11U << 3 | 2U;
  std::vector<onnx::AttributeProto> out;
  const std::string& rest = function.unknown_fields();
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(rest.data()),
                                                static_cast<int>(rest.size()));
  while (const std::uint32_t tag = stream.ReadTag()) {
    std::uint32_t length = 0;
    std::string bytes;
    if (tag != kTag) {
      if (!google::protobuf::internal::WireFormatLite::SkipField(&stream, tag)) break;
      continue;
    }
    if (!stream.ReadVarint32(&length) || !stream.ReadString(&bytes, static_cast<int>(length)) ||
        !out.emplace_back().ParseFromString(bytes))
      return fail(ErrorKind::bad_input, "malformed default of an attribute");
  }
  return out;
}

/// Complete shapes that the file states of values inside the graph, and of its outputs.
void stated_shapes(const onnx::GraphProto& proto, Graph& graph) {
  for (const auto* list : {&proto.value_info(), &proto.output()})
    for (const onnx::ValueInfoProto& info : *list) {
      const auto dtype = port_type(info);
      if (!dtype || !info.type().tensor_type().has_shape() || !check_text(info.name(), "")) continue;
      const auto& stated = info.type().tensor_type().shape();
      if (static_cast<std::size_t>(stated.dim_size()) > kMaxRank) continue;
      Shape shape;
      for (const auto& dim : stated.dim()) shape.push_back(dim.has_dim_value() ? dim.dim_value() : shape.empty() ? 1 : 0);
      if (std::ranges::all_of(shape, [](std::int64_t d) { return d > 0; }) && element_count(shape))
        graph.values[info.name()] = {info.name(), *dtype, shape};
    }
}

}  // namespace

Result<Graph> Importer::run(onnx::ModelProto& model) {
  onnx::GraphProto& proto = *model.mutable_graph();
  Graph graph;
  graph.opset = opset_;
  DSPERSE_CHECK_OK(check_text(proto.name(), "the graph's name"));
  graph.name = proto.name();
  DSPERSE_CHECK_OK(functions(model));
  DSPERSE_CHECK_OK(constants(proto, graph));
  DSPERSE_CHECK_OK(inputs(proto, graph));
  Scope scope;
  DSPERSE_CHECK_OK(nodes(proto.node(), scope, graph.nodes));
  DSPERSE_CHECK_OK(supported(graph));
  DSPERSE_CHECK_OK(outputs(proto, graph));
  DSPERSE_CHECK_OK(sort_nodes(graph));
  if (options_.keep_unknown_operators) stated_shapes(proto, graph);
  return graph;
}

Status Importer::functions(const onnx::ModelProto& model) {
  for (const onnx::FunctionProto& function : model.functions()) {
    DSPERSE_CHECK_OK(check_text(function.name(), "a function's name"));
    DSPERSE_CHECK_OK(check_text(function.domain(), "a function's domain"));
    const std::string where = "function '" + operator_name(function.domain(), function.name()) + "'";
    for (const auto& import : function.opset_import())
      if (default_domain(import.domain()) && import.version() != opset_)
        return fail(ErrorKind::unsupported,
                    "opset " + std::to_string(import.version()) + " in a model of opset " + std::to_string(opset_), where,
                    "export the model with functions inlined");
    if (!functions_.emplace(operator_name(function.domain(), function.name()), &function).second)
      return fail(ErrorKind::bad_input, "two functions have this name", where);
  }
  return {};
}

const onnx::FunctionProto* Importer::function_of(const onnx::NodeProto& node) const {
  const std::string op = operator_name(node.domain(), node.op_type());
  if (default_domain(node.domain()) && operators_.contains(op)) return nullptr;
  const auto it = functions_.find(op);
  return it == functions_.end() ? nullptr : it->second;
}

Status Importer::constants(onnx::GraphProto& proto, Graph& graph) {
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
    if (!graph.constants.emplace(tensor.name(), std::move(*value)).second)
      return fail(ErrorKind::bad_input, "duplicate name: two initializers", tensor_text(tensor.name()));
  }
  return {};
}

Status Importer::inputs(const onnx::GraphProto& proto, Graph& graph) {
  std::set<std::string> seen;
  for (const onnx::ValueInfoProto& info : proto.input()) {
    DSPERSE_CHECK_OK(check_text(info.name(), "an input's name"));
    const std::string where = "input '" + info.name() + "'";
    if (info.name().empty()) return fail(ErrorKind::bad_input, "input without a name");
    if (!seen.insert(info.name()).second) return fail(ErrorKind::bad_input, "duplicate name: two inputs", where);
    if (graph.constants.contains(info.name())) continue;  // a default value: it is a constant here
    const auto dtype = port_type(info);
    if (!dtype) return std::unexpected(dtype.error().within(where));
    auto shape = input_shape(info);
    if (!shape) return std::unexpected(shape.error().within(where));
    const Range range = range_of(info.type().tensor_type().elem_type());
    graph.inputs.push_back({info.name(), *dtype, std::move(*shape), range.low, range.high});
  }
  for (const auto& [name, shape] : options_.input_shapes)
    if (std::ranges::none_of(graph.inputs, [&](const Port& port) { return port.name == name; }))
      return fail(ErrorKind::usage, "a shape is given for an input that the model does not have", "input '" + name + "'");
  return {};
}

Result<Shape> Importer::input_shape(const onnx::ValueInfoProto& info) const {
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

Status Importer::supported(const Graph& graph) const {
  if (options_.keep_unknown_operators) return {};
  std::map<std::string, std::size_t> missing;
  std::string where;
  for (const Node& node : graph.nodes) {
    if (operators_.contains(node.op)) continue;
    if (missing.empty()) where = "node '" + node.name + "'";
    ++missing[node.op];
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

Status Importer::nodes(const NodeList& list, Scope& scope, std::vector<Node>& out) {
  for (const onnx::NodeProto& node : list) {
    DSPERSE_CHECK_OK(check_text(node.op_type(), "an operator's name"));
    DSPERSE_CHECK_OK(check_text(node.domain(), "an operator's domain"));
    DSPERSE_CHECK_OK(check_text(node.name(), "a node's name"));
  }
  NodeNames names(list);
  for (const onnx::NodeProto& source : list) {
    Node node;
    node.op = operator_name(source.domain(), source.op_type());
    node.name = scope.prefix + names.of(source);
    if (nodes_left_ == 0)
      return fail(ErrorKind::resource,
                  "with its functions written out the graph has more than " + std::to_string(options_.max_nodes) + " nodes",
                  node_text(node));
    --nodes_left_;
    node.inputs.assign(source.input().begin(), source.input().end());
    node.outputs.assign(source.output().begin(), source.output().end());
    for (const auto* part : {&node.inputs, &node.outputs})
      for (const std::string& name : *part)
        if (const auto clean = check_text(name, "a tensor's name"); !clean)
          return std::unexpected(clean.error().within(node_text(node)));
    if (std::ranges::all_of(node.outputs, [](const std::string& name) { return name.empty(); }))
      return fail(ErrorKind::bad_input, "node without an output", node_text(node));
    const onnx::FunctionProto* function = function_of(source);
    if (function != nullptr || operators_.contains(node.op)) {
      auto values = attributes(source, scope);
      if (!values) return std::unexpected(values.error().within(node_text(node)));
      node.attributes = std::move(*values);
    }
    if (const auto captured = capture(node); !captured) return std::unexpected(captured.error().within(node_text(node)));
    if (scope.renames) {
      for (std::string& name : node.inputs) {
        if (name.empty()) continue;
        const auto it = scope.names.find(name);
        if (it == scope.names.end())
          return fail(ErrorKind::bad_input, "nothing in the function produces input '" + name + "'", node_text(node));
        name = it->second;
      }
      for (std::string& name : node.outputs)
        if (!name.empty()) name = scope.names.try_emplace(name, scope.prefix + name).first->second;
    }
    if (function == nullptr) {
      out.push_back(std::move(node));
    } else if (const auto done = call(*function, node, scope, out); !done) {
      return std::unexpected(done.error().within(node_text(node)));
    }
  }
  return {};
}

Status Importer::call(const onnx::FunctionProto& function, Node node, const Scope& outer, std::vector<Node>& out) {
  if (outer.depth >= kMaxNesting) return fail(ErrorKind::resource, "functions call each other more than 16 deep");
  Scope scope;
  scope.prefix = node.name + "/";
  scope.depth = outer.depth + 1;
  scope.function = scope.renames = true;
  auto given = std::make_shared<Attributes>();
  DSPERSE_TRY(const std::vector<onnx::AttributeProto> fallbacks, fallbacks_of(function));
  for (const onnx::AttributeProto& fallback : fallbacks) {
    DSPERSE_TRY(Attribute value, attribute_value(fallback, Scope{}));
    given->insert_or_assign(fallback.name(), std::move(value));
  }
  for (auto& [key, value] : node.attributes) given->insert_or_assign(key, std::move(value));
  scope.attributes = std::move(given);
  if (std::cmp_greater(node.inputs.size(), function.input_size()) ||
      std::cmp_greater(node.outputs.size(), function.output_size()))
    return fail(ErrorKind::bad_input, "more inputs or outputs than the function has");
  for (int i = 0; i < function.input_size(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    DSPERSE_CHECK_OK(check_text(function.input(i), "a function's input"));
    scope.names[function.input(i)] = k < node.inputs.size() ? node.inputs[k] : std::string();
  }
  // The body makes outputs under the caller's names, except what it only passes on.
  std::set<std::string> made;
  for (const onnx::NodeProto& inner : function.node())
    for (const std::string& name : inner.output()) made.insert(name);
  std::vector<std::pair<std::string, std::string>> passed;
  for (int i = 0; i < function.output_size(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const std::string& name = function.output(i);
    DSPERSE_CHECK_OK(check_text(name, "a function's output"));
    if (k >= node.outputs.size() || node.outputs[k].empty()) continue;
    if (made.contains(name) && !scope.names.contains(name))
      scope.names[name] = node.outputs[k];
    else
      passed.emplace_back(name, node.outputs[k]);
  }
  DSPERSE_CHECK_OK(nodes(function.node(), scope, out));
  for (const auto& [name, target] : passed) {
    const auto it = scope.names.find(name);
    if (it == scope.names.end() || it->second.empty())
      return fail(ErrorKind::bad_input, "nothing in the function produces its output '" + name + "'");
    out.push_back({scope.prefix + "output " + target, "Identity", {it->second}, {target}, {}});
  }
  return {};
}

Result<Importer::Attributes> Importer::attributes(const onnx::NodeProto& source, const Scope& scope) {
  Attributes out;
  for (const onnx::AttributeProto& attribute : source.attribute()) {
    const bool clean = check_text(attribute.name(), "").has_value();
    if (!attribute.ref_attr_name().empty() && scope.function) {
      DSPERSE_CHECK_OK(check_text(attribute.name(), "an attribute's name"));
      const auto it = scope.attributes->find(attribute.ref_attr_name());
      if (it == scope.attributes->end()) continue;
      DSPERSE_TRY(Attribute value, referred(it->second));
      out.insert_or_assign(attribute.name(), std::move(value));
      continue;  // one that nobody gives is absent
    }
    auto value = attribute_value(attribute, scope);
    if (!value) return std::unexpected(value.error().within("attribute '" + (clean ? attribute.name() : "?") + "'"));
    if (!out.emplace(attribute.name(), std::move(*value)).second)
      return fail(ErrorKind::bad_input, "duplicate attribute '" + attribute.name() + "'");
  }
  return out;
}

Result<Attribute> Importer::referred(const Attribute& value) {
  std::uint64_t bytes = 0;
  const auto list = [&](const auto& v) { bytes += v.size() * sizeof(v[0]); };
  if (const auto* t = std::get_if<Tensor>(&value)) list(t->f), list(t->i);
  if (const auto* v = std::get_if<std::vector<std::int64_t>>(&value)) list(*v);
  if (const auto* v = std::get_if<std::vector<float>>(&value)) list(*v);
  if (const auto* v = std::get_if<std::vector<std::string>>(&value)) list(*v);
  if (bytes > context_.bytes_left)
    return fail(ErrorKind::resource,
                "with its functions written out the model's tensors are larger than the memory limit for them");
  context_.bytes_left -= bytes;
  return value;
}

Result<Attribute> Importer::attribute_value(const onnx::AttributeProto& proto, const Scope& scope) {
  using Proto = onnx::AttributeProto;
  DSPERSE_CHECK_OK(check_text(proto.name(), "an attribute's name"));
  if (!proto.ref_attr_name().empty())
    return fail(ErrorKind::bad_input, "reference to a function's attribute outside of a function");
  const auto missing = [] { return fail(ErrorKind::bad_input, "value does not have the stated type"); };
  // Minus infinity is what masks hide with, and an end of Clip.
  const bool low = proto.name().starts_with("value") || proto.name() == "min";
  const auto finite = [low](float v) -> Status {
    if (std::isfinite(v) || (low && v < 0)) return {};
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
    case Proto::STRINGS:
      for (const std::string& v : proto.strings()) DSPERSE_CHECK_OK(check_text(v, "a value"));
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    case Proto::GRAPH: {
      if (!proto.has_g()) return missing();
      DSPERSE_TRY(Subgraph graph, body(proto.g(), scope));
      return graph;
    }
    case Proto::GRAPHS:
      return fail(ErrorKind::unsupported, "list of graphs");
    case Proto::SPARSE_TENSOR:
    case Proto::SPARSE_TENSORS:
      return fail(ErrorKind::unsupported, "sparse tensor");
    case Proto::UNDEFINED:
      return fail(ErrorKind::bad_input, "attribute without a type");
    default:
      return fail(ErrorKind::unsupported, "attribute of type number " + std::to_string(proto.type()));
  }
}

Result<Subgraph> Importer::body(const onnx::GraphProto& proto, const Scope& outer) {
  if (outer.depth >= kMaxNesting) return fail(ErrorKind::resource, "graphs nested more than 16 deep");
  auto graph = std::make_shared<Graph>();
  graph->opset = opset_;
  DSPERSE_CHECK_OK(check_text(proto.name(), "the graph's name"));
  graph->name = proto.name();
  onnx::GraphProto tensors;  // constants() empties what it reads; a function's body may be read again
  *tensors.mutable_initializer() = proto.initializer();
  *tensors.mutable_sparse_initializer() = proto.sparse_initializer();
  DSPERSE_CHECK_OK(constants(tensors, *graph));
  std::set<std::string> defined;
  for (const auto& [name, tensor] : graph->constants) defined.insert(name);
  for (const onnx::ValueInfoProto& info : proto.input()) {
    DSPERSE_CHECK_OK(check_text(info.name(), "an input's name"));
    if (info.name().empty() || !defined.insert(info.name()).second)
      return fail(ErrorKind::bad_input, "an input of the graph has no name, or another one's");
    graph->inputs.push_back({info.name(), DType::f32, {}});  // types and shapes come from the outer graph
  }
  // Names of a body are its own; only references to attributes reach into a function that it lies in.
  Scope scope;
  scope.depth = outer.depth + 1;
  scope.attributes = outer.attributes;
  scope.function = outer.function;
  DSPERSE_CHECK_OK(nodes(proto.node(), scope, graph->nodes));
  for (const Node& node : graph->nodes) defined.insert(node.outputs.begin(), node.outputs.end());
  DSPERSE_CHECK_OK(outputs(proto, *graph));
  const auto needs = [&](const std::string& name) {
    if (name.empty() || !defined.insert(name).second) return;
    graph->captures.push_back(name);
  };
  for (const Node& node : graph->nodes) std::ranges::for_each(node.inputs, needs);
  for (const Port& port : graph->outputs) needs(port.name);
  return Subgraph(std::move(graph));
}

Status Importer::capture(Node& node) {
  std::vector<std::string> captured;
  std::vector<Subgraph*> bodies;
  for (auto& [key, value] : node.attributes)
    if (auto* body = std::get_if<Subgraph>(&value)) {
      bodies.push_back(body);
      for (const std::string& name : (*body)->captures)
        if (std::ranges::find(captured, name) == captured.end()) captured.push_back(name);
    }
  for (Subgraph* body : bodies) {
    auto copy = std::make_shared<Graph>(**body);
    copy->captures = captured;
    DSPERSE_CHECK_OK(sort_nodes(*copy));
    *body = std::move(copy);
  }
  node.inputs.insert(node.inputs.end(), captured.begin(), captured.end());
  return {};
}

Status Importer::outputs(const onnx::GraphProto& proto, Graph& graph) {
  if (proto.output_size() == 0) return fail(ErrorKind::bad_input, "the graph has no output");
  for (const onnx::ValueInfoProto& info : proto.output()) {
    DSPERSE_CHECK_OK(check_text(info.name(), "an output's name"));
    if (info.name().empty()) return fail(ErrorKind::bad_input, "output without a name");
    graph.outputs.push_back({info.name(), DType::f32, {}});  // type and shape come from inference
  }
  return {};
}

}  // namespace dsperse::model::onnx_file
