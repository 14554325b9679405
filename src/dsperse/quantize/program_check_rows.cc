// check_program for the ops over rows: shapes, and the inequalities that their constraints need so as not to wrap mod p.
// Source: docs/protocol/operators.md, where each inequality is derived.
#include "dsperse/quantize/program_check_rows.h"

#include <algorithm>
#include <utility>

#include "dsperse/base/rule.h"
#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/rows.h"

namespace dsperse::quantize {
namespace {

std::unexpected<Error> bad(std::string what, const std::string& where) {
  return fail(ErrorKind::bad_input, std::move(what), where, "the program is malformed; compile the model again");
}

Status rows(const TensorSpec& x, std::int64_t n, const std::string& where) {
  if (n < 1 || elements(x.shape) % n != 0) return bad("rows do not divide the tensor", where);
  return {};
}

Status same_size(const TensorSpec& x, const TensorSpec& y, const Requant& r, const std::string& where) {
  if (elements(x.shape) != elements(y.shape)) return bad("input and output differ in size", where);
  if (r.shift.size() != 1) return bad("needs one shift", where);
  return {};
}

}  // namespace

Status check_row_op(const Program& program, const std::string& where, const Extreme& op) {
  const TensorSpec &x = program.tensors[op.x], &y = program.tensors[op.y];
  DSPERSE_CHECK_OK(rows(x, op.n, where));
  if (elements(y.shape) != elements(x.shape) / op.n) return bad("the output needs one value a row", where);
  if (op.index) {
    if (y.exponent != 0 || y.lo > 0 || y.hi < op.n - 1) return bad("indices do not fit the output", where);
    return {};
  }
  if (op.last) return bad("only an index has a last occurrence", where);
  if (x.exponent != y.exponent || x.lo != y.lo || x.hi != y.hi) return bad("an extreme keeps exponent and range", where);
  return {};
}

Status check_row_op(const Program& program, const std::string& where, const Softmax& op) {
  const TensorSpec &x = program.tensors[op.x], &y = program.tensors[op.y];
  DSPERSE_CHECK_OK(rows(x, op.n, where));
  DSPERSE_CHECK_OK(same_size(x, y, op.requant, where));
  if (op.exp_bits < 1 || op.exp_bits > 24) return bad("numerator bits are not in 1..24", where);
  const std::vector<std::int32_t>& e = op.exp_table;
  const std::int32_t one = std::int32_t{1} << op.exp_bits;
  if (e.size() < 2 || e.size() > kMaxTableValues || e.front() != one || e.back() != 0 ||
      std::any_of(e.begin(), e.end(), [&](std::int32_t v) { return v < 0 || v > one; }))
    return bad("the table of numerators does not fall from 2^bits to 0", where);
  if (op.mask_rows < 0 || std::cmp_greater(op.mask_rows, kMaxMask) || op.visible.empty() != (op.mask_rows == 0) ||
      std::cmp_not_equal(op.visible.size(), op.mask_rows * op.n))
    return bad("the mask does not fit the rows", where);
  if (op.mask_rows != 0 && elements(x.shape) / op.n % op.mask_rows != 0) return bad("mask rows do not divide the rows", where);
  for (std::int64_t r = 0; r < op.mask_rows; ++r) {
    const auto* const row = op.visible.data() + r * op.n;
    if (std::any_of(row, row + op.n, [](std::uint8_t v) { return v > 1; })) return bad("a mask's flag is not 0 or 1", where);
    if (std::find(row, row + op.n, std::uint8_t{1}) == row + op.n) return bad("a row of the mask hides everything", where);
  }
  if (op.inverse_bits < op.exp_bits || op.inverse_bits > 60)
    return bad("reciprocal bits are below the numerators' or above 60", where);
  // inv sum < 2^(K - k + 1 + a) and rest < 2^a: inv sum + rest = 2^K holds over the integers.
  if (violated("no wrap reciprocal", op.inverse_bits - op.exp_bits + softmax_sizes(program, op).sum_bits > 60))
    return bad("rows are too long for the reciprocal's bits", where);
  return {};
}

Status check_row_op(const Program& program, const std::string& where, const Normalize& op) {
  const TensorSpec &x = program.tensors[op.x], &y = program.tensors[op.y];
  DSPERSE_CHECK_OK(rows(x, op.n, where));
  DSPERSE_CHECK_OK(same_size(x, y, op.requant, where));
  if (op.epsilon < 1 || op.epsilon > kMaxCoefficient) return bad("epsilon is not in 1..2^40", where);
  if (op.root_bits % 2 != 0 || op.root_bits < 2 || op.root_bits > 60) return bad("root bits are odd or not in 2..60", where);
  for (const auto& w : {op.gamma, op.beta})
    if (w && program.weights[*w].shape != Shape{op.n}) return bad("scale and shift need one value an entry", where);
  if (op.gamma && program.weights[*op.gamma].max_abs > kMaxNarrowWeight) return bad("a scale is beyond 16 bits", where);
  const NormalSizes s = normal_sizes(program, op);
  if (s.v > op.root_bits) return bad("the variance has more bits than its root", where);
  // d V < 2^(k/2 + 1 + v), and sums of squares: both below p / 2.
  if (s.half + s.v > 60 || op.n > kAccumulatorLimit / (s.c_max * s.c_max + 1))
    return bad("rows are too long or too wide for their squares", where);
  // d V < 2^B, so d^2 V < 2^(k/2 + 1 + B): without this dozens of wrong d pass.
  if (violated("no wrap root", s.half + s.gap_bits > 61)) return bad("the variance's root has too many bits", where);
  return {};
}

Status check_row_op(const Program& program, const std::string& where, const Divide& op) {
  const TensorSpec &a = program.tensors[op.a], &b = program.tensors[op.b], &y = program.tensors[op.y];
  for (const Shape* x : {&a.shape, &b.shape}) {
    if (x->size() > y.shape.size()) return bad("an operand has more axes than the result", where);
    for (std::size_t k = 0; k < x->size(); ++k)
      if (const auto d = (*x)[x->size() - 1 - k]; d != 1 && d != y.shape[y.shape.size() - 1 - k])
        return bad("an operand does not broadcast", where);
  }
  if (b.lo < 1) return bad("the divisor's range reaches below 1", where);
  if (op.shift < 0 || op.shift > kMaxQuotientShift) return bad("shift is not in 0..40", where);
  if (op.requant.shift.size() != 1 || op.requant.shift[0] < 0) return bad("needs one shift, not negative", where);
  return {};
}

Status check_row_op(const Program& program, const std::string& where, const OneHot& op) {
  const TensorSpec &x = program.tensors[op.x], &y = program.tensors[op.y];
  if (op.depth < 1 || op.depth > kMaxValue + 1 || op.depth > kMaxTensorElements / elements(x.shape) ||
      elements(y.shape) != elements(x.shape) * op.depth)
    return bad("the output needs depth entries for each index, at most 2^16", where);
  if (x.exponent != 0 || x.lo < 0 || x.hi > op.depth - 1) return bad("indices are not in [0, depth - 1]", where);
  if (y.exponent != 0 || y.lo > 0 || y.hi < 1) return bad("the output's range lacks 0 or 1", where);
  return {};
}

}  // namespace dsperse::quantize
