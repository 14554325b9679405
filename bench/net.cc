#include "bench/net.h"

#include <cmath>
#include <utility>

namespace dsperse::bench {

using model::DType;
using model::Node;
using model::Shape;
using model::Tensor;

namespace {
std::int64_t count(const Shape& shape) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) n *= d;
  return n;
}
Shape windowed(const Shape& in, std::int64_t channels, const Window& w) {
  return {1, channels, (in[2] + 2 * w.pad - w.kernel) / w.stride + 1, (in[3] + 2 * w.pad - w.kernel) / w.stride + 1};
}
void set_window(Node& n, const Window& w) {
  n.attributes["kernel_shape"] = std::vector<std::int64_t>{w.kernel, w.kernel};
  n.attributes["strides"] = std::vector<std::int64_t>{w.stride, w.stride};
  n.attributes["pads"] = std::vector<std::int64_t>(4, w.pad);
  if (w.groups != 1) n.attributes["group"] = w.groups;
}
}  // namespace

Net::Net(std::string name, Shape input, std::uint64_t seed)
    : Net(std::move(name), {"image", std::move(input)}, DType::f32, 13, seed) {}

Net::Net(std::string name, At input, DType dtype, std::int64_t opset, std::uint64_t seed) : rng_(seed), at_(std::move(input)) {
  graph_.name = std::move(name);
  graph_.opset = opset;
  graph_.inputs.push_back({at_.name, dtype, at_.shape});
}

Net& Net::conv(std::int64_t outputs, std::int64_t kernel, std::int64_t pad) {
  const Window window{kernel, 1, pad};
  const std::int64_t fan_in = at_.shape[1] * kernel * kernel;
  const std::string w = normal({outputs, at_.shape[1], kernel, kernel}, 0, std::sqrt(2.0F / static_cast<float>(fan_in)));
  const std::string b = normal({outputs}, 0, std::sqrt(2.0F / 400));
  set_window(node("Conv", {w, b}, windowed(at_.shape, outputs, window)), window);
  at_.power *= 2;
  return *this;
}

Net& Net::conv_plain(std::int64_t outputs, const Window& window) {
  const std::int64_t inner = at_.shape[1] / window.groups, fan_in = inner * window.kernel * window.kernel;
  const std::string w = normal({outputs, inner, window.kernel, window.kernel}, 0, std::sqrt(2.0F / static_cast<float>(fan_in)));
  set_window(node("Conv", {w}, windowed(at_.shape, outputs, window)), window);
  at_.power *= 2;
  return *this;
}

Net& Net::batch_norm(float gain) {
  const Shape channels{at_.shape[1]};
  const float deviation = std::sqrt(at_.power);
  const std::string gamma = uniform(channels, 0.8F * gain, 1.2F * gain), beta = normal(channels, 0, 0.1F * gain);
  const std::string mean = normal(channels, 0, 0.1F * deviation),
                    variance = uniform(channels, 0.8F * at_.power, 1.2F * at_.power);
  node("BatchNormalization", {gamma, beta, mean, variance}, at_.shape).attributes["epsilon"] = 1e-5F;
  at_.power = gain * gain;
  return *this;
}

Net& Net::relu(float kept) {
  node("Relu", {}, at_.shape);
  at_.power *= kept;
  return *this;
}

Net& Net::relu6() {
  const std::string low = constant({DType::f32, {}, {0.0F}, {}}), high = constant({DType::f32, {}, {6.0F}, {}});
  node("Clip", {low, high}, at_.shape);
  at_.power /= 2;
  return *this;
}

Net& Net::max_pool(const Window& window) {
  set_window(node("MaxPool", {}, windowed(at_.shape, at_.shape[1], window)), window);
  return *this;
}

Net& Net::global_average_pool() {
  node("GlobalAveragePool", {}, {1, at_.shape[1], 1, 1});
  return *this;
}

Net& Net::flatten() {
  node("Flatten", {}, {1, count(at_.shape)});
  return *this;
}

Net& Net::dense(std::int64_t outputs) {
  const std::int64_t inputs = at_.shape[1];
  const std::string w = normal({outputs, inputs}, 0, std::sqrt(2.0F / static_cast<float>(inputs)));
  const std::string b = normal({outputs}, 0, std::sqrt(2.0F / 400));
  node("Gemm", {w, b}, {1, outputs}).attributes["transB"] = std::int64_t{1};
  at_.power *= 2;
  return *this;
}

Net& Net::add(const At& other) {
  const float power = at_.power + other.power;
  node("Add", {other.name}, at_.shape);
  at_.power = power;
  return *this;
}

Net& Net::concat(const At& other) {
  const float power = (at_.power + other.power) / 2;
  node("Concat", {other.name}, {1, at_.shape[1] + other.shape[1], at_.shape[2], at_.shape[3]}).attributes["axis"] =
      std::int64_t{1};
  at_.power = power;
  return *this;
}

Net& Net::pixel_shuffle() {
  const std::int64_t c = at_.shape[1] / 4, h = at_.shape[2], w = at_.shape[3];
  reshape({1, c, 2, 2, h, w});
  node("Transpose", {}, {1, c, h, 2, w, 2}).attributes["perm"] = std::vector<std::int64_t>{0, 1, 4, 2, 5, 3};
  reshape({1, c, 2 * h, 2 * w});
  return *this;
}

Net& Net::from(const At& other) {
  at_ = other;
  return *this;
}

model::Graph Net::done() {
  graph_.outputs.push_back({at_.name, DType::f32, at_.shape});
  return std::move(graph_);
}

std::string Net::constant(Tensor tensor) {
  std::string name = "w" + std::to_string(graph_.constants.size());
  graph_.constants.emplace(name, std::move(tensor));
  return name;
}

std::string Net::normal(const Shape& shape, float mean, float deviation) {
  std::normal_distribution<float> draw(mean, deviation);
  Tensor t{DType::f32, shape, std::vector<float>(static_cast<std::size_t>(count(shape))), {}};
  for (float& x : t.f) x = draw(rng_);
  return constant(std::move(t));
}

std::string Net::uniform(const Shape& shape, float low, float high) {
  std::uniform_real_distribution<float> draw(low, high);
  Tensor t{DType::f32, shape, std::vector<float>(static_cast<std::size_t>(count(shape))), {}};
  for (float& x : t.f) x = draw(rng_);
  return constant(std::move(t));
}

Node& Net::node(const std::string& op, const std::vector<std::string>& extra, Shape shape) {
  std::vector<std::string> inputs{at_.name};
  inputs.insert(inputs.end(), extra.begin(), extra.end());
  return node_of(op, inputs, std::move(shape));
}

Node& Net::node_of(const std::string& op, const std::vector<std::string>& inputs, Shape shape) {
  Node n;
  n.name = op + std::to_string(graph_.nodes.size());
  n.op = op;
  n.inputs = inputs;
  at_.name = "t" + std::to_string(graph_.nodes.size());
  at_.shape = std::move(shape);
  n.outputs = {at_.name};
  graph_.nodes.push_back(std::move(n));
  return graph_.nodes.back();
}

void Net::reshape(Shape shape) {
  const std::string to = constant({DType::i64, {static_cast<std::int64_t>(shape.size())}, {}, shape});
  node("Reshape", {to}, std::move(shape));
}

}  // namespace dsperse::bench
