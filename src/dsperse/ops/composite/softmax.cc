#include <algorithm>
#include <numeric>
#include <optional>

#include "dsperse/ops/composite/composite.h"
#include "dsperse/ops/reduce/expand.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;

namespace {

std::string log_of_softmax(Emitter& e, const std::string& x, std::int64_t axis) {
  const std::string shifted = e.sub(x, e.reduce("ReduceMax", x, {axis}, true));
  return e.sub(shifted, e.op("Log", {e.reduce("ReduceSum", e.op("Exp", {shifted}), {axis}, true)}));
}

/// Before opset 13 the distribution runs over all axes from `axis` on.
struct Rows {
  std::string x;
  std::int64_t axis = 0;
  bool reshaped = false;
  std::int64_t length = 0;  ///< of a row, if it was reshaped
};
Result<Rows> rows_of(Emitter& e, const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  const Shape& x = call.inputs[0]->shape;
  DSPERSE_TRY(const std::int64_t given, call.node.int_or("axis", call.opset < 13 ? 1 : -1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given, x.size(), "attribute 'axis'"));
  DSPERSE_TRY(const std::int64_t count, model::element_count(x));
  if (count < 1) return fail(ErrorKind::unsupported, "a tensor without elements", input_text(call.node, 0));
  if (call.opset >= 13 || axis + 1 == x.size()) return Rows{e.input(0), static_cast<std::int64_t>(axis), false, 0};
  const std::int64_t rows =
      std::accumulate(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(axis), std::int64_t{1}, std::multiplies<>());
  return Rows{e.reshape(e.input(0), {rows, count / rows}), 1, true, count / rows};
}

/// What both losses share: labels, the weight of each, the output's form.
struct Loss {
  Shape data;
  std::vector<std::int64_t> labels;
  std::vector<float> weights;  ///< by label position; 0 where it is ignored
  std::string reduction;
};
Result<Loss> loss_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 3));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 2, model::kMaxRank));
  Loss out{call.inputs[0]->shape, {}, {}, {}};
  DSPERSE_TRY(const std::int64_t elements, model::element_count(out.data));
  if (elements > kMaxConstant) return fail(ErrorKind::resource, "a tensor of more than 2^26 elements", input_text(call.node, 0));
  DSPERSE_TRY(out.reduction, call.node.string_or("reduction", "mean"));
  if (out.reduction != "none" && out.reduction != "sum" && out.reduction != "mean")
    return fail(ErrorKind::bad_input, "'" + out.reduction + "'", "attribute 'reduction'");
  Shape expected = out.data;
  expected.erase(expected.begin() + 1);
  const Tensor* labels = call.inputs[1]->constant;
  if (labels == nullptr)
    return fail(ErrorKind::unsupported, "the labels depend on the model's input", input_text(call.node, 1),
                "a loss works only with constant labels");
  if (labels->dtype != DType::i64 || labels->shape != expected)
    return fail(ErrorKind::bad_input, "not one label for every position", input_text(call.node, 1));
  const Tensor* weights = nullptr;
  if (has_input(call, 2)) {
    weights = call.inputs[2]->constant;
    if (weights == nullptr)
      return fail(ErrorKind::unsupported, "the weights depend on the model's input", input_text(call.node, 2));
    if (weights->dtype != DType::f32 || weights->shape != Shape{out.data[1]})
      return fail(ErrorKind::bad_input, "not one weight for every class", input_text(call.node, 2));
  }
  const bool ignores = call.node.attributes.contains("ignore_index");
  DSPERSE_TRY(const std::int64_t ignored, call.node.int_or("ignore_index", 0));
  for (const std::int64_t label : labels->i) {
    const bool skip = ignores && label == ignored;
    if (!skip && (label < 0 || label >= out.data[1]))
      return fail(ErrorKind::bad_input, "label " + std::to_string(label), input_text(call.node, 1));
    out.labels.push_back(skip ? 0 : label);
    out.weights.push_back(skip ? 0.0F : weights != nullptr ? weights->f[static_cast<std::size_t>(label)] : 1.0F);
  }
  return out;
}

/// -sum over classes of log probabilities where the label is, as a product with constants.
Result<std::string> loss(Emitter& e, const Loss& l, const std::string& log_probabilities) {
  double total = 0;
  for (const float w : l.weights) total += static_cast<double>(w);
  if (l.reduction == "mean" && !(total > 0)) return fail(ErrorKind::bad_input, "the mean of no labels", "attribute 'reduction'");
  const double divisor = l.reduction == "mean" ? total : 1;
  Tensor chosen = zeros({DType::f32, l.data, nullptr});
  const auto classes = static_cast<std::size_t>(l.data[1]), samples = static_cast<std::size_t>(l.data[0]);
  const std::size_t inner = samples == 0 ? 0 : l.labels.size() / samples;
  for (std::size_t n = 0; n < samples; ++n)
    for (std::size_t k = 0; k < inner; ++k) {
      const std::size_t at = n * inner + k;
      chosen.f[(n * classes + static_cast<std::size_t>(l.labels[at])) * inner + k] =
          static_cast<float>(-static_cast<double>(l.weights[at]) / divisor);
    }
  const std::string parts = e.mul(log_probabilities, e.constant(std::move(chosen)));
  if (l.reduction == "none") return e.reduce("ReduceSum", parts, {1}, false);
  std::vector<std::int64_t> all;
  for (std::size_t k = 0; k < l.data.size(); ++k) all.push_back(static_cast<std::int64_t>(k));
  return e.reduce("ReduceSum", parts, std::move(all), false);
}

}  // namespace

Expanded expand_log_softmax(const InferCall& call) {
  Emitter e(call);
  DSPERSE_TRY(const Rows rows, rows_of(e, call));
  const std::string y = log_of_softmax(e, rows.x, rows.axis);
  return e.finish({rows.reshaped ? e.reshape(y, call.inputs[0]->shape) : y});
}

Expanded expand_hardmax(const InferCall& call) {
  Emitter e(call);
  DSPERSE_TRY(const Rows rows, rows_of(e, call));
  const Shape& x = call.inputs[0]->shape;
  const std::int64_t depth = rows.reshaped ? rows.length : x[static_cast<std::size_t>(rows.axis)];
  const std::string best = e.op("ArgMax", {rows.x}, {{"axis", rows.axis}, {"keepdims", std::int64_t{0}}});
  const std::string y =
      e.op("OneHot", {best, e.constant(model::int_tensor({}, {depth})), e.constant(model::float_tensor({2}, {0, 1}))},
           {{"axis", rows.axis}, {kInRange, std::int64_t{1}}});
  return e.finish({rows.reshaped ? e.reshape(y, x) : y});
}

Expanded expand_negative_log_likelihood_loss(const InferCall& call) {
  DSPERSE_TRY(const Loss l, loss_of(call));
  Emitter e(call);
  DSPERSE_TRY(const std::string y, loss(e, l, e.input(0)));
  return e.finish({y});
}

Expanded expand_softmax_cross_entropy_loss(const InferCall& call) {
  DSPERSE_TRY(const Loss l, loss_of(call));
  Emitter e(call);
  const std::string log_probabilities = log_of_softmax(e, e.input(0), 1);
  DSPERSE_TRY(const std::string y, loss(e, l, log_probabilities));
  return e.finish({y, log_probabilities});
}

}  // namespace dsperse::ops
