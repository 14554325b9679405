// Element-wise operators: functions of one number as tables, products, quotients, sums of many.
#include <algorithm>
#include <cmath>
#include <limits>

#include "dsperse/model/points.h"
#include "dsperse/ops/common/lower.h"
#include "dsperse/ops/elementwise/real.h"
#include "dsperse/ops/lower.h"

namespace dsperse::ops {

using model::DType;
using model::Node;
using model::Tensor;
using quantize::Function;
using quantize::Lowering;
using quantize::RealActivation;
using quantize::RealTerm;

namespace {

constexpr std::size_t kLongestLabel = 48;

bool uniform(const Tensor& t) {
  const auto same = [](const auto& v) { return std::ranges::all_of(v, [&](const auto& x) { return x == v[0]; }); };
  return t.f.size() + t.i.size() > 0 && same(t.f) && same(t.i);
}

double first_of(const Tensor& t) { return t.f.empty() ? static_cast<double>(t.i[0]) : static_cast<double>(t.f[0]); }

std::vector<float> as_floats(const Tensor& t) {
  if (t.dtype == DType::f32) return t.f;
  return {t.i.begin(), t.i.end()};
}

std::string label_of(const Node& node) {
  std::string label = node.op;
  const auto body = node.attributes.find(model::kPointsBody);
  if (const auto* graph = body == node.attributes.end() ? nullptr : std::get_if<model::Subgraph>(&body->second)) {
    label.clear();
    for (const Node& inner : (*graph)->nodes) label += (label.empty() ? "" : "+") + label_of(inner);
  }
  if (label.size() > kLongestLabel) label = label.substr(0, kLongestLabel - 3) + "...";
  return label;
}

/// The input that a node is a function of: the only tensor, every constant beside it one number, the output of its shape.
std::optional<std::size_t> argument_of(const Lowering& l, const Node& node) {
  std::optional<std::size_t> out;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i].empty()) continue;
    if (const Tensor* c = l.constant(node, i)) {
      if (!uniform(*c)) return std::nullopt;
    } else if (out && node.inputs[*out] != node.inputs[i]) {
      return std::nullopt;
    } else if (!out) {
      out = i;
    }
  }
  if (!out || l.shape(node.inputs[*out]) != l.shape(node.outputs[0])) return std::nullopt;
  return out;
}

Status lower_function(Lowering& l, const Node& node, std::size_t argument) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const auto f, real_function(inputs.call()));
  if (!f) return fail(ErrorKind::internal, "no function for " + node.op);
  std::vector<double> values(node.inputs.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (const Tensor* c = l.constant(node, i)) values[i] = first_of(*c);
    if (node.inputs[i] == node.inputs[argument]) places.push_back(i);
  }
  RealActivation a{.f = Function::table, .label = label_of(node)};
  a.of = [f = *f, values, places](double x) {
    std::vector<double> arguments = values;
    for (const std::size_t i : places) arguments[i] = x;
    return f(arguments);
  };
  return l.activation({node.name, node.op, {node.inputs[argument]}, node.outputs, {}}, a);
}

/// Input i as a term; constants may be integers.
Result<RealTerm> term_of(const Lowering& l, const Node& node, std::size_t i) {
  RealTerm out;
  if (const Tensor* c = l.constant(node, i)) {
    out.shape = c->shape;
    out.values = as_floats(*c);
    return out;
  }
  DSPERSE_TRY(out.tensor, l.tensor(node, i));
  return out;
}

Status lower_product(Lowering& l, const Node& node, bool reciprocal) {
  DSPERSE_TRY(RealTerm a, term_of(l, node, 0));
  DSPERSE_TRY(RealTerm b, term_of(l, node, 1));
  for (float& v : b.values) {
    if (reciprocal) v = 1.0F / v;
    if (!std::isfinite(v)) return fail(ErrorKind::unsupported, "a constant divisor is zero", node.inputs[1]);
  }
  return l.multiply(node, std::move(a), std::move(b));
}

}  // namespace

Status lower_point(Lowering& l, const Node& node) {
  if (const auto argument = argument_of(l, node)) return lower_function(l, node, *argument);
  return fail(ErrorKind::unsupported, node.op + " of several tensors has no integer form", {},
              "only with one tensor, and one number for each other operand");
}

Status lower_mul(Lowering& l, const Node& node) { return lower_product(l, node, false); }

Status lower_div(Lowering& l, const Node& node) {
  const bool integers = l.graph().values.at(node.outputs[0]).dtype != DType::f32;
  if (const auto argument = argument_of(l, node); argument && (integers || l.constant(node, 1) == nullptr))
    return lower_function(l, node, *argument);
  if (integers) return fail(ErrorKind::unsupported, "division of integers by a tensor", {}, "cast them to floats");
  if (l.constant(node, 1) != nullptr) return lower_product(l, node, true);
  DSPERSE_TRY(const quantize::Value a, l.tensor(node, 0));
  DSPERSE_TRY(const quantize::Value b, l.tensor(node, 1));
  return l.divide(node, a, b);
}

Status lower_sum(Lowering& l, const Node& node) {
  if (node.inputs.size() == 1) return lower_identity(l, node);
  std::vector<RealTerm> terms;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    DSPERSE_TRY(RealTerm term, term_of(l, node, i));
    terms.push_back(std::move(term));
  }
  return l.sum(node, std::move(terms));
}

Status lower_sub(Lowering& l, const Node& node) {
  DSPERSE_TRY(RealTerm a, term_of(l, node, 0));
  DSPERSE_TRY(RealTerm b, term_of(l, node, 1));
  b.coef = -1;
  return l.sum(node, {std::move(a), std::move(b)});
}

Status lower_leaky_relu(Lowering& l, const Node& node) {
  DSPERSE_TRY(const float alpha, node.float_or("alpha", 0.01F));
  if (!(alpha >= 0 && alpha <= 1)) return lower_point(l, node);
  return l.activation(node, {.f = Function::leaky_relu, .alpha = static_cast<double>(alpha)});
}

Status lower_cast(Lowering& l, const Node& node) {
  const DType from = l.graph().values.at(node.inputs[0]).dtype, to = l.graph().values.at(node.outputs[0]).dtype;
  const bool same = from == to || from == DType::boolean || (from == DType::i64 && to == DType::f32);
  if (!same) return lower_point(l, {node.name, node.op, {node.inputs[0]}, node.outputs, node.attributes});
  return lower_identity(l, node);
}

}  // namespace dsperse::ops
