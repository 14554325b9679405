#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "dsperse/ops/attention/attention.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;

namespace {

/// Most entries of a mask that is written out.
constexpr std::int64_t kMaxEntries = std::int64_t{1} << 26;
Status check_entries(const Shape& shape) {
  DSPERSE_TRY(const std::int64_t n, model::element_count(shape));
  if (n > kMaxEntries) return fail(ErrorKind::resource, "a mask of more than 2^26 entries");
  return {};
}

/// Smaller values of a float mask hide an entry: e to their power is 0 in float.
constexpr float kHidden = -1e4F;

struct Sizes {
  std::int64_t batch = 0, query_heads = 0, heads = 0, queries = 0, keys = 0, past = 0, depth = 0, value_depth = 0;
  bool flat = false;  ///< three axes: heads are part of the features
  [[nodiscard]] std::int64_t all_keys() const { return past + keys; }
};

Result<Sizes> sizes_of(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 7));
  for (const std::size_t i : {0U, 1U, 2U, 4U, 5U})
    if (has_input(call, i)) DSPERSE_CHECK_OK(expect_float(call, i));
  const Shape &q = call.inputs[0]->shape, &k = call.inputs[1]->shape, &v = call.inputs[2]->shape;
  for (std::size_t i = 0; i < 3; ++i) DSPERSE_CHECK_OK(expect_rank(call, i, 3, 4));
  if (k.size() != q.size() || v.size() != q.size()) return fail(ErrorKind::bad_input, "Q, K and V differ in rank");
  Sizes s;
  s.flat = q.size() == 3;
  DSPERSE_TRY(const std::int64_t query_heads, call.node.int_or("q_num_heads", s.flat ? 0 : q[1]));
  DSPERSE_TRY(const std::int64_t heads, call.node.int_or("kv_num_heads", s.flat ? 0 : k[1]));
  s.query_heads = query_heads, s.heads = heads, s.batch = q[0];
  if (heads < 1 || query_heads < 1 || query_heads % heads != 0)
    return fail(ErrorKind::bad_input,
                std::to_string(query_heads) + " heads of Q and " + std::to_string(heads) + " of K and V do not go together",
                "attribute 'q_num_heads'");
  if (s.flat) {
    if (q[2] % query_heads != 0 || k[2] % heads != 0 || v[2] % heads != 0)
      return fail(ErrorKind::bad_input, "the heads do not divide the features", "attribute 'kv_num_heads'");
    s.queries = q[1], s.keys = k[1], s.depth = q[2] / query_heads, s.value_depth = v[2] / heads;
  } else {
    s.queries = q[2], s.keys = k[2], s.depth = q[3], s.value_depth = v[3];
  }
  const Shape key = s.flat ? Shape{s.batch, s.keys, heads * s.depth} : Shape{s.batch, heads, s.keys, s.depth};
  const Shape value = s.flat ? Shape{s.batch, s.keys, heads * s.value_depth} : Shape{s.batch, heads, s.keys, s.value_depth};
  if (!s.flat && q[1] != query_heads) return fail(ErrorKind::bad_input, "not the heads of Q", "attribute 'q_num_heads'");
  for (const auto& [i, shape] : {std::pair{std::size_t{1}, key}, std::pair{std::size_t{2}, value}})
    if (call.inputs[i]->shape != shape)
      return fail(ErrorKind::bad_input,
                  "shape " + model::shape_text(call.inputs[i]->shape) + ", expected " + model::shape_text(shape),
                  input_text(call.node, i));
  if (has_input(call, 4) != has_input(call, 5))
    return fail(ErrorKind::bad_input, "past keys without past values, or without keys");
  if (has_input(call, 4)) {
    const Shape& past = call.inputs[4]->shape;
    s.past = past.size() == 4 ? past[2] : -1;
    if (past != Shape{s.batch, heads, s.past, s.depth} || call.inputs[5]->shape != Shape{s.batch, heads, s.past, s.value_depth})
      return fail(ErrorKind::bad_input, "past keys or values do not have the form of K and V", input_text(call.node, 4));
  }
  if (s.batch < 1 || s.queries < 1 || s.all_keys() < 1 || s.depth < 1 || s.value_depth < 1)
    return fail(ErrorKind::unsupported, "attention without elements", input_text(call.node, 0));
  return s;
}

