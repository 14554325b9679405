#include "dsperse/pipeline/float_cut.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "dsperse/model/onnx/load.h"
#include "dsperse/model/onnx/write.h"
#include "dsperse/model/passes.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/run/float.h"

namespace dsperse::pipeline {
namespace {

using model::Graph;
using model::Node;
using model::Port;
using model::Tensor;

/// Before the name of an operator that runs in float; no operator of ONNX has such a name.
constexpr std::string_view kInFloat = "float:";
constexpr int kMostRounds = 64;

bool runs_in_float(const Node& node) { return node.op.starts_with(kInFloat); }
std::string onnx_name(const std::string& op) { return op.starts_with(kInFloat) ? op.substr(kInFloat.size()) : op; }

/// Nodes under the names that the model gives their operators.
Error plain(Error error) {
  for (std::size_t at; (at = error.where.find(kInFloat)) != std::string::npos;) error.where.erase(at, kInFloat.size());
  return error;
}

/// As an engine gets it: constants as initializers, the types of outputs left to it.
Result<Bytes> network_of(std::vector<Node> nodes, std::int64_t opset, const std::map<std::string, Tensor>& constants,
                         std::vector<Port> inputs, const std::vector<std::string>& outputs) {
  Graph g;
  g.name = "float";
  g.opset = opset;
  g.inputs = std::move(inputs);
  for (const std::string& name : outputs) g.outputs.push_back({name, model::DType::f32, {}});
  for (Node& node : nodes) {
    for (const auto& [key, value] : node.attributes)
      if (std::holds_alternative<model::Subgraph>(value))
        return fail(ErrorKind::unsupported, "an operator with a body cannot run in float", node_text(node),
                    "rewrite the loop or branch, or take it out of the model");
    node.op = onnx_name(node.op);
    for (const std::string& name : node.inputs)
      if (const auto it = constants.find(name); it != constants.end()) g.constants.insert(*it);
    g.nodes.push_back(std::move(node));
  }
  return model::encode_onnx(g, model::OutputTypes::open);
}

/// One node alone, while a model is read and calibrated. Its shapes are those that the engine makes of made-up values.
class Alone {
 public:
  explicit Alone(FloatRun engine) : engine_(std::move(engine)) {}

  Result<std::vector<model::ValueInfo>> infer(const model::InferCall& call) {
    std::vector<Tensor> made_up(call.inputs.size());
    std::vector<const Tensor*> inputs(call.inputs.size(), nullptr);
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const model::ValueInfo* info = call.inputs[i];
      if (info == nullptr) continue;
      if (info->constant == nullptr) {
        DSPERSE_TRY(made_up[i], some_values(*info));
      }
      inputs[i] = info->constant != nullptr ? info->constant : &made_up[i];
    }
    DSPERSE_TRY(const std::vector<Tensor> outputs, run(call.node, call.opset, inputs));
    std::vector<model::ValueInfo> out;
    for (const Tensor& t : outputs) {
      if (std::ranges::any_of(t.shape, [](std::int64_t d) { return d < 1; })) return fail_shape(call.node);
      out.push_back({t.dtype, t.shape, nullptr});
    }
    shapes_[call.node.name] = shapes_of(outputs);
    return out;
  }

  Result<std::vector<Tensor>> evaluate(const model::EvaluateCall& call) {
    DSPERSE_TRY(std::vector<Tensor> out, run(call.node, call.opset, call.inputs));
    const auto known = shapes_.find(call.node.name);
    if (known != shapes_.end() && known->second != shapes_of(out)) return fail_shape(call.node);
    return out;
  }

 private:
  static std::vector<model::Shape> shapes_of(const std::vector<Tensor>& tensors) {
    std::vector<model::Shape> out;
    for (const Tensor& t : tensors) out.push_back(t.shape);
    return out;
  }

  static std::unexpected<Error> fail_shape(const Node& node) {
    return fail(ErrorKind::unsupported, "the shape of what it makes depends on values", node_text(node),
                "between integer slices lie tensors of one shape: take the operator out of the model");
  }

