// ConvTranspose as a convolution: output position q s + r reads phase r of the kernel, so that one convolution of stride 1 with
// s times as many channels makes all phases, which are then laid side by side.
#include "dsperse/ops/linear/conv_transpose.h"

#include <algorithm>

#include "dsperse/ops/movement/pick.h"

namespace dsperse::ops {

using model::DType;
using model::InferCall;
using model::Shape;
using model::Tensor;
using Ints = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t kMaxAttribute = std::int64_t{1} << 20;

Result<Ints> list(const model::Node& node, const std::string& key, std::size_t n, std::int64_t fallback, std::int64_t low) {
  DSPERSE_TRY(Ints values, node.ints_or(key, Ints(n, fallback)));
  const std::string where = "attribute '" + key + "'";
  if (values.size() != n)
    return fail(ErrorKind::bad_input, std::to_string(values.size()) + " entries, expected " + std::to_string(n), where);
  for (const std::int64_t v : values)
    if (v < low || v > kMaxAttribute) return fail(ErrorKind::bad_input, "entry " + std::to_string(v) + " is out of range", where);
  return values;
}

/// The convolution of one axis, stride 1, and what is cut from its phases laid side by side.
struct Phases {
  std::int64_t taps = 1, dilation = 1, pad_begin = 0, pad_end = 0, positions = 1;
  std::int64_t cut = 0;  ///< elements before the output's first
};

Phases phases_of(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation, std::int64_t pad,
                 std::int64_t out) {
  Phases p;
  p.taps = stride == 1 ? kernel : (kernel - 1) * dilation / stride + 1;
  p.dilation = stride == 1 ? dilation : 1;
  const std::int64_t reach = (p.taps - 1) * p.dilation, first = pad / stride, end = (pad + out + stride - 1) / stride;
  p.pad_begin = std::max<std::int64_t>(0, reach - first);
  p.pad_end = std::max<std::int64_t>(0, end - in);
  p.positions = in + p.pad_begin + p.pad_end - reach;
  p.cut = pad - (reach - p.pad_begin) * stride;
  return p;
}

}  // namespace

Result<TransposedWindow> conv_transpose_window(const InferCall& call) {
  const Shape &x = call.inputs[0]->shape, &w = call.inputs[1]->shape;
  const std::size_t n = x.size() - 2;
  TransposedWindow t;
  t.kernel.assign(w.begin() + 2, w.end());
  if (call.node.attributes.contains("kernel_shape")) {
    DSPERSE_TRY(const Ints stated, list(call.node, "kernel_shape", n, 1, 1));
    if (stated != t.kernel) return fail(ErrorKind::bad_input, "does not fit the weights' shape", "attribute 'kernel_shape'");
  }
  DSPERSE_TRY(t.stride, list(call.node, "strides", n, 1, 1));
  DSPERSE_TRY(t.dilation, list(call.node, "dilations", n, 1, 1));
  DSPERSE_TRY(const Ints pads, list(call.node, "pads", 2 * n, 0, 0));
  DSPERSE_TRY(const Ints extra, list(call.node, "output_padding", n, 0, 0));
  DSPERSE_TRY(const std::string auto_pad, call.node.string_or("auto_pad", "NOTSET"));
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    return fail(ErrorKind::bad_input, "unknown value '" + auto_pad + "'", "attribute 'auto_pad'");
  Ints stated;
  if (call.node.attributes.contains("output_shape")) {
    DSPERSE_TRY(stated, call.node.ints_or("output_shape", {}));
    if (stated.size() == n + 2) stated.erase(stated.begin(), stated.begin() + 2);
    if (stated.size() != n)
      return fail(ErrorKind::bad_input, "one size for each spatial axis is expected", "attribute 'output_shape'");
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (x[i + 2] < 1 || t.kernel[i] < 1 || t.kernel[i] > kMaxAttribute)
      return fail(ErrorKind::bad_input, "an axis or a kernel without elements", input_text(call.node, 0));
    const std::int64_t full = t.stride[i] * (x[i + 2] - 1) + extra[i] + (t.kernel[i] - 1) * t.dilation[i] + 1;
    std::int64_t begin = pads[i], end = pads[n + i];
    if (!stated.empty() || same) {
      const std::int64_t out = stated.empty() ? x[i + 2] * t.stride[i] : stated[i], total = full - out;
      if (out < 1 || out > kMaxAttribute * kMaxAttribute)
        return fail(ErrorKind::bad_input, "size " + std::to_string(out) + " is out of range", "attribute 'output_shape'");
      const std::int64_t less = std::max<std::int64_t>(total, 0) / 2;
      begin = auto_pad == "SAME_UPPER" ? less : std::max<std::int64_t>(total, 0) - less;
      end = total - begin;
    } else if (auto_pad == "VALID") {
      begin = end = 0;
    }
    t.pad_begin.push_back(begin);
    t.out.push_back(full - begin - end);
    if (t.out.back() < 1) return fail(ErrorKind::bad_input, "the padding leaves nothing", "attribute 'pads'");
  }
  return t;
}

