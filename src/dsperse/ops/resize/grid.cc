// GridSample with a constant grid: a product with a constant matrix. AffineGrid: a product of theta with constant places.
#include "dsperse/ops/resize/grid.h"

#include <algorithm>
#include <cmath>

#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

using model::InferCall;
using model::Shape;
using model::Tensor;

namespace {

using Int = std::int64_t;

struct Sampling {
  std::string mode, padding;
  bool corners = false;
};

Result<Sampling> sampling_of(const InferCall& call) {
  Sampling s;
  DSPERSE_TRY(s.mode, call.node.string_or("mode", call.opset < 20 ? "bilinear" : "linear"));
  DSPERSE_TRY(s.padding, call.node.string_or("padding_mode", "zeros"));
  DSPERSE_TRY(const Int corners, call.node.int_or("align_corners", 0));
  s.corners = corners != 0;
  if (s.mode == "bilinear") s.mode = "linear";
  if (s.mode == "bicubic") s.mode = "cubic";
  if (s.mode != "linear" && s.mode != "cubic" && s.mode != "nearest")
    return fail(ErrorKind::unsupported, "'" + s.mode + "'", "attribute 'mode'");
  if (s.padding != "zeros" && s.padding != "border" && s.padding != "reflection")
    return fail(ErrorKind::unsupported, "'" + s.padding + "'", "attribute 'padding_mode'");
  return s;
}

/// x mirrored at both ends until it lies between them.
double mirrored(double x, double low, double high) {
  if (high <= low) return low;
  const double span = high - low, beyond = x < low ? low - x : x - high;
  if (beyond <= 0) return x;
  const double turns = std::floor(beyond / span), rest = beyond - turns * span;
  const bool from_low = (std::fmod(turns, 2.0) == 0) == (x < low);
  return from_low ? low + rest : high - rest;
}

/// One axis of `length`, read where a grid of [-1, 1] says.
Taps taps_at(const Sampling& s, double place, Int length) {
  const auto n = static_cast<double>(length);
  const double low = s.corners ? 0 : -0.5, high = s.corners ? n - 1 : n - 0.5;
  // In float, as the operator is defined: a tie of `nearest` depends on it.
  const auto p = static_cast<float>(place);
  double x = static_cast<double>(s.corners ? (p + 1) / 2 * static_cast<float>(length - 1)
                                           : ((p + 1) * static_cast<float>(length) - 1) / 2);
  if (s.mode == "nearest") x = std::nearbyint(x);
  if (x < low || x > high) {
    if (s.padding == "border") x = std::clamp(x, 0.0, n - 1);
    if (s.padding == "reflection") x = mirrored(x, low, high);
  }
  const double floor = std::floor(x), t = x - floor;
  std::vector<std::pair<double, double>> taps;
  if (s.mode == "nearest") taps = {{std::trunc(x), 1.0}};
  if (s.mode == "linear") taps = {{floor, 1 - t}, {floor + 1, t}};
  if (s.mode == "cubic") {
    constexpr double a = -0.75;
    const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    taps = {{floor - 1, far(t + 1)}, {floor, near(t)}, {floor + 1, near(1 - t)}, {floor + 2, far(2 - t)}};
  }
  Taps out;
  for (const auto& [at, weight] : taps) {
    double i = at;
    if (s.padding == "border") i = std::clamp(i, 0.0, n - 1);
    if (s.padding == "reflection") i = std::trunc(mirrored(i, low, high));
    if (weight != 0 && i >= 0 && i < n) out.emplace_back(static_cast<Int>(i), weight);
  }
  return out;
}

/// Adds the products of the axes' weights to a column of the matrix.
void add_taps(const std::vector<Taps>& axes, const Shape& image, std::size_t axis, Int index, double weight, Int points,
              float* column) {
  if (axis == axes.size()) {
    column[index * points] += static_cast<float>(weight);
    return;
  }
  for (const auto& [i, w] : axes[axis]) add_taps(axes, image, axis + 1, index * image[axis] + i, weight * w, points, column);
}

Int product(const Shape& shape) {
  Int n = 1;
  for (const Int d : shape) n *= d;
  return n;
}

/// -1 to 1 in n steps: their ends, or their middles.
float step_of(Int i, Int n, bool corners) {
  const auto k = static_cast<double>(i), all = static_cast<double>(n);
  return static_cast<float>(corners ? -1 + 2 * k / (all - 1) : -1 + (2 * k + 1) / all);
}

}  // namespace