  /// Outputs in the node's order; one that it does not have is empty. Integers may decide shapes, so they are constants.
  Result<std::vector<Tensor>> run(const Node& node, std::int64_t opset, std::span<const Tensor* const> inputs) {
    std::vector<Port> ports;
    std::map<std::string, Tensor> constants;
    float_engine::Engine::Inputs given;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (inputs[i] == nullptr || !seen.insert(node.inputs[i]).second) continue;
      if (inputs[i]->dtype == model::DType::f32) {
        ports.push_back({node.inputs[i], inputs[i]->dtype, inputs[i]->shape});
        given.emplace_back(node.inputs[i], inputs[i]);
      } else {
        constants.emplace(node.inputs[i], *inputs[i]);
      }
    }
    std::vector<std::string> names;
    std::ranges::copy_if(node.outputs, std::back_inserter(names), [](const std::string& name) { return !name.empty(); });
    DSPERSE_TRY(const Bytes network, network_of({node}, opset, constants, std::move(ports), names));
    DSPERSE_TRY(std::vector<Tensor> made, engine_.run(network, given));
    if (made.size() != names.size()) return fail(ErrorKind::backend, "the engine makes another number of tensors");
    std::vector<Tensor> out;
    std::size_t next = 0;
    for (const std::string& name : node.outputs) out.push_back(name.empty() ? Tensor{} : std::move(made[next++]));
    return out;
  }

  static Result<Tensor> some_values(const model::ValueInfo& info) {
    Tensor t;
    t.dtype = info.dtype;
    t.shape = info.shape;
    DSPERSE_TRY(const std::int64_t n, model::element_count(info.shape));
    for (std::int64_t i = 0; i < n; ++i)
      if (info.dtype == model::DType::f32)
        t.f.push_back(static_cast<float>(i * 7919 % 1009) / 1009.0F);
      else
        t.i.push_back(0);
    return t;
  }

  FloatRun engine_;
  std::map<std::string, std::vector<model::Shape>> shapes_;  ///< of outputs, by node
};

class Cutter {
 public:
  Cutter(const ImportRequest& request, const FloatRun& engine)
      : request_(request), engine_(engine), alone_(std::make_shared<Alone>(engine)) {}

  Result<FloatCut> run() {
    out_.operators = ops::float_operators();
    DSPERSE_TRY(out_.whole, load());
    DSPERSE_CHECK_OK(mark());
    if (Status s = model::prepare(out_.whole, out_.operators); !s)
      return std::unexpected(plain(s.error()).within(request_.model_path));
    if (std::ranges::any_of(out_.whole.nodes, runs_in_float)) DSPERSE_CHECK_OK(split());
    return std::move(out_);
  }

 private:
  /// With every attribute: operators that nobody knows are the engine's.
  Result<Graph> load() {
    model::LoadOptions options;
    options.allow_external_data = request_.allow_external_data;
    options.input_shapes = request_.input_shapes;
    options.keep_unknown_operators = true;
    DSPERSE_TRY(const Graph first, model::load_onnx(request_.model_path, options, out_.operators));
    model::OperatorSet all = out_.operators;
    for (const Node& node : first.nodes)
      if (!all.contains(node.op)) all.emplace(node.op, model::OperatorSchema{node.op, {}, {}, {}});
    options.keep_unknown_operators = false;
    DSPERSE_TRY(Graph graph, model::load_onnx(request_.model_path, options, all));
    for (Node& node : graph.nodes)
      if (!out_.operators.contains(node.op)) give_away(node);
    return graph;
  }

  void give_away(Node& node) {
    node.op = std::string(kInFloat) + node.op;
    model::OperatorSchema schema;
    schema.name = node.op;
    schema.infer = [alone = alone_](const model::InferCall& call) { return alone->infer(call); };
    schema.evaluate = [alone = alone_](const model::EvaluateCall& call) { return alone->evaluate(call); };
    out_.operators.insert_or_assign(node.op, std::move(schema));
  }

  /// Gives away what stands in the way, until nothing else does: behind it shapes are known then, and more is seen.
  Status mark() {
    for (int round = 0; round < kMostRounds; ++round) {
      const Inspection found = inspect_graph(out_.whole, out_.operators, ops::lowerings());
      bool changed = false;
      for (const Obstacle& obstacle : found.obstacles) {
        const auto node = std::ranges::find(out_.whole.nodes, obstacle.node, &Node::name);
        if (obstacle.op.empty() || node == out_.whole.nodes.end())
          return fail(ErrorKind::unsupported, obstacle.why, obstacle.node, obstacle.hint);
        if (runs_in_float(*node)) continue;
        give_away(*node);
        changed = true;
      }
      if (!changed) return {};
    }
    return fail(ErrorKind::unsupported, "too many operators without integer form depend on each other");
  }

