// The integer Program: what a model means once it is integers. Interpreter, auditor, prover and verifier see this alone.
//
// Tensors are row major and channels-last: images (N, H, W, C), sequences (N, L, C) as (N, 1, L, C), matrices (rows, features).
// Every tensor in `tensors` is committed: an input, or the output of exactly one op (after its rounding). Weights have no
// values here; they are in WeightStore. Ops are in topological order. Source: docs/semantics.md. Tested by
// quantize/program_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::quantize {

using Shape = std::vector<std::int64_t>;
using TensorId = std::uint32_t;
using WeightId = std::uint32_t;

/// A committed integer tensor: real value = q 2^-exponent, lo <= q <= hi declared, |lo|, |hi| < 2^16.
struct TensorSpec {
  std::string name;
  Shape shape;
  std::int32_t exponent = 0;
  std::int64_t lo = 0, hi = 0;
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

/// A constant tensor with |w| <= max_abs (2^(B-1) - 1 for weights, < 2^40 for biases): the bound that static analysis uses.
struct WeightSpec {
  std::string name;
  Shape shape;
  std::int64_t max_abs = 0;
  friend bool operator==(const WeightSpec&, const WeightSpec&) = default;
};

enum class Function : std::uint8_t { identity, relu, leaky_relu, clip, sigmoid, tanh, table };

/// y = clamp(round(f(v 2^-in_exponent) 2^out_exponent), lo, hi) for v in [-c, c-1]; round half away from zero.
/// identity, relu, leaky_relu, clip: in_exponent = out_exponent. leaky_relu: slope a 2^-24 (0 <= a <= 2^24) in `a`, product
/// rounded half up: (v a + 2^23) >> 24. clip: [a, b] are integers at out_exponent. Exact on every machine (quantize/table.h).
/// table: y = values[v + c], all 2 c values written out, each in [lo, hi]; `label` says what they sample ("gelu", "exp(-x)").
struct Activation {
  Function f = Function::identity;
  std::int32_t in_exponent = 0, out_exponent = 0;
  std::int64_t lo = 0, hi = 0;
  std::int64_t a = 0, b = 0;
  std::string label = {};                 ///< of a table
  std::vector<std::int32_t> values = {};  ///< of a table
  friend bool operator==(const Activation&, const Activation&) = default;
};

/// v = floor((acc + 2^(s-1)) / 2^s) for s >= 1, acc 2^-s for s <= 0; y = activation(clamp(v, -c, c-1)), c = 2^clamp_bits.
/// shift: one entry, or one per entry of the output's last axis.
struct Requant {
  std::vector<std::int32_t> shift;
  std::uint32_t clamp_bits = 11;
  Activation activation;
  friend bool operator==(const Requant&, const Requant&) = default;
};

/// Spatial window: two axes (1-D uses axis 1 with size-1 axis 0).
struct Window {
  std::array<std::int64_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1}, pad_begin{0, 0}, pad_end{0, 0};
  friend bool operator==(const Window&, const Window&) = default;
};

/// x (N, H, W, C), w (O, KH, KW, C / groups), bias (O) -> y (N, OH, OW, O). Zero padding. Output channel o reads the input
/// channels of group o / (O / groups).
struct Conv {
  TensorId x = 0, y = 0;
  WeightId w = 0;
  std::optional<WeightId> bias;
  std::int64_t groups = 1;
  Window window;
  Requant requant;
  friend bool operator==(const Conv&, const Conv&) = default;
};

/// x read as (M, K), w (O, K), bias (O) -> y with M * O elements, read as (M, O).
struct Gemm {
  TensorId x = 0, y = 0;
  WeightId w = 0;
  std::optional<WeightId> bias;
  Requant requant;
  friend bool operator==(const Gemm&, const Gemm&) = default;
};

/// acc = sum of coef * operand, numpy broadcasting (dims right-aligned; a dim of 1 or a missing one repeats). An operand is a
/// tensor or a weight. Covers Add, Sub, stand-alone activations (one term, coef 1) and constants.
struct Sum {
  struct Term {
    bool is_weight = false;
    std::uint32_t id = 0;  ///< TensorId or WeightId
    std::int64_t coef = 1;
    friend bool operator==(const Term&, const Term&) = default;
  };
  std::vector<Term> terms;
  TensorId y = 0;
  Requant requant;
  friend bool operator==(const Sum&, const Sum&) = default;
};

