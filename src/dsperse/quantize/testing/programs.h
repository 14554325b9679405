// Small Programs for tests: a builder that keeps ranges and ids right, random Programs of every op, random weights and inputs.
// Product targets don't link this. Tested by quantize/program_test.cc.
#pragma once

#include <cstdint>
#include <random>

#include "dsperse/quantize/program.h"

namespace dsperse::quantize::testing {

using Rng = std::mt19937_64;

/// Appends tensors, weights and ops; every method returns the new tensor's id. The first fault shows in check_program.
class Builder {
 public:
  Program program;

  TensorId input(Shape shape, std::int64_t lo = -2047, std::int64_t hi = 2047, std::int32_t exponent = 8);
  /// y with this requantization (its activation's exponents and range are the tensor's).
  TensorId conv(TensorId x, std::int64_t outputs, Window window, Requant requant, std::int64_t groups = 1, bool bias = true,
                std::int64_t w_max = 2047);
  TensorId gemm(TensorId x, std::int64_t inner, std::int64_t outputs, Requant requant, bool bias = true,
                std::int64_t w_max = 2047);
  TensorId sum(std::vector<Sum::Term> terms, Shape shape, Requant requant);
  TensorId average(TensorId x, Window window, bool count_include_pad, std::array<std::int64_t, 2> counted_pad_end,
                   Requant requant);
  TensorId maximum(TensorId x, Window window);
  TensorId rearrange(Rearrange r, Shape shape, std::int64_t lo, std::int64_t hi);
  /// Factors, letters and kept are given.
  TensorId contract(Contract c, Shape shape, Requant requant);
  TensorId reduce(Reduce r, Shape shape, Requant requant);
  WeightId weight(Shape shape, std::int64_t max_abs);
  const TensorSpec& spec(TensorId id) const { return program.tensors[id]; }
  /// All tensors that no op reads become outputs.
  Program done();

 private:
  TensorId tensor(Shape shape, std::int32_t exponent, std::int64_t lo, std::int64_t hi);
  TensorId add(std::string type, Shape shape, const Requant& r, auto body);
};

/// Requant with one shift and this function; the range is that of `bits` signed bits, zero upwards for relu and sigmoid.
Requant simple_requant(std::int32_t shift, Function f = Function::identity, unsigned bits = 12, std::int32_t exponent = 8);

/// The same with a table: round(of(v 2^-exponent) 2^exponent) in the range of `bits`, whatever of(x) is.
Requant table_requant(std::int32_t shift, double (*of)(double), unsigned bits = 12, std::int32_t exponent = 8);
/// A factor that reads its tensor over `axes`, axis k at letter letters[k].
Contract::Factor factor(TensorId tensor, Shape axes, const std::vector<std::uint32_t>& letters);
Contract::Factor weight_factor(WeightId weight, Shape axes, const std::vector<std::uint32_t>& letters);

/// A valid Program of up to `max_ops` ops drawn from all kinds, small tensors.
Program random_program(Rng& rng, std::size_t max_ops);
/// Values within the specs; about one in eight is an extreme.
WeightStore random_weights(const Program& program, Rng& rng);
TensorStore random_inputs(const Program& program, Rng& rng);

}  // namespace dsperse::quantize::testing