  /// Pieces, and the graph around them.
  Status split() {
    Graph& whole = out_.whole;
    const std::vector<std::size_t> pieces = piece_of_nodes();
    std::map<std::string, std::size_t> maker;  // node
    for (std::size_t i = 0; i < whole.nodes.size(); ++i)
      for (const std::string& name : whole.nodes[i].outputs) maker[name] = i;
    std::set<std::string> outputs;
    for (const Port& port : whole.outputs) outputs.insert(port.name);
    std::map<std::size_t, std::vector<Node>> nodes;
    std::map<std::size_t, store::FloatPiece> made;
    std::vector<std::string> given, read;  // by pieces, from pieces
    Graph& rest = out_.rest;
    rest = whole;
    rest.nodes.clear();
    const auto add = [](std::vector<std::string>& to, const std::string& name) {
      if (std::ranges::find(to, name) == to.end()) to.push_back(name);
    };
    for (std::size_t i = 0; i < whole.nodes.size(); ++i) {
      const Node& node = whole.nodes[i];
      for (const std::string& name : node.inputs) {
        if (name.empty() || whole.constants.contains(name)) continue;
        const auto from = maker.find(name);
        const std::size_t source = from == maker.end() ? kNone : pieces[from->second];
        if (source == pieces[i]) continue;
        if (source != kNone) add(made[source].outputs, name), add(given, name);
        if (pieces[i] == kNone) continue;
        add(made[pieces[i]].inputs, name);
        if (source == kNone && from != maker.end()) add(read, name);
      }
      if (pieces[i] == kNone) {
        rest.nodes.push_back(node);
        continue;
      }
      nodes[pieces[i]].push_back(node);
      made[pieces[i]].operators.push_back(onnx_name(node.op));
      for (const std::string& name : node.outputs)
        if (outputs.contains(name)) add(made[pieces[i]].outputs, name), add(given, name);
    }
    for (const std::string& name : given) rest.inputs.push_back(whole.values.at(name));
    for (const std::string& name : read)
      if (!outputs.contains(name)) {
        rest.outputs.push_back(whole.values.at(name));
        out_.inner.push_back(name);
      }
    for (auto& [number, piece] : made) {
      std::vector<Port> ports;
      for (const std::string& name : piece.inputs) ports.push_back(whole.values.at(name));
      DSPERSE_TRY(piece.network, network_of(nodes[number], whole.opset, whole.constants, std::move(ports), piece.outputs));
      piece.engine = engine_.engine;
      piece.version = engine_.version;
      out_.pieces.push_back(std::move(piece));
    }
    model::remove_dead(rest);
    return {};
  }

  /// Numbers of the pieces, kNone for what has integers: nodes in float that hang together, with as many changes from float to
  /// integers before them. Between two of one piece there is no integer node then: each change counts.
  [[nodiscard]] std::vector<std::size_t> piece_of_nodes() const {
    const std::vector<Node>& nodes = out_.whole.nodes;
    std::vector<std::size_t> stage(nodes.size(), 0), root(nodes.size());
    std::iota(root.begin(), root.end(), std::size_t{0});
    const auto find = [&](std::size_t i) {
      while (root[i] != i) i = root[i] = root[root[i]];
      return i;
    };
    std::map<std::string, std::size_t> maker;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const std::string& name : nodes[i].inputs)
        if (const auto it = maker.find(name); it != maker.end()) {
          const bool change = runs_in_float(nodes[it->second]) && !runs_in_float(nodes[i]);
          stage[i] = std::max(stage[i], stage[it->second] + (change ? 1 : 0));
        }
      for (const std::string& name : nodes[i].outputs) maker[name] = i;
    }
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (const std::string& name : nodes[i].inputs)
        if (const auto it = maker.find(name);
            it != maker.end() && runs_in_float(nodes[i]) && runs_in_float(nodes[it->second]) && stage[i] == stage[it->second])
          root[find(i)] = find(it->second);
    std::vector<std::size_t> out(nodes.size(), kNone);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (runs_in_float(nodes[i])) out[i] = find(i);
    return out;
  }

  static constexpr std::size_t kNone = SIZE_MAX;
  const ImportRequest& request_;
  const FloatRun& engine_;
  std::shared_ptr<Alone> alone_;
  FloatCut out_;
};

}  // namespace

Result<FloatRun> start_engine(const std::string& name) {
  DSPERSE_TRY(float_engine::Engine started, float_engine::Engine::start(name));
  const auto engine = std::make_shared<float_engine::Engine>(std::move(started));
  return FloatRun{engine->name(), engine->version(), [engine](ByteView network, const float_engine::Engine::Inputs& inputs) {
                    return engine->run(network, inputs);
                  }};
}

Result<FloatCut> cut_floats(const ImportRequest& request, const FloatRun& engine) { return Cutter(request, engine).run(); }

Status add_float_values(const FloatCut& cut, Calibration& calibration) {
  for (quantize::Sample& sample : calibration.samples) {
    const auto values = run::run_float(cut.whole, cut.operators, sample);
    if (!values) return std::unexpected(plain(values.error()));
    for (const store::FloatPiece& piece : cut.pieces)
      for (const std::string& name : piece.outputs) sample.insert_or_assign(name, values->at(name));
  }
  return {};
}

}  // namespace dsperse::pipeline