Expanded expand_grid_sample(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_float(call, 1));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 5));
  DSPERSE_TRY(const Sampling how, sampling_of(call));
  const Shape &x = call.inputs[0]->shape, &g = call.inputs[1]->shape;
  const Shape image(x.begin() + 2, x.end());
  if (g.size() != x.size() || g[0] != x[0] || g.back() != static_cast<Int>(image.size()))
    return fail(ErrorKind::bad_input, "shape " + model::shape_text(g) + " does not go with data of shape " + model::shape_text(x),
                input_text(call.node, 1));
  const Tensor* grid = call.inputs[1]->constant;
  if (grid == nullptr)
    return fail(ErrorKind::unsupported, "the grid depends on the model's input", input_text(call.node, 1),
                "only constant grids work");
  DSPERSE_TRY(const Int elements, model::element_count(x));
  const Int places = static_cast<Int>(grid->f.size()) / g.back();
  if (elements < 1 || places < 1) return fail(ErrorKind::unsupported, "a tensor without elements", input_text(call.node, 0));
  const Int pixels = product(image), points = places / g[0];
  if (pixels > kMostSampled || places > kMostSampled / pixels)
    return fail(ErrorKind::resource, "a grid of more than 2^22 places times pixels", input_text(call.node, 1));
  Tensor matrix = model::float_tensor({g[0], pixels, points}, std::vector<float>(static_cast<std::size_t>(places * pixels)));
  for (Int p = 0; p < places; ++p) {
    std::vector<Taps> axes;
    for (std::size_t a = 0; a < image.size(); ++a) {  // the grid names the last axis first
      const float at = grid->f[static_cast<std::size_t>((p + 1) * g.back()) - 1 - a];
      if (!(std::fabs(at) < 1e6F))
        return fail(ErrorKind::unsupported, "a place far outside of the image", input_text(call.node, 1));
      axes.push_back(taps_at(how, static_cast<double>(at), image[a]));
    }
    add_taps(axes, image, 0, 0, 1, points, matrix.f.data() + p / points * pixels * points + p % points);
  }
  Shape out{x[0], x[1]};
  out.insert(out.end(), g.begin() + 1, g.end() - 1);
  Emitter e(call);
  const std::string flat = e.reshape(e.input(0), {x[0], x[1], pixels});
  return e.finish({e.reshape(e.op("MatMul", {flat, e.constant(std::move(matrix))}), out)});
}

Expanded expand_affine_grid(const InferCall& call) {
  DSPERSE_CHECK_OK(expect_inputs(call, 2, 2));
  DSPERSE_CHECK_OK(expect_float(call, 0));
  DSPERSE_CHECK_OK(expect_rank(call, 0, 3, 3));
  DSPERSE_TRY(const std::vector<Int> size, constant_ints(call, 1));
  DSPERSE_TRY(const Int given, call.node.int_or("align_corners", 0));
  const bool corners = given != 0;
  const Shape& theta = call.inputs[0]->shape;
  if (size.size() != 4 && size.size() != 5)
    return fail(ErrorKind::bad_input, "is not of 4 or 5 numbers", input_text(call.node, 1));
  const auto axes = static_cast<Int>(size.size()) - 2;
  if (theta != Shape{size[0], axes, axes + 1})
    return fail(ErrorKind::bad_input, "has shape " + model::shape_text(theta), input_text(call.node, 0));
  const Shape image(size.begin() + 2, size.end());
  for (const Int n : image)
    if (n < (corners ? 2 : 1) || n > kMostSampled)
      return fail(ErrorKind::unsupported, "an axis of " + std::to_string(n), input_text(call.node, 1));
  DSPERSE_TRY(const Int points, model::element_count(image));
  if (points > kMostSampled) return fail(ErrorKind::resource, "a grid of more than 2^22 places", input_text(call.node, 1));
  std::vector<float> places;  // last axis first, then 1
  for (Int p = 0; p < points; ++p) {
    Int rest = p;
    for (std::size_t a = image.size(); a-- > 0; rest /= image[a]) places.push_back(step_of(rest % image[a], image[a], corners));
    places.push_back(1);
  }
  Shape out{size[0]};
  out.insert(out.end(), image.begin(), image.end());
  out.push_back(axes);
  Emitter e(call);
  const std::string base = e.constant(model::float_tensor({points, axes + 1}, std::move(places)));
  return e.finish({e.reshape(e.op("MatMul", {base, e.transpose(e.input(0), {0, 2, 1})}), out)});
}

}  // namespace dsperse::ops