/// What is known of the mask: hidden entries, and finite values that are added.
struct Mask {
  std::optional<Tensor> visible;  ///< boolean; broadcasts to (batch, heads, queries, keys)
  std::optional<Tensor> added;    ///< float, finite
};

/// The given constant mask: its last axis may be shorter than the keys, the rest is hidden.
Result<Mask> given_mask(const InferCall& call, const Sizes& s) {
  const Tensor& m = *call.inputs[3]->constant;
  const std::int64_t n = m.shape.empty() ? 1 : m.shape.back(), keys = n == 1 && s.all_keys() != 1 ? 1 : s.all_keys();
  if (n > keys) return fail(ErrorKind::bad_input, "the mask is longer than the keys", input_text(call.node, 3));
  Shape shape = m.shape.empty() ? Shape{1} : m.shape;
  shape.back() = keys;
  DSPERSE_CHECK_OK(check_entries(shape));
  Tensor visible = zeros({DType::boolean, shape, nullptr}), added = zeros({DType::f32, shape, nullptr});
  const std::size_t rows = n == 0 ? 0 : (m.f.size() + m.i.size()) / static_cast<std::size_t>(n);
  bool any = false, all = true;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::int64_t k = 0; k < keys; ++k) {
      const std::size_t at = r * static_cast<std::size_t>(n) + static_cast<std::size_t>(k),
                        to = r * static_cast<std::size_t>(keys) + static_cast<std::size_t>(k);
      const bool shown = k < n && (m.dtype == DType::f32 ? m.f[at] > kHidden : m.i[at] != 0);
      visible.i[to] = shown ? 1 : 0;
      all = all && shown;
      if (shown && m.dtype == DType::f32) added.f[to] = m.f[at];
      any = any || added.f[to] != 0.0F;
    }
  Mask out;
  if (!all) out.visible = std::move(visible);
  if (any) out.added = std::move(added);
  return out;
}

/// Restricts `mask` to the entries (b, i, j) that `shown` takes.
template <class F>
Status restrict(Mask& mask, const Sizes& s, bool per_sample, F shown) {
  const Shape own{per_sample ? s.batch : 1, 1, s.queries, s.all_keys()};
  const Shape before = mask.visible ? mask.visible->shape : Shape{1};
  DSPERSE_TRY(const Shape shape, broadcast(own, before));
  DSPERSE_CHECK_OK(check_entries(shape));
  Tensor out = zeros({DType::boolean, shape, nullptr});
  walk(shape, broadcast_strides(before, shape), 0, [&](std::int64_t o, std::int64_t i) {
    const std::int64_t key = o % shape[3], query = o / shape[3] % shape[2], sample = o / (shape[1] * shape[2] * shape[3]);
    const bool was = !mask.visible || mask.visible->i[static_cast<std::size_t>(i)] != 0;
    out.i[static_cast<std::size_t>(o)] = was && shown(sample, query, key) ? 1 : 0;
  });
  mask.visible = std::move(out);
  return {};
}

/// Masks that follow from attributes and lengths alone.
Status restrict_by_form(const InferCall& call, const Sizes& s, Mask& mask) {
  DSPERSE_TRY(const std::int64_t causal, call.node.int_or("is_causal", 0));
  DSPERSE_TRY(const std::int64_t left, call.node.int_or("left_window_size", -1));
  DSPERSE_TRY(const std::int64_t right, call.node.int_or("right_window_size", -1));
  std::vector<std::int64_t> lengths;
  if (has_input(call, 6)) {
    const Tensor* given = call.inputs[6]->constant;
    if (given == nullptr)
      return fail(ErrorKind::unsupported, "lengths depend on the model's input", input_text(call.node, 6),
                  "export the model with sequences of one fixed length");
    if (std::cmp_not_equal(given->i.size(), s.batch) || s.past != 0)
      return fail(ErrorKind::bad_input, "not one length for every sample, or past keys as well", input_text(call.node, 6));
    lengths = given->i;
  }
  if (causal == 0 && left < 0 && right < 0 && lengths.empty()) return {};
  return restrict(mask, s, !lengths.empty(), [&](std::int64_t sample, std::int64_t query, std::int64_t key) {
    const std::int64_t length = lengths.empty() ? s.all_keys() : lengths[static_cast<std::size_t>(sample)];
    const std::int64_t at = query + (lengths.empty() ? s.past : length - s.queries);
    return key < length && !(causal != 0 && key > at) && !(left >= 0 && key < at - left) && !(right >= 0 && key > at + right);
  });
}

