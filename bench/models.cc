#include "bench/models.h"

#include <functional>
#include <optional>
#include <utility>

#include "bench/net.h"
#include "bench/transformers.h"

namespace dsperse::bench {
namespace {

using model::Graph;

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

struct Stage {
  std::int64_t channels;
  int repeats;
};
using Stages = std::vector<Stage>;
const Stages kVgg11{{64, 1}, {128, 1}, {256, 2}, {512, 2}, {512, 2}};
const Stages kVgg16{{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};

/// The two hidden dense layers have `hidden` values: 512 for CIFAR, 4096 for ImageNet.
Graph vgg(const std::string& name, std::int64_t size, std::uint64_t seed, const Stages& stages, std::int64_t hidden,
          std::int64_t classes) {
  Net net(name, {1, 3, size, size}, seed);
  for (const Stage& s : stages) {
    for (int i = 0; i < s.repeats; ++i) net.conv(s.channels, 3, 1).relu();
    net.pool(2);
  }
  return net.flatten().dense(hidden).relu().dense(hidden).relu().dense(classes).done();
}

/// The input itself, or a 1x1 convolution of it where the shape changes.
At shortcut_of(Net& net, std::int64_t channels, std::int64_t stride) {
  if (stride != 1 || net.at().shape[1] != channels) net.conv_plain(channels, {1, stride, 0}).batch_norm();
  return net.at();
}
/// The ReLU after the sum: a shortcut that is a ReLU's output is hardly cut.
float kept_of(const At& in, const At& shortcut) { return shortcut.name == in.name ? 0.9F : 0.5F; }

/// Two 3x3 convolutions beside a shortcut. The branch's last gain is small, as trained networks have it: the sum grows slowly
/// with depth.
void basic_block(Net& net, std::int64_t channels, std::int64_t stride) {
  const At in = net.at(), shortcut = shortcut_of(net, channels, stride);
  net.from(in).conv_plain(channels, {3, stride, 1}).batch_norm().relu();
  net.conv_plain(channels, {3, 1, 1}).batch_norm(0.5F).add(shortcut).relu(kept_of(in, shortcut));
}

/// 1x1, 3x3 (with the stride), 1x1 to four times the channels.
void bottleneck(Net& net, std::int64_t channels, std::int64_t stride) {
  const At in = net.at(), shortcut = shortcut_of(net, 4 * channels, stride);
  net.from(in).conv_plain(channels, {1, 1, 0}).batch_norm().relu().conv_plain(channels, {3, stride, 1}).batch_norm().relu();
  net.conv_plain(4 * channels, {1, 1, 0}).batch_norm(0.5F).add(shortcut).relu(kept_of(in, shortcut));
}

Graph resnet_224(const std::string& name, std::uint64_t seed, const std::vector<int>& repeats,
                 void (*block)(Net&, std::int64_t, std::int64_t)) {
  Net net(name, {1, 3, 224, 224}, seed);
  net.conv_plain(64, {7, 2, 3}).batch_norm().relu().max_pool({3, 2, 1});
  for (std::size_t s = 0; s < repeats.size(); ++s)
    for (int i = 0; i < repeats[s]; ++i) block(net, std::int64_t{64} << s, i == 0 && s > 0 ? 2 : 1);
  return net.global_average_pool().flatten().dense(1000).done();
}

Graph resnet_thin(const std::string& name, const model::Shape& input, std::uint64_t seed,
                  const std::vector<std::int64_t>& channels) {
  Net net(name, input, seed);
  net.conv_plain(channels.front(), {3, 1, 1}).batch_norm().relu();
  for (std::size_t s = 0; s < channels.size(); ++s) basic_block(net, channels[s], s == 0 ? 1 : 2);
  return net.global_average_pool().flatten().dense(10).done();
}

Graph mobilenetv1() {
  Net net("mobilenetv1_224", {1, 3, 224, 224}, 11);
  net.conv_plain(32, {3, 2, 1}).batch_norm().relu6();
  for (const auto& [outputs, stride] : std::vector<std::pair<std::int64_t, std::int64_t>>{{64, 1},
                                                                                          {128, 2},
                                                                                          {128, 1},
                                                                                          {256, 2},
                                                                                          {256, 1},
                                                                                          {512, 2},
                                                                                          {512, 1},
                                                                                          {512, 1},
                                                                                          {512, 1},
                                                                                          {512, 1},
                                                                                          {512, 1},
                                                                                          {1024, 2},
                                                                                          {1024, 1}}) {
    const std::int64_t inputs = net.at().shape[1];
    net.conv_plain(inputs, {3, stride, 1, inputs}).batch_norm().relu6();
    net.conv_plain(outputs, {1, 1, 0}).batch_norm().relu6();
  }
  return net.global_average_pool().flatten().dense(1000).done();
}

/// 1x1 to `expansion` times the channels, 3x3 depthwise, 1x1 without an activation, a shortcut where the shape stays.
void inverted_residual(Net& net, std::int64_t expansion, std::int64_t outputs, std::int64_t stride) {
  const At in = net.at();
  const std::int64_t inner = expansion * in.shape[1];
  if (expansion != 1) net.conv_plain(inner, {1, 1, 0}).batch_norm().relu6();
  net.conv_plain(inner, {3, stride, 1, inner}).batch_norm().relu6();
  const bool same = stride == 1 && in.shape[1] == outputs;
  net.conv_plain(outputs, {1, 1, 0}).batch_norm(same ? 0.5F : 1.0F);
  if (same) net.add(in);
}

Graph mobilenetv2() {
  struct Row {
    std::int64_t expansion, outputs;
    int repeats;
    std::int64_t stride;
  };
  Net net("mobilenetv2_224", {1, 3, 224, 224}, 12);
  net.conv_plain(32, {3, 2, 1}).batch_norm().relu6();
  for (const Row& r : std::vector<Row>{
           {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}})
    for (int i = 0; i < r.repeats; ++i) inverted_residual(net, r.expansion, r.outputs, i == 0 ? r.stride : 1);
  net.conv_plain(1280, {1, 1, 0}).batch_norm().relu6();
  return net.global_average_pool().flatten().dense(1000).done();
}

Graph mlp(const std::string& name, std::uint64_t seed, const std::vector<std::int64_t>& hidden) {
  Net net(name, {1, 784}, seed);
  for (const std::int64_t h : hidden) net.dense(h).relu();
  return net.dense(10).done();
}

/// Three levels down by max-pools, up by sub-pixel convolutions, the levels joined by Concat.
Graph unet_small() {
  Net net("unet_small", {1, 1, 64, 64}, 14);
  const auto level = [&](std::int64_t channels) {
    for (int i = 0; i < 2; ++i) net.conv_plain(channels, {3, 1, 1}).batch_norm().relu();
    return net.at();
  };
  std::vector<At> skips;
  for (const std::int64_t channels : {16, 32, 64}) {
    skips.push_back(level(channels));
    net.pool(2);
  }
  level(128);
  for (auto skip = skips.rbegin(); skip != skips.rend(); ++skip) {
    net.conv_plain(4 * skip->shape[1], {1, 1, 0}).batch_norm().pixel_shuffle().concat(*skip);
    level(skip->shape[1]);
  }
  return net.conv(2, 1, 0).done();
}

/// An image's pixels, each into 64 channels with a ReLU, and their means: about four lookups a value.
Graph lookups(int log) {
  const int values = log - 2, rows = (values - 6) / 2, columns = values - 6 - rows;
  Net net("lookups_" + std::to_string(log), {1, 1, std::int64_t{1} << rows, std::int64_t{1} << columns}, 20);
  return net.conv(64, 1, 0).relu().global_average_pool().flatten().done();
}

/// One dense layer.
Graph macs(int log) {
  Net net("macs_" + std::to_string(log), {1, std::int64_t{1} << (log - log / 2)}, 21);
  return net.dense(std::int64_t{1} << (log / 2)).done();
}

/// "PREFIX_N" for N in 12..24.
std::optional<int> curve_point(const std::string& name, const std::string& prefix) {
  for (int log = 12; log <= 24; ++log)
    if (name == prefix + "_" + std::to_string(log)) return log;
  return std::nullopt;
}

const std::vector<std::pair<std::string, std::function<Graph()>>>& models() {
  static const std::vector<std::pair<std::string, std::function<Graph()>>> list{
      {"mlp", [] { return mlp("mlp", 10, {128, 64}); }},
      {"lenet5", lenet5},
      {"doom", doom},
      {"resnet_small", [] { return resnet_thin("resnet_small", {1, 1, 16, 16}, 9, {4, 8}); }},
      {"resnet8_cifar", [] { return resnet_thin("resnet8_cifar", {1, 3, 32, 32}, 8, {16, 32, 64}); }},
      {"unet_small", unet_small},
      {"mlp_4m", [] { return mlp("mlp_4m", 13, {1536, 1536, 256}); }},
      {"vgg11_cifar", [] { return vgg("vgg11_cifar", 32, 4, kVgg11, 512, 10); }},
      {"vgg16_cifar", [] { return vgg("vgg16_cifar", 32, 3, kVgg16, 512, 10); }},
      {"mobilenetv1_224", mobilenetv1},
      {"mobilenetv2_224", mobilenetv2},
      {"resnet18_224", [] { return resnet_224("resnet18_224", 5, {2, 2, 2, 2}, basic_block); }},
      {"resnet50_224", [] { return resnet_224("resnet50_224", 6, {3, 4, 6, 3}, bottleneck); }},
      {"vgg11_224", [] { return vgg("vgg11_224", 224, 15, kVgg11, 4096, 1000); }},
      {"vgg16_224", [] { return vgg("vgg16_224", 224, 7, kVgg16, 4096, 1000); }},
      {"nanogpt", nanogpt},
      {"llama_small", [] { return llama_block("llama_small", 33, {16, 64, 4, 2, 176}); }},
      {"llama_block", [] { return llama_block("llama_block", 34, {64, 2048, 32, 4, 5632}); }},
      {"bert_base", bert_base},
      {"gpt2_16", [] { return gpt2(16); }},
      {"gpt2_64", [] { return gpt2(64); }},
  };
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
  if (const auto log = curve_point(name, "lookups")) return lookups(*log);
  if (const auto log = curve_point(name, "macs")) return macs(*log);
  return fail(ErrorKind::usage, "no benchmark model is called '" + name + "'", {},
              "choose one of: " + all + ", lookups_12 to lookups_24, macs_12 to macs_24");
}

}  // namespace dsperse::bench
