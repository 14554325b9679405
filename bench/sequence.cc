#include "bench/sequence.h"

#include <cmath>
#include <limits>
#include <utility>

namespace dsperse::bench {

using model::DType;
using model::Shape;
using Ints = std::vector<std::int64_t>;

namespace {
constexpr float kHidden = -1e4F;  // as far below any score as float needs, and what other importers take
constexpr float kEpsilon = 1e-5F;
}  // namespace

Sequence::Sequence(std::string name, std::int64_t tokens, std::int64_t width, std::uint64_t seed)
    : Net(std::move(name), {"embeddings", {1, tokens, width}}, DType::f32, 17, seed), tokens_(tokens) {}

Sequence Sequence::of_tokens(std::string name, std::int64_t tokens, std::int64_t vocabulary, std::int64_t width,
                             std::uint64_t seed) {
  Sequence s(std::move(name), tokens, width, seed);
  s.graph_.inputs = {{"tokens", DType::i64, {1, tokens}}};
  s.table_ = s.normal({vocabulary, width}, 0, 0.25F);
  s.node_of("Gather", {s.table_, "tokens"}, {1, tokens, width});
  return s;
}

Sequence& Sequence::positions() {
  node("Add", {normal({tokens_, at_.shape[2]}, 0, 0.1F)}, at_.shape);
  return *this;
}

Sequence& Sequence::layer_norm() {
  const Shape width{at_.shape[2]};
  const std::string gamma = uniform(width, 0.8F, 1.2F), beta = normal(width, 0, 0.1F);
  model::Node& n = node("LayerNormalization", {gamma, beta}, at_.shape);
  n.attributes["axis"] = std::int64_t{-1};
  n.attributes["epsilon"] = kEpsilon;
  at_.power = 1;
  return *this;
}

Sequence& Sequence::rms_norm() {
  const At x = at_;
  node("Pow", {scalar(2)}, x.shape);
  node("ReduceMean", {}, {1, tokens_, 1}).attributes["axes"] = Ints{-1};
  node("Add", {scalar(kEpsilon)}, at_.shape);
  node("Sqrt", {}, at_.shape);
  node("Reciprocal", {}, at_.shape);
  node_of("Mul", {x.name, at_.name}, x.shape);
  const std::string weight = uniform({x.shape[2]}, 0.8F, 1.2F);
  node_of("Mul", {weight, at_.name}, x.shape);
  at_.power = 1;
  return *this;
}

Sequence& Sequence::linear(std::int64_t outputs, bool bias, float gain) {
  const std::int64_t inputs = at_.shape[2];
  node("MatMul", {normal({inputs, outputs}, 0, gain / std::sqrt(static_cast<float>(inputs)))}, {1, tokens_, outputs});
  if (bias) node_of("Add", {normal({outputs}, 0, 0.05F * gain), at_.name}, at_.shape);
  at_.power *= gain * gain;
  return *this;
}

Sequence& Sequence::gemm(std::int64_t outputs, float gain) {
  const std::int64_t inputs = at_.shape[2];
  node("Reshape", {ints({-1, inputs})}, {tokens_, inputs});
  const std::string w = normal({inputs, outputs}, 0, gain / std::sqrt(static_cast<float>(inputs)));
  node("Gemm", {w, normal({outputs}, 0, 0.05F * gain)}, {tokens_, outputs});
  node("Reshape", {ints({1, tokens_, outputs})}, {1, tokens_, outputs});
  at_.power *= gain * gain;
  return *this;
}

Sequence& Sequence::gelu() {
  const At x = at_;
  node("Div", {scalar(std::sqrt(2.0F))}, x.shape);
  node("Erf", {}, x.shape);
  node("Add", {scalar(1)}, x.shape);
  node_of("Mul", {x.name, at_.name}, x.shape);
  node("Mul", {scalar(0.5F)}, x.shape);
  at_.power = x.power * 0.43F;  // of a standard normal
  return *this;
}

Sequence& Sequence::gelu_tanh() {
  const At x = at_;
  node("Pow", {scalar(3)}, x.shape);
  node("Mul", {scalar(0.044715F)}, x.shape);
  node_of("Add", {x.name, at_.name}, x.shape);
  node("Mul", {scalar(std::sqrt(2.0F / 3.14159265F))}, x.shape);
  node("Tanh", {}, x.shape);
  node("Add", {scalar(1)}, x.shape);
  const At grown = at_;
  back_to(x);
  node("Mul", {scalar(0.5F)}, x.shape);
  node("Mul", {grown.name}, x.shape);
  at_.power = x.power * 0.43F;
  return *this;
}

Sequence& Sequence::silu() {
  const At x = at_;
  node("Sigmoid", {}, x.shape);
  node_of("Mul", {x.name, at_.name}, x.shape);
  at_.power = x.power * 0.36F;  // of a standard normal
  return *this;
}

Sequence& Sequence::attend(const At& q, const At& k, const At& v, const Attention& how) {
  const std::int64_t heads = how.heads, width = q.shape[2] / heads;
  const auto ready = [&](const At& x, bool turned) -> At {
    const std::int64_t own = x.shape[2] / width;
    heads_of(x, own, width);
    if (turned && how.rotary) rotate(width);
    if (own != heads) repeat_heads(heads / own);
    return at_;
  };
  const At queries = ready(q, true), keys = ready(k, true), values = ready(v, false);
  back_to(keys).transpose({0, 1, 3, 2});
  node_of("MatMul", {queries.name, at_.name}, {1, heads, tokens_, tokens_});
  node("Mul", {scalar(1 / std::sqrt(static_cast<float>(width)))}, at_.shape);
  if (how.select)
    node_of("Where", {how.mask, at_.name, scalar(kHidden)}, at_.shape);
  else
    node("Add", {how.mask}, at_.shape);
  node("Softmax", {}, at_.shape).attributes["axis"] = std::int64_t{-1};
  node("MatMul", {values.name}, {1, heads, tokens_, width});
  transpose({0, 2, 1, 3});
  node("Reshape", {ints({1, tokens_, heads * width})}, {1, tokens_, heads * width});
  at_.power = v.power / 8;  // a mean of the tokens that are seen, about
  return *this;
}

std::vector<At> Sequence::thirds() {
  const std::int64_t width = at_.shape[2] / 3;
  const float power = at_.power;
  model::Node& n = node("Split", {ints({width, width, width})}, {1, tokens_, width});
  n.attributes["axis"] = std::int64_t{2};
  std::vector<At> parts{at_};
  for (const char* suffix : {"_k", "_v"}) {
    n.outputs.push_back(at_.name + suffix);
    parts.push_back({at_.name + suffix, at_.shape, power});
  }
  return parts;
}

Sequence& Sequence::times(const At& other) {
  const float power = at_.power * other.power;
  node("Mul", {other.name}, at_.shape);
  at_.power = power;
  return *this;
}

Sequence& Sequence::plus(const At& other) {
  add(other);
  return *this;
}

Sequence& Sequence::back_to(const At& other) {
  from(other);
  return *this;
}

Sequence& Sequence::logits(std::int64_t vocabulary) {
  const std::int64_t width = at_.shape[2];
  const At x = at_;
  const std::string table = table_.empty() ? normal({vocabulary, width}, 0, 1 / std::sqrt(static_cast<float>(width))) : table_;
  node_of("Transpose", {table}, {width, vocabulary}).attributes["perm"] = Ints{1, 0};
  node_of("MatMul", {x.name, at_.name}, {1, tokens_, vocabulary});
  return *this;
}

std::string Sequence::causal_select() {
  model::Tensor t{DType::boolean, {1, 1, tokens_, tokens_}, {}, {}};
  for (std::int64_t i = 0; i < tokens_; ++i)
    for (std::int64_t j = 0; j < tokens_; ++j) t.i.push_back(j <= i ? 1 : 0);
  return constant(std::move(t));
}

std::string Sequence::causal_add() {
  model::Tensor t{DType::f32, {1, 1, tokens_, tokens_}, {}, {}};
  for (std::int64_t i = 0; i < tokens_; ++i)
    for (std::int64_t j = 0; j < tokens_; ++j) t.f.push_back(j <= i ? 0 : kHidden);
  return constant(std::move(t));
}

std::string Sequence::padding_add(std::int64_t length) {
  model::Tensor t{DType::f32, {1, 1, 1, tokens_}, {}, {}};
  for (std::int64_t j = 0; j < tokens_; ++j) t.f.push_back(j < length ? 0 : kHidden);
  return constant(std::move(t));
}

std::string Sequence::scalar(float value) { return constant({DType::f32, {}, {value}, {}}); }

std::string Sequence::ints(Ints values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return constant({DType::i64, {n}, {}, std::move(values)});
}

Sequence& Sequence::transpose(const Ints& perm) {
  Shape to;
  for (const std::int64_t p : perm) to.push_back(at_.shape[static_cast<std::size_t>(p)]);
  node("Transpose", {}, std::move(to)).attributes["perm"] = perm;
  return *this;
}

Sequence& Sequence::heads_of(const At& x, std::int64_t heads, std::int64_t width) {
  back_to(x);
  node("Reshape", {ints({1, tokens_, heads, width})}, {1, tokens_, heads, width});
  return transpose({0, 2, 1, 3});
}

Sequence& Sequence::rotate(std::int64_t width) {
  const At x = at_;
  const std::int64_t half = width / 2;
  model::Tensor cosine{DType::f32, {1, 1, tokens_, width}, {}, {}}, sine = cosine;
  for (std::int64_t t = 0; t < tokens_; ++t)
    for (std::int64_t i = 0; i < width; ++i) {
      const double turn = static_cast<double>(t) * std::pow(10000.0, -static_cast<double>(i % half) / static_cast<double>(half));
      cosine.f.push_back(static_cast<float>(std::cos(turn)));
      sine.f.push_back(static_cast<float>(std::sin(turn)));
    }
  const std::string c = constant(std::move(cosine)), s = constant(std::move(sine)), axis = ints({3});
  const Shape halved{x.shape[0], x.shape[1], x.shape[2], half};
  node("Mul", {c}, x.shape);
  const At straight = at_;
  back_to(x);
  node("Slice", {ints({0}), ints({half}), axis}, halved);
  const At low = at_;
  back_to(x);
  node("Slice", {ints({half}), ints({std::numeric_limits<std::int64_t>::max()}), axis}, halved);
  node("Neg", {}, halved);
  node("Concat", {low.name}, x.shape).attributes["axis"] = std::int64_t{-1};
  node("Mul", {s}, x.shape);
  node_of("Add", {straight.name, at_.name}, x.shape);
  at_.power = x.power;
  return *this;
}

Sequence& Sequence::repeat_heads(std::int64_t times) {
  const std::int64_t heads = at_.shape[1], width = at_.shape[3];
  node("Unsqueeze", {ints({2})}, {1, heads, 1, tokens_, width});
  node("Expand", {ints({1, heads, times, tokens_, width})}, {1, heads, times, tokens_, width});
  node("Reshape", {ints({1, heads * times, tokens_, width})}, {1, heads * times, tokens_, width});
  return *this;
}

}  // namespace dsperse::bench
