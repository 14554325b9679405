#include "bench/models.h"

#include <cmath>
#include <functional>
#include <random>
#include <utility>

namespace dsperse::bench {
namespace {

using model::DType;
using model::Graph;
using model::Node;
using model::Shape;
using model::Tensor;

/// Appends layers; `at` is the tensor that the next one reads, `shape` its shape (1, C, H, W) or (1, F).
class Net {
 public:
  Net(std::string name, Shape input, std::uint64_t seed) : rng_(seed), shape_(std::move(input)) {
    graph_.name = std::move(name);
    graph_.opset = 13;
    graph_.inputs.push_back({at_, DType::f32, shape_});
  }

  Net& conv(std::int64_t outputs, std::int64_t kernel, std::int64_t pad) {
    const std::string w = weight({outputs, shape_[1], kernel, kernel}, shape_[1] * kernel * kernel), b = weight({outputs}, 400);
    Node& n = node("Conv", {w, b});
    n.attributes["kernel_shape"] = std::vector<std::int64_t>{kernel, kernel};
    n.attributes["pads"] = std::vector<std::int64_t>(4, pad);
    shape_ = {1, outputs, shape_[2] + 2 * pad - kernel + 1, shape_[3] + 2 * pad - kernel + 1};
    return *this;
  }
  Net& relu() {
    node("Relu", {});
    return *this;
  }
  Net& pool(std::int64_t size) {
    Node& n = node("MaxPool", {});
    n.attributes["kernel_shape"] = std::vector<std::int64_t>{size, size};
    n.attributes["strides"] = std::vector<std::int64_t>{size, size};
    shape_ = {1, shape_[1], shape_[2] / size, shape_[3] / size};
    return *this;
  }
  Net& flatten() {
    node("Flatten", {});
    shape_ = {1, shape_[1] * shape_[2] * shape_[3]};
    return *this;
  }
  Net& dense(std::int64_t outputs) {
    const std::string w = weight({outputs, shape_[1]}, shape_[1]), b = weight({outputs}, 400);
    node("Gemm", {w, b}).attributes["transB"] = std::int64_t{1};
    shape_ = {1, outputs};
    return *this;
  }
  Graph done() {
    graph_.outputs.push_back({at_, DType::f32, shape_});
    return std::move(graph_);
  }

 private:
  /// He-normal: variance 2 / fan_in.
  std::string weight(Shape shape, std::int64_t fan_in) {
    std::normal_distribution<float> normal(0.0F, std::sqrt(2.0F / static_cast<float>(fan_in)));
    Tensor t{DType::f32, shape, {}, {}};
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    t.f.resize(static_cast<std::size_t>(n));
    for (float& x : t.f) x = normal(rng_);
    const std::string name = "w" + std::to_string(graph_.constants.size());
    graph_.constants.emplace(name, std::move(t));
    return name;
  }
  Node& node(const std::string& op, const std::vector<std::string>& extra) {
    Node n;
    n.name = op + std::to_string(graph_.nodes.size());
    n.op = op;
    n.inputs = {at_};
    n.inputs.insert(n.inputs.end(), extra.begin(), extra.end());
    at_ = "t" + std::to_string(graph_.nodes.size());
    n.outputs = {at_};
    graph_.nodes.push_back(std::move(n));
    return graph_.nodes.back();
  }

  std::mt19937_64 rng_;
  Graph graph_;
  std::string at_ = "image";
  Shape shape_;
};

Graph lenet5() {
  Net net("lenet5", {1, 1, 28, 28}, 1);
  net.conv(6, 5, 2).relu().pool(2).conv(16, 5, 0).relu().pool(2).flatten();
  return net.dense(120).relu().dense(84).relu().dense(10).done();
}

Graph doom() {
  Net net("doom", {1, 4, 28, 28}, 2);
  net.conv(16, 3, 1).relu().pool(2).conv(32, 3, 1).relu().pool(2).conv(32, 3, 1).relu().flatten();
  return net.dense(256).relu().dense(7).done();
}

/// VGG-16 for 32x32 images: 13 convolutions, one hidden dense layer of 512.
Graph vgg16_cifar() {
  Net net("vgg16_cifar", {1, 3, 32, 32}, 3);
  for (const auto& [channels, repeats] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    for (int i = 0; i < repeats; ++i) net.conv(channels, 3, 1).relu();
    net.pool(2);
  }
  return net.flatten().dense(512).relu().dense(512).relu().dense(10).done();
}

const std::vector<std::pair<std::string, std::function<Graph()>>>& models() {
  static const std::vector<std::pair<std::string, std::function<Graph()>>> list{
      {"lenet5", lenet5}, {"doom", doom}, {"vgg16_cifar", vgg16_cifar}};
  return list;
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : models()) names.push_back(name);
  return names;
}

Result<model::Graph> make_model(const std::string& name) {
  std::string all;
  for (const auto& [known, make] : models()) {
    if (known == name) return make();
    all += (all.empty() ? "" : ", ") + known;
  }
  return fail(ErrorKind::usage, "no benchmark model is called '" + name + "'", {}, "choose one of: " + all);
}

}  // namespace dsperse::bench
