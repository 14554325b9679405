#include "dsperse/quantize/io.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/rounding.h"
#include "dsperse/quantize/view.h"

namespace dsperse::quantize {
namespace {

/// Beyond every range of a tensor.
constexpr double kFar = 0x1p40;

/// The mapping's storage order, after checking that mapping and tensor belong together.
Result<View> view_of(const IoMapping& io, const TensorSpec& spec, std::size_t given) {
  // Of files: dimensions whose product wraps around to the right number would index far outside.
  std::int64_t product = 1;
  for (const std::int64_t d : io.logical_shape)
    product = product < 1 || d < 1 || d > kMaxTensorElements / product ? 0 : product * d;
  const auto n = static_cast<std::size_t>(product);
  std::vector<bool> seen(io.logical_shape.size(), false);
  bool fits = n != 0 && io.perm.size() == io.logical_shape.size() && std::cmp_equal(n, elements(spec.shape));
  for (const auto axis : io.perm) {
    fits = fits && axis < seen.size() && !seen[axis];
    if (fits) seen[axis] = true;
  }
  if (!fits) return fail(ErrorKind::bad_input, "the layout does not belong to this tensor", io.name, "compile the model again");
  if (given != n)
    return fail(ErrorKind::bad_input, std::to_string(given) + " values where " + std::to_string(n) + " are needed", io.name,
                "give data of the model's input shape");
  return stored_as(io.logical_shape, io.perm);
}

/// Preprocessing factor of element i (one per channel, axis 1, or one for all).
double per_channel(const std::vector<float>& values, std::size_t i, std::size_t channel_block, double none) {
  return values.empty() ? none : static_cast<double>(values[values.size() == 1 ? 0 : i / channel_block % values.size()]);
}

}  // namespace

Result<QuantizedInput> quantize_input(const IoMapping& io, const TensorSpec& spec, const std::vector<float>& x) {
  DSPERSE_TRY(const View view, view_of(io, spec, x.size()));
  std::size_t channel_block = 1;
  for (std::size_t k = 2; k < io.logical_shape.size(); ++k) channel_block *= static_cast<std::size_t>(io.logical_shape[k]);
  for (const auto* list : {&io.scale, &io.bias})
    if (list->size() > 1 && (io.logical_shape.size() < 2 || std::cmp_not_equal(list->size(), io.logical_shape[1])))
      return fail(ErrorKind::bad_input, "preprocessing has another number of channels", io.name);
  const auto to = storage_index(view);
  const double step = std::ldexp(1.0, spec.exponent);  // a power of two: multiplying by it is exact
  const auto lo = static_cast<double>(spec.lo), hi = static_cast<double>(spec.hi);
  const auto value = [&](const std::vector<float>& list, std::size_t i, double none) {
    return list.size() == 1 ? static_cast<double>(list[0]) : per_channel(list, i, channel_block, none);
  };
  const bool integers = takes_integers(spec);
  QuantizedInput out;
  out.values.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) return fail(ErrorKind::bad_input, "value " + std::to_string(i) + " is NaN or infinite", io.name);
    const double real = static_cast<double>(x[i]) * value(io.scale, i, 1) + value(io.bias, i, 0);
    if (!std::isfinite(real)) return fail(ErrorKind::bad_input, "preprocessing is no number", io.name, "compile the model again");
    if (integers && !(real >= lo && real <= hi && real == std::floor(real)))
      return fail(ErrorKind::bad_input,
                  "value " + std::to_string(i) + " is " + std::to_string(real) + ", not a whole number from " +
                      std::to_string(spec.lo) + " to " + std::to_string(spec.hi),
                  io.name, "the model takes no others here");
    // Far beyond the range is as good as where it was.
    const auto q = static_cast<double>(round_away(std::clamp(real * step, -kFar, kFar)));
    if (q < lo - 1 || q > hi + 1) ++out.clamped;  // one step is rounding: 1.0 at exponent 11 is 2048
    out.values[static_cast<std::size_t>(to[i])] = static_cast<std::int32_t>(std::clamp(q, lo, hi));
  }
  return out;
}

Result<std::vector<float>> read_output(const IoMapping& io, const TensorSpec& spec, const IntTensor& q) {
  DSPERSE_TRY(const View view, view_of(io, spec, q.size()));
  const auto from = storage_index(view);
  std::vector<float> x(q.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(std::ldexp(static_cast<double>(q[static_cast<std::size_t>(from[i])]), -spec.exponent));
  return x;
}

}  // namespace dsperse::quantize
