// A network written layer by layer, as exporters write them: He-normal weights from a seed, batch normalization with running
// statistics near the true ones, so that values keep their size through fifty layers.
//
// The mean square of the values is tracked (`power`): a layer's spread is known without running it. Not here: the networks
// (models.h). Tested by bench/models_test.cc.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "dsperse/model/graph.h"

namespace dsperse::bench {

/// A tensor of the network: shape (1, C, H, W), (1, F) or (1, T, D), mean square about `power`.
struct At {
  std::string name;
  model::Shape shape;
  float power = 1;
};

struct Window {
  std::int64_t kernel = 3, stride = 1, pad = 1, groups = 1;
};

/// Appends layers; every layer reads `at()` and becomes it. Weights are drawn in the order of the layers.
class Net {
 public:
  Net(std::string name, model::Shape input, std::uint64_t seed);
  /// An input of another name.
  Net(std::string name, At input, model::DType dtype, std::int64_t opset, std::uint64_t seed);

  /// With a bias; variance 2 / fan-in.
  Net& conv(std::int64_t outputs, std::int64_t kernel, std::int64_t pad);
  /// Without a bias, as before a batch normalization.
  Net& conv_plain(std::int64_t outputs, const Window& window);
  /// gamma near `gain`, beta near 0, statistics within 20 % of the true ones.
  Net& batch_norm(float gain = 1);
  /// `kept`: the part of the mean square that is positive, a half where the values lie evenly around zero.
  Net& relu(float kept = 0.5F);
  /// Clip to [0, 6].
  Net& relu6();
  Net& max_pool(const Window& window);
  Net& pool(std::int64_t size) { return max_pool({size, size, 0}); }
  Net& global_average_pool();
  Net& flatten();
  Net& dense(std::int64_t outputs);
  Net& add(const At& other);
  /// Along the channels.
  Net& concat(const At& other);
  /// Depth to space, the upsampling of sub-pixel convolutions: (1, 4 C, H, W) -> (1, C, 2 H, 2 W), as Reshape, Transpose,
  /// Reshape.
  Net& pixel_shuffle();

  const At& at() const { return at_; }
  /// The next layer reads `other`, an earlier at().
  Net& from(const At& other);
  model::Graph done();

 protected:
  std::string constant(model::Tensor tensor);
  std::string normal(const model::Shape& shape, float mean, float deviation);
  std::string uniform(const model::Shape& shape, float low, float high);
  /// Appends an operator on at() and `extra`; its output becomes at().
  model::Node& node(const std::string& op, const std::vector<std::string>& extra, model::Shape shape);
  /// The same on these inputs alone.
  model::Node& node_of(const std::string& op, const std::vector<std::string>& inputs, model::Shape shape);
  void reshape(model::Shape shape);

  std::mt19937_64 rng_;
  model::Graph graph_;
  At at_;
};

}  // namespace dsperse::bench
