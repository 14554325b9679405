#include "dsperse/quantize/lowering.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "dsperse/quantize/limits.h"

namespace dsperse::quantize {
namespace {

/// Sum of stride[k] times the k-th digit of a row major index over `dims`.
std::int64_t strided(std::int64_t index, const Shape& dims, const std::vector<std::int64_t>& stride) {
  std::int64_t sum = 0;
  for (std::size_t k = dims.size(); k-- > 0; index /= dims[k]) sum += index % dims[k] * stride[k];
  return sum;
}

}  // namespace

double apply(const RealActivation& activation, double x) {
  switch (activation.f) {
    case Function::identity:
      return x;
    case Function::relu:
      return std::max(x, 0.0);
    case Function::leaky_relu:
      return x >= 0 ? x : activation.alpha * x;
    case Function::clip:
      return std::min(std::max(x, activation.lo), activation.hi);
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::tanh:
      return std::tanh(x);
    case Function::table:
      return activation.of(x);
  }
  return x;
}

Lowering::Lowering(const model::Graph& graph) : graph_(graph) {
  for (const auto& node : graph.nodes)
    for (const auto& name : node.inputs)
      if (!name.empty()) ++uses_[name];
  for (const auto& port : graph.outputs) ++uses_[port.name];
}

std::size_t Lowering::uses(const std::string& name) const {
  const auto it = uses_.find(name);
  return it == uses_.end() ? 0 : it->second;
}

const model::Tensor* Lowering::constant(const model::Node& node, std::size_t i) const {
  if (!has_input(node, i)) return nullptr;
  const auto it = graph_.constants.find(node.inputs[i]);
  return it == graph_.constants.end() ? nullptr : &it->second;
}

Result<const model::Tensor*> Lowering::float_constant(const model::Node& node, std::size_t i, const std::string& what) const {
  const model::Tensor* t = constant(node, i);
  if (t == nullptr)
    return fail(ErrorKind::unsupported, what + " are computed at run time or missing; they must be constants",
                has_input(node, i) ? node.inputs[i] : "", "export the model with its parameters as initializers");
  if (t->dtype != model::DType::f32) return fail(ErrorKind::unsupported, what + " are not floats", node.inputs[i]);
  return t;
}

Result<Value> Lowering::tensor(const model::Node& node, std::size_t i) const {
  if (!has_input(node, i)) return fail(ErrorKind::bad_input, "input " + std::to_string(i) + " is missing");
  const auto it = values_.find(node.inputs[i]);
  if (it != values_.end()) return it->second;
  if (constant(node, i) != nullptr)
    return fail(ErrorKind::unsupported, "needs data that depends on the model's input, but this input is a constant",
                node.inputs[i]);
  return fail(ErrorKind::unsupported, "reads a tensor that has no integer form", node.inputs[i]);
}

const model::Shape& Lowering::shape(const std::string& name) const {
  const auto it = inner_.find(name);
  return it == inner_.end() ? graph_.values.at(name).shape : it->second.shape;
}

TensorId Lowering::add_tensor(std::string name, std::string source, Shape spec, View view) {
  draft_.program.tensors.push_back({std::move(name), std::move(spec), 0, 0, 0});
  draft_.tensors.push_back({std::move(source), {}, std::move(view), false, {}});
  return static_cast<TensorId>(draft_.tensors.size() - 1);
}

WeightId Lowering::add_weight(std::string name, Shape shape, std::vector<float> values) {
  draft_.program.weights.push_back({std::move(name), std::move(shape), 0});
  draft_.weights.push_back(std::move(values));
  return static_cast<WeightId>(draft_.weights.size() - 1);
}

TensorId Lowering::add_op(const std::string& op_name, const std::string& type, const std::string& name, decltype(Op::body) body,
                          Shape spec, View view, double fill) {
  const TensorId y = add_tensor(name, name, std::move(spec), view);
  std::visit([&](auto& b) { b.y = y; }, body);
  producer_[y] = draft_.program.ops.size();
  draft_.program.ops.push_back({op_name, type, std::move(body)});
  draft_.activations.emplace_back();
  draft_.fills.push_back(fill);
  draft_.powers.push_back(0);
  if (const auto port = graph_.values.find(name); port != graph_.values.end())
    draft_.tensors[y].integers = port->second.dtype != model::DType::f32;
  if (const auto own = inner_.find(name); own != inner_.end()) {
    draft_.tensors[y].source = own->second.source;
    draft_.tensors[y].index = own->second.index;
    draft_.tensors[y].integers = graph_.values.at(own->second.source).dtype != model::DType::f32;
  }
  values_.insert_or_assign(name, Value{name, y, std::move(view), true});
  return y;
}

void Lowering::alias(const model::Node& node, const Value& x, View view) {
  const std::string& name = node.outputs[0];
  values_.insert_or_assign(name, Value{name, x.id, std::move(view), sole(x)});
}

Status Lowering::conv(const model::Node& node, const Value& x, const Window& window, std::int64_t groups, std::vector<float> w,
                      std::vector<float> bias) {
  DSPERSE_TRY(const Value from, image(node, x));
  DSPERSE_TRY(Place to, channels_last(shape(node.outputs[0])));
  const std::int64_t outputs = to.spec[3], inner = spec(from.id)[3] / groups;
  Conv c;
  c.x = from.id, c.groups = groups, c.window = window;
  c.w = add_weight(node.name + " weights", {outputs, window.kernel[0], window.kernel[1], inner}, std::move(w));
  if (!bias.empty()) c.bias = add_weight(node.name + " bias", {outputs}, std::move(bias));
  add_op(node.name, node.op, node.outputs[0], c, to.spec, to.view);
  return {};
}

Status Lowering::gemm(const model::Node& node, const Value& x, std::vector<float> w, std::vector<float> bias) {
  if (x.view.shape.empty()) return fail(ErrorKind::unsupported, "a scalar has no features", x.name);
  // The features must be the innermost part of storage, in any order: the weights' columns follow it.
  Value from = x;
  const auto rows_factors = [](const View& v) {
    return static_cast<std::ptrdiff_t>(v.factors.size() - factors_of_axes(v).back());
  };
  auto n = rows_factors(from.view);
  const auto outer = [&](std::uint32_t f) { return std::cmp_less(f, n); };
  if (!std::all_of(from.view.order.begin(), from.view.order.begin() + n, outer)) {
    DSPERSE_TRY(const Place to, logical_place(x.view.shape));
    from = at(node, x, to);
    n = rows_factors(from.view);
  }
  const std::int64_t inner = x.view.shape.back(), outputs = static_cast<std::int64_t>(w.size()) / inner;
  View columns{{inner}, {from.view.factors.begin() + n, from.view.factors.end()}, {}};
  for (auto it = from.view.order.begin() + n; it != from.view.order.end(); ++it)
    columns.order.push_back(*it - static_cast<std::uint32_t>(n));
  if (columns != row_major({inner})) {
    const auto to = storage_index(columns);
    std::vector<float> row(static_cast<std::size_t>(inner));
    for (auto line = w.begin(); line != w.end(); line += inner) {
      for (std::size_t k = 0; k < row.size(); ++k) row[static_cast<std::size_t>(to[k])] = line[static_cast<std::ptrdiff_t>(k)];
      std::copy(row.begin(), row.end(), line);
    }
  }
  View view{shape(node.outputs[0]),
            {from.view.factors.begin(), from.view.factors.begin() + n},
            {from.view.order.begin(), from.view.order.begin() + n}};
  const bool plain =
      std::is_sorted(view.order.begin(), view.order.end()) && !view.shape.empty() && view.shape.size() <= kMaxProgramRank;
  Shape to_spec = plain ? view.shape : Shape{elements(spec(from.id)) / inner, outputs};
  if (outputs > 1) {
    view.order.push_back(static_cast<std::uint32_t>(view.factors.size()));
    view.factors.push_back(outputs);
  }
  Gemm g;
  g.x = from.id;
  g.w = add_weight(node.name + " weights", {outputs, inner}, std::move(w));
  if (!bias.empty()) g.bias = add_weight(node.name + " bias", {outputs}, std::move(bias));
  add_op(node.name, node.op, node.outputs[0], g, std::move(to_spec), std::move(view));
  return {};
}

Sum::Term Lowering::constant_term(const std::string& name, const RealTerm& term, const Place* place, const View& y,
                                  const Shape& y_spec) {
  if (term.values.size() == 1) return {true, add_weight(name, {1}, term.values), term.coef};
  // Strides of the constant over y's logical axes, 0 where it repeats.
  std::vector<std::int64_t> stride(y.shape.size(), 0), dims(y.shape.size(), 1);
  std::int64_t block = 1;
  for (std::size_t back = 1; back <= term.shape.size(); ++back) {
    const std::int64_t d = term.shape[term.shape.size() - back];
    dims[dims.size() - back] = d;
    if (d > 1) stride[stride.size() - back] = block;
    block *= d;
  }
  Shape shape = y_spec;
  std::vector<float> values;
  if (place != nullptr) {  // repeats where the constant does
    std::vector<std::int64_t> step;
    for (std::size_t k = 0; k < shape.size(); ++k) {
      const auto axis = place->axes[k];
      shape[k] = axis == kUnit ? 1 : dims[axis];
      step.push_back(axis == kUnit ? 0 : stride[axis]);
    }
    for (std::int64_t i = 0; i < elements(shape); ++i)
      values.push_back(term.values[static_cast<std::size_t>(strided(i, shape, step))]);
  } else {  // written out
    const auto to = storage_index(y);
    values.resize(to.size());
    for (std::size_t i = 0; i < to.size(); ++i)
      values[static_cast<std::size_t>(to[i])] =
          term.values[static_cast<std::size_t>(strided(static_cast<std::int64_t>(i), y.shape, stride))];
  }
  return {true, add_weight(name, std::move(shape), std::move(values)), term.coef};
}

bool Lowering::is_per_channel(const Value& x, const RealTerm& constant) const {
  if (constant.shape.size() > x.view.shape.size()) return constant.values.size() == 1;
  const auto place = place_of(x);
  const std::size_t back = x.view.shape.size() - constant.shape.size();
  for (std::size_t k = 0; k < constant.shape.size(); ++k)
    if (constant.shape[k] != 1 && (!place || place->axes.back() != back + k)) return false;
  return true;
}

bool Lowering::fold_into_bias(const model::Node& node, const std::vector<RealTerm>& terms) {
  if (terms.size() != 2 || terms[0].tensor.has_value() == terms[1].tensor.has_value()) return false;
  const auto& [data, constant] = terms[0].tensor ? std::tie(terms[0], terms[1]) : std::tie(terms[1], terms[0]);
  const Value& x = *data.tensor;
  if (data.coef != 1 || !sole(x) || x.view.shape != shape(node.outputs[0])) return false;
  const auto made = producer_.find(x.id);
  if (made == producer_.end() || draft_.activations[made->second].f != Function::identity) return false;
  if (!is_per_channel(x, constant)) return false;
  Op& op = draft_.program.ops[made->second];
  std::optional<WeightId>* bias = nullptr;
  if (auto* c = std::get_if<Conv>(&op.body)) bias = &c->bias;
  if (auto* g = std::get_if<Gemm>(&op.body)) bias = &g->bias;
  if (bias == nullptr || spec(x.id).back() != draft_.program.weights[op_weights(op)[0]].shape[0]) return false;
  const auto channels = static_cast<std::size_t>(spec(x.id).back());
  if (!*bias) *bias = add_weight(op.name + " bias", {static_cast<std::int64_t>(channels)}, std::vector<float>(channels, 0));
  auto& b = draft_.weights[**bias];
  for (std::size_t o = 0; o < channels; ++o)
    b[o] += static_cast<float>(constant.coef) * constant.values[constant.values.size() == 1 ? 0 : o];
  rename(node, x, made->second);
  return true;
}

void Lowering::rename(const model::Node& node, const Value& x, std::size_t op) {
  draft_.program.ops[op].name += "+" + node.name;
  draft_.program.tensors[x.id].name = node.outputs[0];
  draft_.tensors[x.id].source = node.outputs[0];
  draft_.tensors[x.id].view = x.view;
  if (const auto port = graph_.values.find(node.outputs[0]); port != graph_.values.end())
    draft_.tensors[x.id].integers = port->second.dtype != model::DType::f32;
  draft_.tensors[x.id].index.clear();
  values_.insert_or_assign(node.outputs[0], Value{node.outputs[0], x.id, x.view, true});
}

Status Lowering::sum(const model::Node& node, std::vector<RealTerm> terms) {
  if (fold_into_bias(node, terms)) return {};
  const Shape& out = shape(node.outputs[0]);
  const Value* main = nullptr;  // the first operand of the full shape decides the layout
  for (auto& t : terms) {
    if (!t.tensor) continue;
    Shape padded = t.tensor->view.shape;
    padded.insert(padded.begin(), out.size() - padded.size(), 1);
    t.tensor->view = *reshaped(t.tensor->view, padded);
    if (main == nullptr && padded == out) main = &*t.tensor;
  }
  std::optional<Place> place;
  if (main != nullptr) place = place_of(*main);
  const bool alike = main != nullptr && std::ranges::all_of(terms, [&](const RealTerm& t) {
                       return !t.tensor || (t.tensor->view == main->view && spec(t.tensor->id) == spec(main->id));
                     });
  if (!alike && !place) {
    DSPERSE_TRY(place, logical_place(out));
  }
  const View view = place ? place->view : main->view;
  const Shape y_spec = place ? place->spec : spec(main->id);
  Sum s;
  for (const auto& t : terms) {
    if (!t.tensor) {
      const std::string name = node.name + " constant " + std::to_string(s.terms.size());
      s.terms.push_back(constant_term(name, t, place ? &*place : nullptr, view, y_spec));
      continue;
    }
    Value x = *t.tensor;
    if (!alike) {
      Place to{stored_as(x.view.shape, *axis_order(view)), y_spec, place->axes};
      for (std::size_t k = 0; k < to.spec.size(); ++k) to.spec[k] = to.axes[k] == kUnit ? 1 : x.view.shape[to.axes[k]];
      x = at(node, x, to);
    }
    s.terms.push_back({false, x.id, t.coef});
  }
  add_op(node.name, node.op, node.outputs[0], s, y_spec, view);
  return {};
}

Status Lowering::average(const model::Node& node, const Value& x, const Window& window, bool count_include_pad,
                         std::array<std::int64_t, 2> counted_pad_end) {
  DSPERSE_TRY(const Value from, image(node, x));
  DSPERSE_TRY(Place to, channels_last(shape(node.outputs[0])));
  AveragePool a;
  a.x = from.id, a.window = window, a.count_include_pad = count_include_pad, a.counted_pad_end = counted_pad_end;
  add_op(node.name, node.op, node.outputs[0], a, to.spec, to.view);
  return {};
}

Status Lowering::maximum(const model::Node& node, const Value& x, const Window& window) {
  DSPERSE_TRY(const Value from, image(node, x));
  DSPERSE_TRY(Place to, channels_last(shape(node.outputs[0])));
  MaxPool m;
  m.x = from.id, m.window = window;
  const TensorId y = add_op(node.name, node.op, node.outputs[0], m, to.spec, to.view);
  if (from.id == x.id && sole(x)) sole_pool_[y] = from.id;
  return {};
}

bool Lowering::fuse(const model::Node& node, const Value& x, const RealActivation& activation) {
  if (!sole(x)) return false;
  // But for tables, activations never fall, so one after a maximum equals one before it; before a movement any does.
  std::vector<TensorId> path{x.id};
  while (true) {
    auto from = sole_move_.find(path.back());
    if (from == sole_move_.end()) {
      from = sole_pool_.find(path.back());
      if (from == sole_pool_.end() || activation.f == Function::table) break;
    }
    path.push_back(from->second);
  }
  const TensorId id = path.back();
  const auto made = producer_.find(id);
  if (made == producer_.end()) return false;
  const Op& op = draft_.program.ops[made->second];
  RealActivation& present = draft_.activations[made->second];
  if (op_requant(op) == nullptr || present.f != Function::identity) return false;
  present = activation;
  for (std::size_t k = 1; k < path.size(); ++k) draft_.tensors[path[k]].after = activation;
  rename(node, x, made->second);
  for (const TensorId t : path) draft_.tensors[t].integers = draft_.tensors[x.id].integers;
  return true;
}

Status Lowering::activation(const model::Node& node, const RealActivation& activation) {
  DSPERSE_TRY(const Value x, tensor(node, 0));
  RealActivation a = activation;
  if (a.f == Function::table) {
    if (!a.of) return fail(ErrorKind::internal, "a table of no function");
    a.input = node.inputs[0];
    a.integers = graph_.values.at(a.input).dtype != model::DType::f32;
  }
  if (fuse(node, x, a)) return {};
  DSPERSE_CHECK_OK(sum(node, {RealTerm{x, {}, {}, 1}}));
  draft_.activations.back() = std::move(a);
  return {};
}

bool Lowering::wants_channels_last(const std::string& name, const LowerSet& lower, std::set<std::string>& seen) const {
  if (!seen.insert(name).second) return false;
  for (const auto& node : graph_.nodes) {
    if (std::find(node.inputs.begin(), node.inputs.end(), name) == node.inputs.end()) continue;
    const auto it = lower.find(node.op);
    if (it == lower.end()) continue;
    if (it->second.reads == Reads::images) return true;
    if (it->second.reads == Reads::along && !node.outputs.empty() && wants_channels_last(node.outputs[0], lower, seen))
      return true;
  }
  return false;
}

Status Lowering::inputs(const LowerSet& lower) {
  lower_ = &lower;
  for (const auto& port : graph_.inputs) {
    for (const auto d : port.shape)
      if (d < 1) return fail(ErrorKind::unsupported, "an input without elements", port.name);
    const std::size_t rank = port.shape.size();
    std::set<std::string> seen;
    DSPERSE_TRY(const Place place, rank >= 2 && rank <= 4 && wants_channels_last(port.name, lower, seen)
                                       ? channels_last(port.shape)
                                       : logical_place(port.shape));
    const TensorId id = add_tensor(port.name, port.name, place.spec, place.view);
    if (port.dtype != model::DType::f32) {
      Origin& origin = draft_.tensors[id];
      origin.integers = true;
      origin.lo = port.dtype == model::DType::boolean ? 0 : port.lo;
      origin.hi = port.dtype == model::DType::boolean ? 1 : port.hi;
    }
    draft_.program.inputs.push_back(id);
    draft_.inputs.push_back({port.name, port.shape, *axis_order(place.view), {}, {}});
    values_.insert_or_assign(port.name, Value{port.name, id, place.view, true});
  }
  return {};
}

Status Lowering::constant_output(const model::Port& port, const model::Tensor& value) {
  if (graph_.inputs.empty()) return fail(ErrorKind::unsupported, "a model without inputs", port.name);
  const std::string& source = graph_.inputs[0].name;
  const Shape one = port.shape.empty() ? Shape{} : Shape{1};
  const model::Node place = inner({port.name, "Constant", {}, {}, {}}, "place", {one, source, {0}, false});
  DSPERSE_CHECK_OK(move(place, {values_.at(source)}, {0}));
  const Value& x = value_of(place);
  std::vector<float> values = value.f;
  if (value.dtype != model::DType::f32) values.assign(value.i.begin(), value.i.end());
  return sum({port.name, "Constant", {}, {port.name}, {}},
             {{{}, value.shape, std::move(values), 1}, {x, {}, {}, 1}, {x, {}, {}, -1}});
}

Status Lowering::outputs() {
  for (const auto& port : graph_.outputs) {
    if (const auto constant = graph_.constants.find(port.name);
        constant != graph_.constants.end() && !values_.contains(port.name))
      DSPERSE_CHECK_OK(constant_output(port, constant->second));
    const auto it = values_.find(port.name);
    if (it == values_.end()) return fail(ErrorKind::unsupported, "an output has no integer form", port.name);
    Value v = it->second;
    auto& chosen = draft_.program.outputs;
    // Each output is a tensor of its own, and none is an input: there is something to prove then.
    const auto among = [&](const std::vector<TensorId>& ids) { return std::find(ids.begin(), ids.end(), v.id) != ids.end(); };
    const bool taken = among(chosen) || among(draft_.program.inputs);
    if (taken || !axis_order(v.view)) {
      DSPERSE_TRY(const Place to, logical_place(v.view.shape));
      v = at({.name = port.name + " output", .op = {}, .inputs = {}, .outputs = {}, .attributes = {}}, v, to, taken);
    }
    chosen.push_back(v.id);
    draft_.outputs.push_back({port.name, v.view.shape, *axis_order(v.view), {}, {}});
  }
  return {};
}

Result<Draft> lower_graph(const model::Graph& graph, const LowerSet& lower) {
  Lowering lowering(graph);
  DSPERSE_CHECK_OK(lowering.inputs(lower));
  for (const auto& node : graph.nodes) {
    const std::string where = "node '" + node.name + "' (" + node.op + ")";
    const auto it = lower.find(node.op);
    if (it == lower.end())
      return fail(ErrorKind::unsupported, "the operator has no integer form", where,
                  "docs/semantics.md lists the supported operators");
    for (const auto& name : node.outputs)
      if (const auto port = graph.values.find(name); port != graph.values.end() && lowering.is_read(name) &&
                                                     std::ranges::any_of(port->second.shape, [](auto d) { return d < 1; }))
        return fail(ErrorKind::unsupported, "a tensor has no elements", where + " > " + name);
    if (auto s = it->second.lower(lowering, node); !s) return std::unexpected(std::move(s).error().within(where));
  }
  DSPERSE_CHECK_OK(lowering.outputs());
  return lowering.take();
}

}  // namespace dsperse::quantize