/// acc = multiplier(n) * sum of the window's taps inside the image, n = taps counted: all KH KW when count_include_pad (taps
/// beyond the declared padding never count), else those inside; multiplier(n) = round(2^kAverageBits / n), half up.
struct AveragePool {
  static constexpr unsigned kAverageBits = 16;
  TensorId x = 0, y = 0;
  Window window;
  bool count_include_pad = false;
  /// Rows / columns that only exist because of ceil_mode count for neither kind: the padding that counts is this.
  std::array<std::int64_t, 2> counted_pad_end{0, 0};
  Requant requant;
  friend bool operator==(const AveragePool&, const AveragePool&) = default;
};

/// Exact maximum over the window's taps inside the image (every window has one). y has x's exponent and range.
struct MaxPool {
  TensorId x = 0, y = 0;
  Window window;
  friend bool operator==(const MaxPool&, const MaxPool&) = default;
};

/// index = offset + sum of coef * letter; letters are numbered axes of the other side.
struct AxisMap {
  std::int64_t offset = 0;
  std::vector<std::pair<std::uint32_t, std::int64_t>> parts;
  friend bool operator==(const AxisMap&, const AxisMap&) = default;
};

/// Data movement, exact. y's flat index is read over y_axes (any refinement: product = elements of y; the letters). Piece p
/// covers the letters for which all its axis maps (one per x_axes entry, a refinement of x's flat index) are in range, and
/// there y = x[...]. Pieces do not overlap; what no piece covers is `fill`. Reshape, Transpose, Slice, Concat, Pad.
struct Rearrange {
  struct Piece {
    TensorId x = 0;
    Shape x_axes;
    std::vector<AxisMap> maps;
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  TensorId y = 0;
  Shape y_axes;
  std::int64_t fill = 0;
  std::vector<Piece> pieces;
  friend bool operator==(const Rearrange&, const Rearrange&) = default;
};

/// acc = sum over the letters beyond the first `kept` of a[...] b[...]; the kept ones, row major, are y's flat index (a
/// refinement of it). A factor reads its tensor or weight (narrow) over `axes`, a refinement of its flat index, at one AxisMap
/// per axis; out of range it is zero. A letter occurs in at most one axis of a factor, every letter in one of the factors; at
/// least one is kept.
/// Matrix products of activations (batched), einsum, element-wise products (no letter is summed).
struct Contract {
  struct Factor {
    bool is_weight = false;
    std::uint32_t id = 0;  ///< TensorId or WeightId
    Shape axes;
    std::vector<AxisMap> maps;
    friend bool operator==(const Factor&, const Factor&) = default;
  };
  Factor a, b;  ///< at least one is a tensor
  TensorId y = 0;
  Shape letters;
  std::uint32_t kept = 0;
  Requant requant;
  friend bool operator==(const Contract&, const Contract&) = default;
};

/// acc = coef * sum over the letters beyond the first `kept` of x[...]; the kept ones (at least one), row major, are y's flat
/// index; every letter occurs in one axis. Sums and means (coef = average_multiplier(n), with kAverageBits in the shift).
struct Reduce {
  TensorId x = 0, y = 0;
  Shape letters;
  std::uint32_t kept = 0;
  Shape axes;                 ///< refinement of x's flat index
  std::vector<AxisMap> maps;  ///< one per axis
  std::int64_t coef = 1;
  Requant requant;
  friend bool operator==(const Reduce&, const Reduce&) = default;
};

/// Rows of n entries, one after the other in x's flat order; y has one element a row: the largest (or smallest) value, or the
/// index in the row of its first or last occurrence (exponent 0, range [0, n - 1]).
struct Extreme {
  TensorId x = 0, y = 0;
  std::int64_t n = 1;
  bool minimum = false;
  bool index = false;  ///< y is the index
  bool last = false;   ///< of the last occurrence (index only)
  friend bool operator==(const Extreme&, const Extreme&) = default;
};

/// Rows as above, y as long as x. z = max - x over the visible entries; E = exp_table(z), 0 where hidden;
/// inv = floor(2^inverse_bits / sum E); acc = E inv.
/// visible: empty (all are), or one flag for each of `mask_rows` x n entries; row r of x reads row r mod mask_rows. Every mask
/// row has a visible entry.
struct Softmax {
  TensorId x = 0, y = 0;
  std::int64_t n = 1;
  std::uint32_t exp_bits = 0;           ///< k: E(0) = 2^k; E(z) samples 2^k e^(-z 2^-exponent of x)
  std::uint32_t inverse_bits = 0;       ///< K
  std::vector<std::int32_t> exp_table;  ///< E of z = 0, 1, ...; the last entry is 0 and holds for every larger z
  std::int64_t mask_rows = 0;
  std::vector<std::uint8_t> visible;
  Requant requant;  ///< one shift
  friend bool operator==(const Softmax&, const Softmax&) = default;
};

/// Rows as above, y as long as x. mu = floor((2 sum x + floor(n/2)) / n), or 0 if not centered; c = 2 x - mu;
/// V = floor(sum c^2 / n) + epsilon; d = floor(sqrt(2^root_bits / V)); acc = c (2 d + 1) gamma + beta.
/// gamma, beta: n entries; gamma is narrow; without them 1 and 0.
struct Normalize {
  TensorId x = 0, y = 0;
  std::int64_t n = 1;
  bool centered = true;
  std::int64_t epsilon = 1;     ///< at least 1, in units of V
  std::uint32_t root_bits = 0;  ///< even
  std::optional<WeightId> gamma, beta;
  Requant requant;  ///< one shift
  friend bool operator==(const Normalize&, const Normalize&) = default;
};

/// acc = floor((2 a 2^shift + b) / (2 b)), the quotient rounded half up, with numpy broadcasting. b >= 1 by its declared range;
/// shift >= 0.
struct Divide {
  TensorId a = 0, b = 0, y = 0;
  std::int32_t shift = 0;
  Requant requant;
  friend bool operator==(const Divide&, const Divide&) = default;
};

/// y has depth entries for each of x, 1 where their index equals x, else 0. x lies in [0, depth - 1] by its declared range.
struct OneHot {
  TensorId x = 0, y = 0;
  std::int64_t depth = 0;
  friend bool operator==(const OneHot&, const OneHot&) = default;
};

struct Op {
  std::string name;       ///< names of the ONNX nodes that it stands for, joined by '+'
  std::string onnx_type;  ///< e.g. "Conv", "Gemm", "Add": for policies and reports
  std::variant<Conv, Gemm, Sum, AveragePool, MaxPool, Rearrange, Contract, Reduce, Extreme, Softmax, Normalize, Divide, OneHot>
      body;
  friend bool operator==(const Op&, const Op&) = default;
};

struct Program {
  std::vector<TensorSpec> tensors;
  std::vector<WeightSpec> weights;
  std::vector<Op> ops;
  std::vector<TensorId> inputs, outputs;  ///< an output may also be consumed inside; an input may be an output
  friend bool operator==(const Program&, const Program&) = default;
};

/// Values of one constant tensor: int16 when max_abs <= 32767, otherwise int64.
struct WeightValues {
  std::vector<std::int16_t> narrow;
  std::vector<std::int64_t> wide;
  [[nodiscard]] std::size_t size() const { return narrow.empty() ? wide.size() : narrow.size(); }
  [[nodiscard]] std::int64_t at(std::size_t i) const { return narrow.empty() ? wide[i] : narrow[i]; }
};
using WeightStore = std::vector<WeightValues>;  ///< by WeightId

/// All integer tensors of one run by TensorId (empty when absent).
using IntTensor = std::vector<std::int32_t>;
using TensorStore = std::vector<IntTensor>;

std::int64_t elements(const Shape& shape);
/// Tensors that an op reads, in order, duplicates kept; and the one it writes.
std::vector<TensorId> op_inputs(const Op& op);
TensorId op_output(const Op& op);
/// Weights that an op uses.
std::vector<WeightId> op_weights(const Op& op);
/// The op's Requant, or nullptr (MaxPool, Rearrange).
const Requant* op_requant(const Op& op);
/// Multiply-adds (Conv, Gemm, Contract), else 0.
std::uint64_t op_macs(const Program& program, const Op& op);

/// Largest |acc| over all inputs in their declared ranges and weights within max_abs, bias included; an error naming the op
/// if it reaches 2^61.
[[nodiscard]] Result<std::int64_t> accumulator_bound(const Program& program, const Op& op);
/// Largest |v| before the clamp for that bound (the largest over channels).
std::int64_t rounded_bound(const Requant& requant, std::int64_t acc_bound);

/// Everything that the other rooms rely on: ids in range, topological order, one producer each, shapes that fit the op,
/// shift counts, ranges, bounds (accumulator_bound of every op), sizes within limits, pieces that do not overlap. The decoder
/// calls it; a Program that passes can be run and constrained without further checks.
[[nodiscard]] Status check_program(const Program& program);

/// Canonical bytes; decode accepts exactly what encode writes and ends with check_program.
Bytes encode_program(const Program& program);
[[nodiscard]] Result<Program> decode_program(ByteView bytes);

}  // namespace dsperse::quantize