Inferred infer_conv_transpose(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 3));
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    if (has_input(call, i)) DSPERSE_CHECK_OK(expect_float(call, i));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 5));
  const Shape &x = call.inputs[0]->shape, &w = call.inputs[1]->shape;
  DSPERSE_CHECK_OK(expect_rank(call, 1, x.size(), x.size()));
  DSPERSE_TRY(const std::int64_t group, call.node.int_or("group", 1));
  if (group < 1 || w[0] < 1 || w[1] < 1 || w[0] != x[1] || x[1] % group != 0 || w[1] > model::kMaxElements / group)
    return fail(ErrorKind::bad_input,
                "weights of shape " + model::shape_text(w) + " do not fit " + std::to_string(x[1]) + " input channels in " +
                    std::to_string(group) + " groups",
                input_text(call.node, 1));
  if (has_input(call, 2) && call.inputs[2]->shape != Shape{w[1] * group})
    return fail(ErrorKind::bad_input, "one value per output channel is expected", input_text(call.node, 2));
  DSPERSE_TRY(const TransposedWindow t, conv_transpose_window(call));
  Shape out{x[0], w[1] * group};
  out.insert(out.end(), t.out.begin(), t.out.end());
  return one_output(DType::f32, std::move(out));
}

Evaluated evaluate_conv_transpose(const model::EvaluateCall& call) {
  const KnownInputs known(call);
  DSPERSE_TRY(const auto infos, infer_conv_transpose(known.call()));
  DSPERSE_TRY(const TransposedWindow t, conv_transpose_window(known.call()));
  DSPERSE_TRY(const std::int64_t group, call.node.int_or("group", 1));
  const Tensor &x = *call.inputs[0], &w = *call.inputs[1];
  const std::size_t n = t.kernel.size();
  const Shape in(x.shape.begin() + 2, x.shape.end()), out(infos[0].shape.begin() + 2, infos[0].shape.end());
  const std::int64_t channels = x.shape[1], each = w.shape[1], per_group = channels / group;
  const auto size = [](const Shape& s) {
    std::int64_t p = 1;
    for (const auto d : s) p *= d;
    return p;
  };
  const std::int64_t ins = size(in), outs = size(out), taps = size(t.kernel);
  // Where tap k of input position i lands, or -1: the same for all channels.
  std::vector<std::int64_t> to(static_cast<std::size_t>(ins * taps));
  for (std::int64_t i = 0; i < ins; ++i)
    for (std::int64_t k = 0; k < taps; ++k) {
      std::int64_t at = 0, block = 1, rest_i = i, rest_k = k;
      for (std::size_t a = n; a-- > 0;) {
        const std::int64_t o = rest_i % in[a] * t.stride[a] + rest_k % t.kernel[a] * t.dilation[a] - t.pad_begin[a];
        rest_i /= in[a], rest_k /= t.kernel[a];
        at = at < 0 || o < 0 || o >= out[a] ? -1 : at + o * block;
        block *= out[a];
      }
      to[static_cast<std::size_t>(i * taps + k)] = at;
    }
  std::vector<Tensor> made{zeros(infos[0])};
  std::vector<double> sums(static_cast<std::size_t>(outs));
  for (std::int64_t b = 0; b < x.shape[0]; ++b)
    for (std::int64_t o = 0; o < each * group; ++o) {
      std::ranges::fill(sums, has_input(call, 2) ? static_cast<double>(call.inputs[2]->f[static_cast<std::size_t>(o)]) : 0.0);
      for (std::int64_t c = o / each * per_group; c < (o / each + 1) * per_group; ++c) {
        const float* from = x.f.data() + (b * channels + c) * ins;
        const float* by = w.f.data() + (c * each + o % each) * taps;
        for (std::int64_t i = 0; i < ins; ++i)
          for (std::int64_t k = 0; k < taps; ++k)
            if (const std::int64_t at = to[static_cast<std::size_t>(i * taps + k)]; at >= 0)
              sums[static_cast<std::size_t>(at)] += static_cast<double>(from[i]) * static_cast<double>(by[k]);
      }
      for (std::int64_t i = 0; i < outs; ++i)
        made[0].f[static_cast<std::size_t>((b * each * group + o) * outs + i)] =
            static_cast<float>(sums[static_cast<std::size_t>(i)]);
    }
  return made;
}

