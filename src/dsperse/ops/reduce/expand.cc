#include "dsperse/ops/reduce/expand.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "dsperse/ops/reduce/reduce.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;

namespace {

using Int = std::int64_t;
using Ints = std::vector<Int>;

Ints axes_list(const Reduction& r) { return {r.axes.begin(), r.axes.end()}; }

/// x with the reduced axes as one last axis.
std::string gathered(Emitter& e, const std::string& x, const Shape& shape, const Reduction& r) {
  Ints perm;
  Shape flat;
  Int n = 1;
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (std::ranges::find(r.axes, k) == r.axes.end()) perm.push_back(static_cast<Int>(k)), flat.push_back(shape[k]);
  for (const std::size_t k : r.axes) perm.push_back(static_cast<Int>(k)), n *= shape[k];
  flat.push_back(n);
  const bool turned = !std::ranges::is_sorted(perm);
  return e.reshape(turned ? e.transpose(x, perm) : x, flat);
}

/// The sum of x's terms over the reduction, in the form of the output.
std::string summed(Emitter& e, const std::string& x, const Reduction& r) {
  return r.axes.empty() ? x : e.reduce("ReduceSum", x, axes_list(r), r.keep);
}

/// The number p of the attribute, 1 or 2 by nodes that are cheap.
std::string power_of(Emitter& e, const std::string& x, Int p) {
  if (p == 2) return e.mul(x, x);
  const std::string size = e.op("Abs", {x});
  return p == 1 ? size : e.op("Pow", {size, e.scalar(static_cast<float>(p))});
}
std::string root_of(Emitter& e, const std::string& x, Int p) {
  if (p == 1) return x;
  return p == 2 ? e.op("Sqrt", {x}) : e.op("Pow", {x, e.scalar(1.0F / static_cast<float>(p))});
}

Result<Int> norm_of(const InferCall& call) {
  DSPERSE_TRY(const Int p, call.node.int_or("p", 2));
  if (p < 1 || p > 64) return fail(ErrorKind::unsupported, "is not in 1..64", "attribute 'p'");
  return p;
}

Status expect_spatial(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 1, 1));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  return expect_rank(call, 0, 3, model::kMaxRank);
}

Ints spatial(const InferCall& call) {
  Ints axes(call.inputs[0]->shape.size() - 2);
  std::iota(axes.begin(), axes.end(), Int{2});
  return axes;
}

}  // namespace

Result<bool> is_plain_one_hot(const InferCall& call) {
  DSPERSE_TRY(const OneHotForm form, one_hot_of(call));
  DSPERSE_TRY(const Int in_range, call.node.int_or(kInRange, 0));
  const model::Tensor* values = call.inputs[2]->constant;
  return in_range != 0 && form.axis == call.inputs[0]->shape.size() && call.inputs[0]->dtype == DType::i64 && values != nullptr &&
         values->f == std::vector<float>{0, 1};
}

