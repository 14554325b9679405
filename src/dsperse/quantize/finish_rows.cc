#include "dsperse/quantize/finish_rows.h"

#include <algorithm>
#include <cmath>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/rows.h"
#include "dsperse/quantize/table.h"

namespace dsperse::quantize {
namespace {

/// The inverse root has about this many bits for rows as calibration saw them.
constexpr std::int32_t kRootPrecision = 11;

}  // namespace

Status finish_softmax(const TensorSpec& x, std::int32_t v_exponent, Softmax& op) {
  if (x.exponent < -kMaxGridExponent || x.exponent > kMaxGridExponent)
    return fail(ErrorKind::unsupported, "scores are too large or too small for a softmax");
  // Rounded numerators change a row's sum by n / 2 at most, of 2^k and more.
  const std::uint32_t k = std::clamp(8 + bits_of(static_cast<std::uint64_t>(op.n)), 12U, 18U);
  op.exp_bits = k;
  for (std::int64_t z = 0; z <= x.hi - x.lo; ++z) {
    const std::int64_t e = exponential(z, x.exponent, k);
    if (e == 0) break;
    op.exp_table.push_back(static_cast<std::int32_t>(e));
  }
  op.exp_table.push_back(0);
  // The reciprocal's rest adds less than E 2^-K <= a quarter of a step.
  const std::int32_t bits = std::max(v_exponent + 2, 0);
  if (bits + static_cast<std::int32_t>(k) > 60)
    return fail(ErrorKind::unsupported, "the output's steps are too small for a softmax");
  op.inverse_bits = k + static_cast<std::uint32_t>(bits);
  op.requant.shift = {static_cast<std::int32_t>(op.inverse_bits) - v_exponent};
  if (op.requant.shift[0] > kMaxShift) return fail(ErrorKind::unsupported, "the output's steps are too large for a softmax");
  return {};
}

Result<NormalNumbers> finish_normalize(const Program& program, double mean_square, double epsilon, Normalize& op) {
  const std::int32_t e = program.tensors[op.x].exponent;
  const double scaled = std::ldexp(epsilon, 2 * e + 2);  // c has the exponent e + 1
  if (!(scaled <= static_cast<double>(kMaxCoefficient)))
    return fail(ErrorKind::unsupported, "epsilon is far larger than what is normalized");
  op.epsilon = std::max<std::int64_t>(1, std::llround(scaled));
  const NormalSizes s = normal_sizes(program, op);
  const auto v = static_cast<std::int32_t>(s.v);
  const double typical = std::log2(std::max(1.0, std::ldexp(mean_square, 2 * e + 2) + static_cast<double>(op.epsilon)));
  // v <= k, k / 2 + B <= 61, k / 2 + v <= 60
  const std::int32_t least = std::max(1, (v + 1) / 2), most = std::min((58 - (v + 1) / 2) / 2, 30);
  if (least > most) return fail(ErrorKind::unsupported, "what is normalized has too many bits");
  const std::int32_t half = std::clamp(static_cast<std::int32_t>(std::ceil(typical / 2)) + kRootPrecision, least, most);
  op.root_bits = static_cast<std::uint32_t>(2 * half);
  return NormalNumbers{half + 1};
}

}  // namespace dsperse::quantize