/// Rows that hide everything: probabilities of 0 by ONNX's rule. They are shown whole, and multiplied by the returned factor.
std::optional<Tensor> guard_hidden_rows(Tensor& visible) {
  const auto n = static_cast<std::size_t>(visible.shape.back());
  Shape shape = visible.shape;
  shape.back() = 1;
  Tensor factor = model::float_tensor(shape, std::vector<float>(visible.i.size() / n, 1));
  bool any = false;
  for (std::size_t r = 0; r < factor.f.size(); ++r) {
    const auto begin = visible.i.begin() + static_cast<std::ptrdiff_t>(r * n), end = begin + static_cast<std::ptrdiff_t>(n);
    if (std::any_of(begin, end, [](std::int64_t v) { return v != 0; })) continue;
    std::fill(begin, end, 1);
    factor.f[r] = 0;
    any = true;
  }
  return any ? std::optional(std::move(factor)) : std::nullopt;
}

}  // namespace

Expanded expand_attention(const InferCall& call) {
  DSPERSE_TRY(const Sizes s, sizes_of(call));
  DSPERSE_TRY(const float scale, call.node.float_or("scale", static_cast<float>(1 / std::sqrt(static_cast<double>(s.depth)))));
  DSPERSE_TRY(const float softcap, call.node.float_or("softcap", 0));
  DSPERSE_TRY(const std::int64_t mode, call.node.int_or("qk_matmul_output_mode", 0));
  if (!(softcap >= 0)) return fail(ErrorKind::bad_input, "it is negative", "attribute 'softcap'");
  const bool given = has_input(call, 3), computed = given && call.inputs[3]->constant == nullptr;
  if (given && call.inputs[3]->dtype == DType::i64)
    return fail(ErrorKind::bad_input, "a mask of integers", input_text(call.node, 3));
  const Shape scores_shape{s.batch, s.query_heads, s.queries, s.all_keys()};
  Mask mask;
  if (given && !computed) {
    DSPERSE_TRY(mask, given_mask(call, s));
  }
  if (given) {
    Shape shape = computed       ? call.inputs[3]->shape
                  : mask.visible ? mask.visible->shape
                  : mask.added   ? mask.added->shape
                                 : Shape{1};
    if (computed && !shape.empty() && shape.back() > 1 && shape.back() < s.all_keys()) shape.back() = s.all_keys();
    const auto spread = broadcast(shape, scores_shape);
    if (!spread || *spread != scores_shape)
      return fail(
          ErrorKind::unsupported,
          "the mask's shape " + model::shape_text(call.inputs[3]->shape) + " does not fit " + model::shape_text(scores_shape),
          input_text(call.node, 3));
  }
  DSPERSE_CHECK_OK(restrict_by_form(call, s, mask));
  // A computed mask may be shorter than the keys: what it lacks is hidden.
  const std::int64_t width = !computed || call.inputs[3]->shape.empty() ? 1 : call.inputs[3]->shape.back();
  const bool shorter = computed && width < s.all_keys() && width != 1;
  if (shorter)
    DSPERSE_CHECK_OK(restrict(mask, s, false, [&](std::int64_t, std::int64_t, std::int64_t key) { return key < width; }));

  Emitter e(call);
  const std::int64_t group = s.query_heads / s.heads;
  const bool grouped = group > 1;
  // Scaled at once: a layer before it takes the factor into its weights.
  const float factor = softcap > 0 ? scale / softcap : scale;
  std::string q = factor == 1.0F ? e.input(0) : e.mul(e.input(0), e.scalar(factor));
  if (s.flat)
    q = grouped ? e.transpose(e.reshape(q, {s.batch, s.queries, s.heads, group, s.depth}), {0, 2, 3, 1, 4})
                : e.transpose(e.reshape(q, {s.batch, s.queries, s.heads, s.depth}), {0, 2, 1, 3});
  else if (grouped)
    q = e.reshape(q, {s.batch, s.heads, group, s.queries, s.depth});
  const auto with_past = [&](std::size_t i, std::int64_t depth) {
    std::string x = e.input(i);
    if (s.flat) x = e.transpose(e.reshape(x, {s.batch, s.keys, s.heads, depth}), {0, 2, 1, 3});
    return has_input(call, i + 3) ? e.concat({e.input(i + 3), x}, 2) : x;
  };
  const std::string key = with_past(1, s.depth), value = with_past(2, s.value_depth);
  const auto per_group = [&](const std::string& x) { return grouped ? e.unsqueeze(x, 2) : x; };
  std::string scores = e.op("MatMul", {q, e.transpose(per_group(key), grouped ? std::vector<std::int64_t>{0, 1, 2, 4, 3}
                                                                              : std::vector<std::int64_t>{0, 1, 3, 2})});
  if (grouped) scores = e.reshape(scores, scores_shape);
  if (softcap > 0) scores = e.mul(e.op("Tanh", {scores}), e.scalar(softcap));
  std::string shown = scores;  // of qk_matmul_output
  if (mode == 0 && softcap > 0 && e.wants(3))
    return fail(ErrorKind::unsupported, "the products before softcap", "attribute 'qk_matmul_output_mode'");

  const bool floats = computed && call.inputs[3]->dtype == DType::f32, booleans = computed && !floats;
  std::string given_values;
  if (computed) given_values = floats ? e.input(3) : e.op("Cast", {e.input(3)}, {{"to", std::int64_t{1}}});
  if (shorter) {
    std::vector<std::int64_t> pads(2 * call.inputs[3]->shape.size(), 0);
    pads.back() = s.all_keys() - width;
    given_values = e.op("Pad", {given_values, e.ints(std::move(pads))});
  }
  if (mask.added) scores = e.add(scores, e.constant(std::move(*mask.added)));
  if (floats) scores = e.add(scores, given_values);
  if (mode == 2) {
    if (e.wants(3) && (mask.visible || booleans))
      return fail(ErrorKind::unsupported, "masked products are minus infinity", "attribute 'qk_matmul_output_mode'");
    shown = scores;
  }
  std::optional<Tensor> zero_rows;
  std::string probabilities;
  if (mask.visible) zero_rows = guard_hidden_rows(*mask.visible);
  if (booleans) {
    // e^(x - max) counts where the mask says so; max is over all entries.
    const std::string powers = e.op("Exp", {e.sub(scores, e.reduce("ReduceMax", scores, {3}, true))});
    std::string counted = e.mul(powers, given_values);
    if (mask.visible) {
      Tensor ones = model::float_tensor(mask.visible->shape, {mask.visible->i.begin(), mask.visible->i.end()});
      counted = e.mul(counted, e.constant(std::move(ones)));
    }
    // Where nothing counts the quotient is 0.
    const std::string sum = e.op("Clip", {e.reduce("ReduceSum", counted, {3}, true), e.scalar(1e-30F)});
    probabilities = e.op("Div", {counted, sum});
  } else if (mask.visible) {
    probabilities = e.op("MaskedSoftmax", {scores, e.constant(std::move(*mask.visible))});
  } else {
    probabilities = e.op("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  }
  if (zero_rows) probabilities = e.mul(probabilities, e.constant(std::move(*zero_rows)));
  if (mode == 3) shown = probabilities;

  std::string y = grouped ? e.reshape(probabilities, {s.batch, s.heads, group, s.queries, s.all_keys()}) : probabilities;
  y = e.op("MatMul", {y, per_group(value)});
  if (s.flat) {
    y = grouped ? e.transpose(y, {0, 3, 1, 2, 4}) : e.transpose(y, {0, 2, 1, 3});
    y = e.reshape(y, {s.batch, s.queries, s.query_heads * s.value_depth});
  } else if (grouped) {
    y = e.reshape(y, {s.batch, s.query_heads, s.queries, s.value_depth});
  }
  return e.finish({y, key, value, shown});
}

Expanded expand_rotary_embedding(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 3, 4));
  for (std::size_t i = 0; i < 3; ++i) DSPERSE_CHECK_OK(expect_float(call, i));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 4));
  const Shape& x = call.inputs[0]->shape;
  const bool flat = x.size() == 3;
  DSPERSE_TRY(const std::int64_t heads, call.node.int_or("num_heads", 0));
  DSPERSE_TRY(const std::int64_t interleaved, call.node.int_or("interleaved", 0));
  DSPERSE_TRY(std::int64_t rotated, call.node.int_or("rotary_embedding_dim", 0));
  if (flat && (heads < 1 || x[2] % heads != 0))
    return fail(ErrorKind::bad_input, std::to_string(heads) + " heads do not divide the features", "attribute 'num_heads'");
  const std::int64_t depth = flat ? x[2] / heads : x[3], steps = flat ? x[1] : x[2];
  if (rotated == 0) rotated = depth;
  if (rotated < 2 || rotated > depth || rotated % 2 != 0)
    return fail(ErrorKind::bad_input, std::to_string(rotated) + " features cannot be rotated",
                "attribute 'rotary_embedding_dim'");
  const bool chosen = has_input(call, 3);
  const Shape cache = chosen ? Shape{0, rotated / 2} : Shape{x[0], steps, rotated / 2};
  for (std::size_t i = 1; i < 3; ++i) {
    Shape have = call.inputs[i]->shape;
    if (chosen && have.size() == 2) have[0] = 0;
    if (have != cache)
      return fail(ErrorKind::bad_input, "a cache of shape " + model::shape_text(call.inputs[i]->shape), input_text(call.node, i));
  }
  if (chosen && (call.inputs[3]->dtype != DType::i64 || call.inputs[3]->shape != Shape{x[0], steps}))
    return fail(ErrorKind::bad_input, "not one position for every step", input_text(call.node, 3));

  Emitter e(call);
  const std::int64_t features = 3, head_axis = flat ? 2 : 1;
  const std::string input = flat ? e.reshape(e.input(0), {x[0], x[1], heads, depth}) : e.input(0);
  const std::string turned = rotated == depth ? input : e.slice(input, features, 0, rotated);
  Shape shape = flat ? Shape{x[0], x[1], heads, rotated} : Shape{x[0], x[1], x[2], rotated};
  // x c + x' s: x' has the partner of every feature, s the sign.
  const auto factors = [&](std::size_t i, float first_sign) {
    std::string f = e.input(i);
    if (chosen) f = e.op("Gather", {f, e.input(3)}, {{"axis", std::int64_t{0}}});
    f = e.unsqueeze(f, head_axis);
    const std::string first = first_sign == 1.0F ? f : e.mul(f, e.scalar(first_sign));
    if (interleaved == 0) return e.concat({first, f}, 3);
    Shape to = shape;
    to[static_cast<std::size_t>(head_axis)] = 1;
    return e.reshape(e.concat({e.unsqueeze(first, 4), e.unsqueeze(f, 4)}, 4), to);
  };
  std::string partner;
  if (interleaved == 0) {
    partner = e.concat({e.slice(turned, 3, rotated / 2, rotated), e.slice(turned, 3, 0, rotated / 2)}, 3);
  } else {
    Shape pairs = shape;
    pairs.back() = rotated / 2;
    pairs.push_back(2);
    const std::string split = e.reshape(turned, pairs);
    partner = e.reshape(e.concat({e.slice(split, 4, 1, 2), e.slice(split, 4, 0, 1)}, 4), shape);
  }
  std::string y = e.add(e.mul(turned, factors(1, 1)), e.mul(partner, factors(2, -1)));
  if (rotated != depth) y = e.concat({y, e.slice(input, features, rotated, depth)}, 3);
  if (flat) y = e.reshape(y, x);
  return e.finish({y});
}

}  // namespace dsperse::ops