Expanded expand_reduce(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_reduce(call));
  DSPERSE_TRY(const Reduction r, reduction_of(call));
  const std::string& op = call.node.op;
  const Shape& shape = call.inputs[0]->shape;
  Emitter e(call);
  const std::string x = e.input(0);
  Int n = 1;
  for (const std::size_t k : r.axes) n *= shape[k];
  if (op == "ReduceMax" || op == "ReduceMin") {
    if (r.axes.empty()) return e.finish({x});
    if (r.axes.size() == 1) return model::Expansion{};
    const std::string best = e.reduce(op, gathered(e, x, shape, r), {static_cast<Int>(shape.size() - r.axes.size())}, false);
    return e.finish({e.reshape(best, r.out)});
  }
  if (op == "ReduceProd") {
    if (n > kMostFactors || n == 0) return model::Expansion{};
    const std::string rows = gathered(e, x, shape, r);
    const auto axis = static_cast<Int>(shape.size() - r.axes.size());
    std::string product;
    for (Int k = 0; k < n; ++k) {
      const std::string factor = e.slice(rows, axis, k, k + 1);
      product = product.empty() ? factor : e.mul(product, factor);
    }
    return e.finish({e.reshape(product, r.out)});
  }
  if (op == "ReduceL1") return e.finish({summed(e, e.op("Abs", {x}), r)});
  if (op == "ReduceSumSquare") return e.finish({summed(e, e.mul(x, x), r)});
  if (op == "ReduceL2") return e.finish({e.op("Sqrt", {summed(e, e.mul(x, x), r)})});
  if (op == "ReduceLogSum") return e.finish({e.op("Log", {summed(e, x, r)})});
  if (op != "ReduceLogSumExp") return r.axes.empty() ? e.finish({x}) : model::Expansion{};
  if (r.axes.empty()) return e.finish({x});
  const std::string top = e.reduce("ReduceMax", x, axes_list(r), true);
  const std::string sum = e.reduce("ReduceSum", e.op("Exp", {e.sub(x, top)}), axes_list(r), true);
  const std::string out = e.add(e.op("Log", {sum}), top);
  return e.finish({r.keep ? out : e.reshape(out, r.out)});
}

Expanded expand_cum_prod(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_TRY(const Ints given, constant_ints(call, 1));
  const Shape& shape = call.inputs[0]->shape;
  if (given.size() != 1) return fail(ErrorKind::bad_input, "is not one axis", input_text(call.node, 1));
  DSPERSE_TRY(const std::size_t axis, normal_axis(given[0], shape.size(), input_text(call.node, 1)));
  DSPERSE_TRY(const Int exclusive, call.node.int_or("exclusive", 0));
  DSPERSE_TRY(const Int reverse, call.node.int_or("reverse", 0));
  const Int n = shape[axis], along = static_cast<Int>(axis);
  if (call.inputs[0]->dtype == DType::boolean)
    return fail(ErrorKind::bad_input, "booleans have no product", input_text(call.node, 0));
  if (n < 1 || n > kMostFactors)
    return fail(ErrorKind::unsupported, "a running product of " + std::to_string(n) + " elements; 1 to " +
                                            std::to_string(kMostFactors) + " are multiplied one after the other");
  Emitter e(call);
  std::vector<std::string> products;
  std::string product;
  if (exclusive != 0) {  // ones come before the first
    Shape one = shape;
    one[axis] = 1;
    DSPERSE_TRY(const Int count, model::element_count(one));
    const auto size = static_cast<std::size_t>(count);
    products.push_back(e.constant(call.inputs[0]->dtype == DType::f32 ? model::float_tensor(one, std::vector<float>(size, 1.0F))
                                                                      : model::int_tensor(one, Ints(size, 1))));
  }
  for (Int i = 0; std::cmp_less(products.size(), n); ++i) {
    const Int at = reverse != 0 ? n - 1 - i : i;
    const std::string factor = e.slice(e.input(0), along, at, at + 1);
    product = product.empty() ? factor : e.mul(product, factor);
    products.push_back(product);
  }
  if (reverse != 0) std::ranges::reverse(products);
  return e.finish({e.concat(std::move(products), along)});
}

