// Fusion of linear operators with what follows or precedes them; see passes.h.
//
// All that multiplies or shifts an output channel by a constant (BatchNormalization, Add, Sub, Mul, Div) is one affine map
// y = scale x + shift, computed in double and rounded once into weights and bias.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "dsperse/model/passes.h"

namespace dsperse::model {

namespace {

struct Affine {
  std::size_t data = 0;              ///< which input of the node is x
  std::vector<double> scale, shift;  ///< one entry per channel
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), removed_(graph.nodes.size(), false) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const std::string& name : graph.nodes[i].outputs) producer_[name] = i;
      for (const std::string& name : graph.nodes[i].inputs) ++uses_[name];
    }
    for (const Port& port : graph.outputs) ++uses_[port.name];
  }

  Status run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      DSPERSE_TRY(const bool no_op, drop_zero_pad(i));
      if (no_op) continue;
      if (graph_.nodes[i].op == "Conv") DSPERSE_CHECK_OK(take_pad(i));
      DSPERSE_CHECK_OK(take_affine(i));
    }
    std::vector<Node> kept;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!removed_[i]) kept.push_back(std::move(graph_.nodes[i]));
    graph_.nodes = std::move(kept);
    return {};
  }

 private:
  const Tensor* constant(const Node& node, std::size_t i) const {
    if (i >= node.inputs.size()) return nullptr;
    const auto it = graph_.constants.find(node.inputs[i]);
    return it == graph_.constants.end() ? nullptr : &it->second;
  }

  const Shape* shape(const std::string& name) const {
    const auto it = graph_.values.find(name);
    return it == graph_.values.end() ? nullptr : &it->second.shape;
  }

  /// The node that makes `name`, if it is the only user's and no graph output.
  std::optional<std::size_t> sole_producer(const std::string& name) const {
    const auto it = producer_.find(name);
    if (it == producer_.end() || uses_.at(name) != 1) return std::nullopt;
    return it->second;
  }

  /// A constant under a name not yet taken.
  std::string add_constant(const std::string& base, Tensor tensor) {
    std::string name = base;
    for (int i = 1; graph_.values.contains(name) || graph_.constants.contains(name); ++i) name = base + "." + std::to_string(i);
    graph_.values[name] = {name, tensor.dtype, tensor.shape};
    graph_.constants.emplace(name, std::move(tensor));
    return name;
  }

  /// Node `last` disappears into `first`, which now makes its output.
  void join(std::size_t first, std::size_t last) {
    Node& node = graph_.nodes[first];
    node.name += "+" + graph_.nodes[last].name;
    graph_.values.erase(node.outputs[0]);
    node.outputs = {graph_.nodes[last].outputs[0]};
    producer_[node.outputs[0]] = first;
    removed_[last] = true;
  }

  /// c as one value per channel, if it repeats along all axes but `axis` of a tensor of rank `rank`.
  static std::optional<std::vector<double>> per_channel(const Tensor& c, std::size_t rank, std::size_t axis,
                                                        std::int64_t channels) {
    if (c.dtype != DType::f32 || c.shape.size() > rank) return std::nullopt;
    const std::size_t skip = rank - c.shape.size();
    for (std::size_t i = 0; i < c.shape.size(); ++i)
      if (c.shape[i] != 1 && (skip + i != axis || c.shape[i] != channels)) return std::nullopt;
    std::vector<double> out(static_cast<std::size_t>(channels), c.f.empty() ? 0 : static_cast<double>(c.f[0]));
    if (c.f.size() == out.size()) out.assign(c.f.begin(), c.f.end());
    return out;
  }

  /// Node i as an affine map along `axis` of its data input of rank `rank`.
  Result<std::optional<Affine>> affine_of(std::size_t i, std::size_t rank, std::size_t axis, std::int64_t channels) const {
    const Node& node = graph_.nodes[i];
    const auto n = static_cast<std::size_t>(channels);
    Affine out{0, std::vector<double>(n, 1), std::vector<double>(n, 0)};
    if (node.op == "BatchNormalization") {
      if (axis != 1) return std::nullopt;
      DSPERSE_TRY(const float epsilon, node.float_or("epsilon", 1e-5F));
      std::array<const Tensor*, 4> p{};
      for (std::size_t k = 0; k < 4; ++k) {
        p[k] = constant(node, k + 1);
        if (p[k] == nullptr || p[k]->f.size() != n) return std::nullopt;
      }
      for (std::size_t c = 0; c < n; ++c) {
        out.scale[c] =
            static_cast<double>(p[0]->f[c]) / std::sqrt(static_cast<double>(p[3]->f[c]) + static_cast<double>(epsilon));
        out.shift[c] = static_cast<double>(p[1]->f[c]) - static_cast<double>(p[2]->f[c]) * out.scale[c];
      }
      return out;
    }
    const bool add = node.op == "Add", sub = node.op == "Sub", mul = node.op == "Mul", div = node.op == "Div";
    if (!(add || sub || mul || div) || node.inputs.size() != 2) return std::nullopt;
    out.data = constant(node, 0) != nullptr ? 1 : 0;
    const Tensor* c = constant(node, 1 - out.data);
    if (c == nullptr || (div && out.data == 1)) return std::nullopt;
    const auto values = per_channel(*c, rank, axis, channels);
    if (!values) return std::nullopt;
    for (std::size_t k = 0; k < n; ++k) {
      const double v = (*values)[k];
      if (add) out.shift[k] = v;
      if (sub) out.shift[k] = out.data == 0 ? -v : v;
      if (sub && out.data == 1) out.scale[k] = -1;
      if (mul) out.scale[k] = v;
      if (div) out.scale[k] = 1 / v;
    }
    return out;
  }

  /// Joins an affine node i to the Conv, Gemm or MatMul whose output it alone reads.
  Status take_affine(std::size_t i) {
    const Node& node = graph_.nodes[i];
    for (const std::string& name : node.inputs) {
      const auto p = sole_producer(name);
      const Shape* out = shape(name);
      if (!p || out == nullptr || out->size() < 2) continue;
      Node& linear = graph_.nodes[*p];
      const bool conv = linear.op == "Conv" || linear.op == "ConvTranspose";
      if (!conv && linear.op != "Gemm" && linear.op != "MatMul") continue;
      const std::size_t axis = conv ? 1 : out->size() - 1;
      DSPERSE_TRY(const auto affine, affine_of(i, out->size(), axis, (*out)[axis]));
      const Shape* result = shape(node.outputs[0]);
      if (!affine || node.inputs[affine->data] != name || result == nullptr || *result != *out) continue;
      DSPERSE_TRY(const bool done, fold_affine(linear, *affine, (*out)[axis]));
      if (done) join(*p, i);
      return {};
    }
    return {};
  }

  /// Weights and bias of a linear node absorb the map; false if they are not constants of a form that can.
  Result<bool> fold_affine(Node& linear, const Affine& affine, std::int64_t channels) {
    const Tensor* w = constant(linear, 1);
    const Tensor* bias = constant(linear, 2);
    const bool has_bias = linear.inputs.size() > 2 && !linear.inputs[2].empty();
    if (w == nullptr || (has_bias && bias == nullptr)) return false;
    if (linear.op == "MatMul" && (w->shape.size() != 2 || shape(linear.inputs[0])->size() < 2)) return false;
    DSPERSE_TRY(const std::int64_t trans_b, linear.int_or("transB", 0));
    DSPERSE_TRY(const float beta, linear.float_or("beta", 1));
    const bool turned = linear.op == "ConvTranspose", gemm = linear.op != "Conv" && !turned;
    std::vector<double> shift(static_cast<std::size_t>(channels), 0);
    if (has_bias) {
      const auto values = per_channel(*bias, gemm ? 2 : 1, gemm ? 1 : 0, channels);
      if (!values) return false;
      shift = *values;
    }
    for (std::size_t c = 0; c < shift.size(); ++c)
      shift[c] = shift[c] * static_cast<double>(beta) * affine.scale[c] + affine.shift[c];

    // Channels are rows of w, but columns of an untransposed matrix; (C, O / group, taps) of a transposed convolution.
    Tensor weights = *w;
    const bool columns = gemm && trans_b == 0;
    const std::size_t n = shift.size(), row = n == 0 ? 0 : weights.f.size() / n;
    DSPERSE_TRY(const std::int64_t group, linear.int_or("group", 1));
    if (turned && (group < 1 || weights.shape.size() < 3 || weights.shape[0] % group != 0 || weights.shape[0] < 1 ||
                   weights.shape[1] * group != channels))
      return false;
    const auto channel = [&](std::size_t k) {
      if (!turned) return columns ? k % n : k / row;
      const std::size_t each = n / static_cast<std::size_t>(group), inputs = static_cast<std::size_t>(weights.shape[0]);
      const std::size_t taps = weights.f.size() / (inputs * each), c = k / (taps * each);
      return c / (inputs / static_cast<std::size_t>(group)) * each + k / taps % each;
    };
    for (std::size_t k = 0; k < weights.f.size(); ++k)
      weights.f[k] = static_cast<float>(static_cast<double>(weights.f[k]) * affine.scale[channel(k)]);
    Tensor sums = float_tensor({channels}, std::vector<float>(shift.begin(), shift.end()));
    for (const Tensor* t : {&weights, &sums})
      if (!std::ranges::all_of(t->f, [](float v) { return std::isfinite(v); }))
        return fail(ErrorKind::bad_input, "folding a normalization or scale gives NaN or infinite weights", node_text(linear));

    if (std::ranges::any_of(affine.scale, [](double s) { return s != 1; }))
      linear.inputs[1] = add_constant(linear.inputs[1] + ".scaled", std::move(weights));
    const std::string base = has_bias ? linear.inputs[2] + ".scaled" : linear.name + ".bias";
    linear.inputs.resize(3);
    linear.inputs[2] = add_constant(base, std::move(sums));
    linear.attributes.erase("beta");
    if (linear.op == "MatMul") linear.op = "Gemm";
    return true;
  }

  struct ZeroPad {
    std::vector<std::int64_t> begin, end;
  };
  /// Node i as a Pad with zeros whose amounts are known and not negative.
  Result<std::optional<ZeroPad>> zero_pad(std::size_t i) const {
    const Node& node = graph_.nodes[i];
    if (node.op != "Pad") return std::nullopt;
    const Shape* x = shape(node.inputs[0]);
    DSPERSE_TRY(const std::string mode, node.string_or("mode", "constant"));
    if (x == nullptr || mode != "constant") return std::nullopt;
    const std::size_t rank = x->size();
    std::vector<std::int64_t> amounts, axes;
    if (graph_.opset < 11) {
      DSPERSE_TRY(const float value, node.float_or("value", 0));
      if (value != 0.0F) return std::nullopt;
      DSPERSE_TRY(amounts, node.ints_or("pads", {}));
    } else {
      const Tensor *pads = constant(node, 1), *value = constant(node, 2), *given = constant(node, 3);
      const auto open = [&](std::size_t k, const Tensor* t) {
        return node.inputs.size() > k && !node.inputs[k].empty() && t == nullptr;
      };
      if (pads == nullptr || open(2, value) || open(3, given)) return std::nullopt;
      if (value != nullptr && (value->f.size() != 1 || value->f[0] != 0.0F)) return std::nullopt;
      amounts = pads->i;
      if (given != nullptr) axes = given->i;
    }
    if (axes.empty())
      for (std::size_t k = 0; k < rank; ++k) axes.push_back(static_cast<std::int64_t>(k));
    if (amounts.size() != 2 * axes.size() || std::ranges::any_of(amounts, [](std::int64_t v) { return v < 0; }))
      return std::nullopt;
    ZeroPad out{std::vector<std::int64_t>(rank, 0), std::vector<std::int64_t>(rank, 0)};
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const auto axis = static_cast<std::size_t>(axes[k] < 0 ? axes[k] + static_cast<std::int64_t>(rank) : axes[k]);
      if (axis >= rank) return std::nullopt;
      out.begin[axis] = amounts[k];
      out.end[axis] = amounts[axes.size() + k];
    }
    return out;
  }

  /// A Pad by nothing becomes an Identity (which remove_dead drops).
  Result<bool> drop_zero_pad(std::size_t i) {
    if (graph_.nodes[i].op != "Pad") return false;
    const Shape *x = shape(graph_.nodes[i].inputs[0]), *y = shape(graph_.nodes[i].outputs[0]);
    DSPERSE_TRY(const auto pad, zero_pad(i));
    if (!pad || x == nullptr || y == nullptr || *x != *y) return false;
    Node& node = graph_.nodes[i];
    node.op = "Identity";
    node.inputs.resize(1);
    node.attributes.clear();
    return true;
  }

  /// A Conv takes over the zeros that a Pad before it puts around its spatial axes.
  Status take_pad(std::size_t i) {
    Node& conv = graph_.nodes[i];
    const auto p = sole_producer(conv.inputs[0]);
    if (!p) return {};
    DSPERSE_TRY(const auto pad, zero_pad(*p));
    DSPERSE_TRY(const std::string auto_pad, conv.string_or("auto_pad", "NOTSET"));
    if (!pad || (auto_pad != "NOTSET" && auto_pad != "VALID")) return {};
    const std::size_t n = pad->begin.size() < 2 ? 0 : pad->begin.size() - 2;
    if (n == 0 || pad->begin[0] + pad->begin[1] + pad->end[0] + pad->end[1] != 0) return {};
    DSPERSE_TRY(std::vector<std::int64_t> pads, conv.ints_or("pads", std::vector<std::int64_t>(2 * n, 0)));
    if (auto_pad == "VALID") pads.assign(2 * n, 0);
    if (pads.size() != 2 * n) return {};
    for (std::size_t k = 0; k < n; ++k) {
      pads[k] += pad->begin[k + 2];
      pads[n + k] += pad->end[k + 2];
    }
    conv.attributes["pads"] = pads;
    conv.attributes.erase("auto_pad");
    graph_.values.erase(conv.inputs[0]);
    conv.inputs[0] = graph_.nodes[*p].inputs[0];
    conv.name = graph_.nodes[*p].name + "+" + conv.name;
    removed_[*p] = true;
    return {};
  }

  Graph& graph_;
  std::vector<bool> removed_;
  std::map<std::string, std::size_t> producer_;
  std::map<std::string, int> uses_;
};

}  // namespace

Status fuse(Graph& graph) { return Fuser(graph).run(); }

}  // namespace dsperse::model
