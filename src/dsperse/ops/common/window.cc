#include "dsperse/ops/common/window.h"

#include <algorithm>

namespace dsperse::ops {

namespace {

using Ints = std::vector<std::int64_t>;

// Larger strides, pads, dilations and kernels exist in no real model; the bound keeps all arithmetic below 2^63.
constexpr std::int64_t kMaxAttribute = std::int64_t{1} << 20;

Result<Ints> list(const model::Node& node, const std::string& key, std::size_t size, std::int64_t fallback, std::int64_t low) {
  DSPERSE_TRY(Ints values, node.ints_or(key, Ints(size, fallback)));
  const std::string where = "attribute '" + key + "'";
  if (values.size() != size)
    return fail(ErrorKind::bad_input, std::to_string(values.size()) + " entries, expected " + std::to_string(size), where);
  for (const std::int64_t v : values)
    if (v < low || v > kMaxAttribute) return fail(ErrorKind::bad_input, "entry " + std::to_string(v) + " is out of range", where);
  return values;
}

/// Some tap of the window that starts at s lies in [0, in).
bool touches(std::int64_t s, std::int64_t kernel, std::int64_t dilation, std::int64_t in) {
  const std::int64_t tap = s >= 0 ? 0 : (-s + dilation - 1) / dilation;
  return tap < kernel && s + tap * dilation < in;
}

Result<SpatialWindow> resolve(const model::Node& node, const model::Shape& x, const Ints& kernel, bool ceil_mode) {
  const std::size_t n = x.size() - 2;
  SpatialWindow w;
  w.kernel = kernel;
  DSPERSE_TRY(w.stride, list(node, "strides", n, 1, 1));
  DSPERSE_TRY(w.dilation, list(node, "dilations", n, 1, 1));
  DSPERSE_TRY(const Ints pads, list(node, "pads", 2 * n, 0, 0));
  DSPERSE_TRY(const std::string auto_pad, node.string_or("auto_pad", "NOTSET"));
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    return fail(ErrorKind::bad_input, "unknown value '" + auto_pad + "'", "attribute 'auto_pad'");
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t in = x[i + 2], k = kernel[i], s = w.stride[i];
    if (k < 1 || k > kMaxAttribute) return fail(ErrorKind::bad_input, "kernel extent " + std::to_string(k) + " is out of range");
    const std::int64_t extent = (k - 1) * w.dilation[i] + 1;
    std::int64_t begin = 0, end = 0;
    if (same) {
      const std::int64_t total = std::max<std::int64_t>(0, ((in + s - 1) / s - 1) * s + extent - in);
      end = auto_pad == "SAME_UPPER" ? (total + 1) / 2 : total / 2;
      begin = total - end;
    } else if (auto_pad != "VALID") {
      begin = pads[i];
      end = pads[n + i];
    }
    const std::int64_t slack = in + begin + end - extent;
    if (in < 1 || slack < 0)
      return fail(ErrorKind::bad_input, "window of extent " + std::to_string(extent) +
                                            " is larger than the padded input of shape " + model::shape_text(x));
    std::int64_t out = slack / s + 1;
    if (ceil_mode && slack % s != 0 && out * s < in + begin) ++out;
    w.pad_begin.push_back(begin);
    w.pad_end.push_back(end);
    w.overhang.push_back(std::max<std::int64_t>(0, (out - 1) * s - slack));
    w.out.push_back(out);
  }
  return w;
}

}  // namespace

Result<SpatialWindow> conv_window(const model::Node& node, const model::Shape& x, const Ints& kernel) {
  const std::size_t n = x.size() - 2;
  if (node.attributes.contains("kernel_shape")) {
    DSPERSE_TRY(const Ints stated, list(node, "kernel_shape", n, 1, 1));
    if (stated != kernel) return fail(ErrorKind::bad_input, "does not fit the weights' shape", "attribute 'kernel_shape'");
  }
  return resolve(node, x, kernel, false);
}

Result<SpatialWindow> pool_window(const model::Node& node, const model::Shape& x) {
  const std::size_t n = x.size() - 2;
  if (!node.attributes.contains("kernel_shape"))
    return fail(ErrorKind::bad_input, "attribute is missing", "attribute 'kernel_shape'");
  DSPERSE_TRY(const Ints kernel, list(node, "kernel_shape", n, 1, 1));
  DSPERSE_TRY(const std::int64_t ceil_mode, node.int_or("ceil_mode", 0));
  DSPERSE_TRY(SpatialWindow w, resolve(node, x, kernel, ceil_mode != 0));
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t in = x[i + 2], extent = (kernel[i] - 1) * w.dilation[i] + 1;
    // Only windows that reach over an end can miss the image.
    const auto start = [&](std::int64_t o) { return o * w.stride[i] - w.pad_begin[i]; };
    bool all = true;
    for (std::int64_t o = 0; all && o < w.out[i] && start(o) < 0; ++o) all = touches(start(o), kernel[i], w.dilation[i], in);
    for (std::int64_t o = w.out[i]; all && o-- > 0 && start(o) + extent > in;)
      all = touches(start(o), kernel[i], w.dilation[i], in);
    if (!all)
      return fail(ErrorKind::unsupported,
                  "a pooling window lies wholly in the padding (input shape " + model::shape_text(x) + ")", "attribute 'pads'");
  }
  return w;
}

}  // namespace dsperse::ops