PhasedConv phased_conv(const TransposedWindow& t, const Shape& x, const Tensor& w, std::int64_t group) {
  const std::size_t n = t.kernel.size();
  const std::int64_t per_group = x[1] / group, each = w.shape[1];
  PhasedConv out;
  for (std::size_t i = 0; i < n; ++i) {
    const Phases p = phases_of(x[i + 2], t.kernel[i], t.stride[i], t.dilation[i], t.pad_begin[i], t.out[i]);
    out.window.kernel.push_back(p.taps), out.window.stride.push_back(1), out.window.dilation.push_back(p.dilation);
    out.window.pad_begin.push_back(p.pad_begin), out.window.pad_end.push_back(p.pad_end), out.window.overhang.push_back(0);
    out.window.out.push_back(p.positions);
    out.cut.push_back(p.cut);
    out.phases *= t.stride[i];
  }
  Shape shape{group * out.phases * each, per_group};
  shape.insert(shape.end(), out.window.kernel.begin(), out.window.kernel.end());
  out.weights = zeros({DType::f32, shape, nullptr});
  const auto strides = strides_of(shape);
  std::vector<std::int64_t> at(w.shape.size(), 0);
  for (std::size_t from = 0; from < w.f.size(); ++from) {
    auto rest = static_cast<std::int64_t>(from);
    for (std::size_t k = at.size(); k-- > 0; rest /= w.shape[k]) at[k] = rest % w.shape[k];
    std::int64_t phase = 0, to = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t m = at[i + 2] * (t.stride[i] == 1 ? 1 : t.dilation[i]);
      phase = phase * t.stride[i] + m % t.stride[i];
      to += (out.window.kernel[i] - 1 - m / t.stride[i]) * strides[i + 2];
    }
    to += ((at[0] / per_group * out.phases + phase) * each + at[1]) * strides[0] + at[0] % per_group * strides[1];
    out.weights.f[static_cast<std::size_t>(to)] = w.f[from];
  }
  return out;
}

std::vector<std::int64_t> phased_index(const TransposedWindow& t, const PhasedConv& p, const Shape& y, std::int64_t group) {
  const std::size_t n = t.kernel.size();
  const std::int64_t each = y[1] / group;
  Shape made{y[0], group * p.phases * each};
  made.insert(made.end(), p.window.out.begin(), p.window.out.end());
  const auto strides = strides_of(made);
  std::vector<std::vector<std::int64_t>> along(2);
  for (std::int64_t b = 0; b < y[0]; ++b) along[0].push_back(b * strides[0]);
  for (std::int64_t o = 0; o < y[1]; ++o) along[1].push_back((o / each * p.phases * each + o % each) * strides[1]);
  std::int64_t block = each;  // channels between neighbouring phases of an axis, the last axis first
  for (std::size_t i = n; i-- > 0; block *= t.stride[i]) {
    auto& axis = *along.emplace(along.begin() + 2);
    for (std::int64_t o = 0; o < t.out[i]; ++o) {
      const std::int64_t at = o + p.cut[i];
      axis.push_back(at / t.stride[i] * strides[i + 2] + at % t.stride[i] * block * strides[1]);
    }
  }
  return index_along(along);
}

}  // namespace dsperse::ops