Expanded expand_one_hot(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_one_hot(call));
  DSPERSE_TRY(const OneHotForm form, one_hot_of(call));
  DSPERSE_TRY(const bool plain, is_plain_one_hot(call));
  DSPERSE_TRY(const Int in_range, call.node.int_or(kInRange, 0));
  const model::ValueInfo &x = *call.inputs[0], &values = *call.inputs[2];
  if (plain || x.constant != nullptr) return model::Expansion{};
  Emitter e(call);
  const auto number = [&](Int v) { return e.constant(model::int_tensor({}, {v})); };
  std::string index = x.dtype == DType::f32 ? e.op("Cast", {e.input(0)}, {{"to", Int{7}}}) : e.input(0);
  const Int spare = in_range != 0 ? 0 : 1;
  if (spare != 0) {
    // Negative indices count from the end; those outside of the depth go to a place of their own, which is cut off.
    index = e.op("Where", {e.op("Less", {index, number(0)}), e.add(index, number(form.depth)), index});
    index = e.op("Where", {e.op("Less", {index, number(0)}), number(form.depth), index});
    index = e.op("Min", {index, number(form.depth)});
  }
  const std::string depth = e.constant(model::int_tensor({}, {form.depth + spare})),
                    bits = e.constant(model::float_tensor({2}, {0, 1}));
  const auto rank = static_cast<Int>(x.shape.size());
  std::string out = e.op("OneHot", {index, depth, bits}, {{"axis", Int{-1}}, {kInRange, Int{1}}});
  if (spare != 0) out = e.slice(out, rank, 0, form.depth);
  if (form.axis != x.shape.size()) {
    Ints perm(x.shape.size());
    std::iota(perm.begin(), perm.end(), Int{0});
    perm.insert(perm.begin() + static_cast<std::ptrdiff_t>(form.axis), rank);
    out = e.transpose(out, perm);
  }
  const model::Tensor* given = values.constant;
  if (given == nullptr || given->f != std::vector<float>{0, 1}) {
    const std::string both = values.dtype == DType::f32 ? e.input(2) : e.op("Cast", {e.input(2)}, {{"to", Int{1}}});
    const std::string off = e.slice(both, 0, 0, 1), on = e.slice(both, 0, 1, 2);
    out = e.add(e.mul(out, e.sub(on, off)), off);
    if (values.dtype != DType::f32) out = e.op("Cast", {out}, {{"to", Int{values.dtype == DType::i64 ? 7 : 9}}});
  }
  return e.finish({out});
}

namespace {

/// How many of its row's elements come before each of x (rows x n): larger ones, and equal ones at smaller positions.
std::string places_of(Emitter& e, const std::string& x, Int rows, Int n, bool largest) {
  // Entry (j, i): element j is at least as good as i. For j < i it comes before i then, and otherwise i comes before j.
  const std::string wins =
      e.op(largest ? "GreaterOrEqual" : "LessOrEqual", {e.reshape(x, {rows, n, 1}), e.reshape(x, {rows, 1, n})});
  std::vector<Int> earlier, behind;
  for (Int j = 0; j < n; ++j) {
    behind.push_back(n - 1 - j);
    for (Int i = 0; i < n; ++i) earlier.push_back(j < i ? 1 : 0);
  }
  const std::string counted =
      e.mul(e.op("Cast", {wins}, {{"to", Int{7}}}), e.constant(model::int_tensor({1, n, n}, std::move(earlier))));
  const std::string lost = e.reduce("ReduceSum", counted, {1}, false), won = e.reduce("ReduceSum", counted, {2}, false);
  return e.add(e.sub(lost, won), e.constant(model::int_tensor({1, n}, std::move(behind))));
}

/// TopK of more than one element: each element's place among its row, one-hot; column t shows which one is the t-th.
Expanded sorted(const InferCall& call, const TopK& form, bool largest) {
  const Shape& shape = call.inputs[0]->shape;
  const Int n = shape[form.axis], rank = static_cast<Int>(shape.size());
  Int rows = 1;
  Ints perm;
  Shape out;
  for (Int a = 0; a < rank; ++a)
    if (std::cmp_not_equal(a, form.axis))
      perm.push_back(a), rows *= shape[static_cast<std::size_t>(a)], out.push_back(shape[static_cast<std::size_t>(a)]);
  if (n > kMostPairs / n || rows > kMostPairs / (n * n)) return model::Expansion{};  // refused where it is lowered
  perm.push_back(static_cast<Int>(form.axis)), out.push_back(form.k);
  Ints back(perm.size());
  for (std::size_t a = 0; a < perm.size(); ++a) back[static_cast<std::size_t>(perm[a])] = static_cast<Int>(a);
  Emitter e(call);
  const std::string x = e.reshape(e.transpose(e.input(0), perm), {rows, n});
  const Int depth = std::min(form.k + 1, n);  // places from k on share a column
  const std::string bits = e.constant(model::float_tensor({2}, {0, 1})), places = places_of(e, x, rows, n, largest);
  std::string chosen =
      e.op("OneHot", {places, e.constant(model::int_tensor({}, {depth})), bits}, {{"axis", Int{-1}}, {kInRange, Int{1}}});
  if (depth > form.k) chosen = e.slice(chosen, 2, 0, form.k);
  const auto finished = [&](const std::string& y) { return e.transpose(e.reshape(y, out), back); };
  std::vector<std::string> made{"", ""};
  if (e.wants(0) && call.inputs[0]->dtype == DType::f32) made[0] = finished(e.op("MatMul", {e.reshape(x, {rows, 1, n}), chosen}));
  if (e.wants(0) && call.inputs[0]->dtype != DType::f32)
    made[0] =
        finished(e.reduce("ReduceSum", e.mul(e.reshape(x, {rows, n, 1}), e.op("Cast", {chosen}, {{"to", Int{7}}})), {1}, false));
  if (e.wants(1)) made[1] = finished(e.op("ArgMax", {chosen}, {{"axis", Int{1}}, {"keepdims", Int{0}}}));
  return e.finish(made);
}

}  // namespace

Expanded expand_top_k(const InferCall& call) {
  DSPERSE_CHECK_OK(infer_top_k(call));
  DSPERSE_TRY(const TopK form, top_k_of(call));
  DSPERSE_TRY(const Int largest, call.node.int_or("largest", 1));
  if (form.k < 1 || call.inputs[0]->constant != nullptr) return model::Expansion{};
  if (form.k != 1) return sorted(call, form, largest != 0);
  Emitter e(call);
  const auto axis = static_cast<Int>(form.axis);
  std::vector<std::string> out{"", ""};
  if (e.wants(0)) out[0] = e.reduce(largest != 0 ? "ReduceMax" : "ReduceMin", e.input(0), {axis}, true);
  if (e.wants(1)) out[1] = e.op(largest != 0 ? "ArgMax" : "ArgMin", {e.input(0)}, {{"axis", axis}});
  return e.finish(out);
}

Expanded expand_global_max_pool(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_spatial(call));
  Emitter e(call);
  return e.finish({e.reduce("ReduceMax", e.input(0), spatial(call), true)});
}

Expanded expand_global_lp_pool(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_spatial(call));
  DSPERSE_TRY(const Int p, norm_of(call));
  Emitter e(call);
  return e.finish({root_of(e, e.reduce("ReduceSum", power_of(e, e.input(0), p), spatial(call), true), p)});
}

Expanded expand_lp_pool(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_spatial(call));
  DSPERSE_TRY(const Int p, norm_of(call));
  DSPERSE_TRY(const Int ceil_mode, call.node.int_or("ceil_mode", 0));
  if (ceil_mode != 0) return fail(ErrorKind::unsupported, "windows beyond the padding", "attribute 'ceil_mode'");
  DSPERSE_TRY(const Ints kernel, call.node.ints_or("kernel_shape", {}));
  Int taps = 1;
  for (const Int k : kernel) {
    if (k < 1 || k > (Int{1} << 20) || taps > (Int{1} << 20))
      return fail(ErrorKind::bad_input, "is out of range", "attribute 'kernel_shape'");
    taps *= k;
  }
  Emitter e(call);
  auto attributes = call.node.attributes;
  attributes.erase("p");
  attributes["count_include_pad"] = Int{1};
  const std::string mean = e.op("AveragePool", {power_of(e, e.input(0), p)}, attributes);
  return e.finish({root_of(e, e.mul(mean, e.scalar(static_cast<float>(taps))), p)});
}

}  // namespace dsperse::ops
