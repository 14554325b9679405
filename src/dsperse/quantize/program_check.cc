// check_program: every fact that interpreter, prover and verifier take for granted.
#include <algorithm>
#include <string>
#include <utility>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/program.h"
#include "dsperse/quantize/program_check_rows.h"
#include "dsperse/quantize/program_faults.h"
#include "dsperse/quantize/table.h"
#include "dsperse/quantize/visit.h"
#include "dsperse/quantize/window.h"

namespace dsperse::quantize {
namespace {

std::unexpected<Error> bad(std::string what, std::string where = {}) {
  return fail(ErrorKind::bad_input, std::move(what), std::move(where), "the program is malformed; compile the model again");
}

/// Rank 1..kMaxProgramRank, dimensions >= 1, adds the elements to `total`.
Status check_shape(const Shape& shape, const std::string& where, std::int64_t& total) {
  if (shape.empty() || shape.size() > kMaxProgramRank) return bad("a shape's rank is not in 1..8", where);
  std::int64_t n = 1;
  for (const auto d : shape) {
    if (d < 1 || d > kMaxTensorElements / n) return bad("a shape has a dimension below 1 or more than 2^28 elements", where);
    n *= d;
  }
  total += n;
  if (total > kMaxTotalElements) return bad("the program has more than 2^31 elements", where);
  return {};
}

class Checker {
 public:
  explicit Checker(const Program& p) : p_(p) {}

  Status run() {
    DSPERSE_CHECK_OK(specs());
    DSPERSE_CHECK_OK(inputs());
    for (const auto& op : p_.ops)
      if (auto s = one(op); !s) return s;
    return ends();
  }

 private:
  Status specs() {
    if (p_.tensors.size() > kMaxTensors || p_.weights.size() > kMaxWeights || p_.ops.size() > kMaxOps)
      return bad("too many tensors, weights or ops");
    std::int64_t total = 0;
    for (const auto& t : p_.tensors) {
      DSPERSE_CHECK_OK(check_shape(t.shape, t.name, total));
      if (t.name.size() > kMaxNameBytes) return bad("a tensor's name is too long");
      if (t.exponent < -kMaxExponent || t.exponent > kMaxExponent) return bad("exponent beyond +-256", t.name);
      if (t.lo > t.hi || t.lo < -kMaxValue || t.hi > kMaxValue) return bad("declared range is empty or reaches 2^16", t.name);
    }
    total = 0;
    for (const auto& w : p_.weights) {
      DSPERSE_CHECK_OK(check_shape(w.shape, w.name, total));
      if (w.name.size() > kMaxNameBytes) return bad("a weight's name is too long");
      if (w.max_abs < 1 || w.max_abs > kMaxWeight) return bad("largest magnitude is not in [1, 2^40)", w.name);
    }
    return {};
  }

  Status inputs() {
    ready_.assign(p_.tensors.size(), false);
    if (p_.inputs.empty() || p_.outputs.empty()) return bad("a program needs inputs and outputs");
    for (const auto id : p_.inputs) {
      if (id >= p_.tensors.size() || ready_[id]) return bad("an input is out of range or listed twice");
      ready_[id] = true;
    }
    return {};
  }

  Status ends() {
    if (std::find(ready_.begin(), ready_.end(), false) != ready_.end()) return bad("a tensor has no producer");
    std::vector<bool> seen(p_.tensors.size(), false);
    for (const auto id : p_.outputs) {
      if (id >= p_.tensors.size() || seen[id]) return bad("an output is out of range or listed twice");
      seen[id] = true;
    }
    return {};
  }

  Status one(const Op& op) {
    where_ = &op.name;
    if (op.name.size() > kMaxNameBytes || op.onnx_type.size() > kMaxNameBytes) return bad("an op's name is too long");
    for (const auto id : op_inputs(op))
      if (id >= p_.tensors.size() || !ready_[id]) return bad("reads a tensor that no earlier op produces", op.name);
    for (const auto id : op_weights(op))
      if (id >= p_.weights.size()) return bad("weight out of range", op.name);
    const TensorId y = op_output(op);
    if (y >= p_.tensors.size() || ready_[y]) return bad("its output is out of range or produced twice", op.name);
    ready_[y] = true;
    DSPERSE_CHECK_OK(visit_body([this](const auto& o) { return check(o); }, op.body));
    DSPERSE_TRY(const auto bound, accumulator_bound(p_, op));
    if (const Requant* r = op_requant(op)) DSPERSE_CHECK_OK(requant(*r, p_.tensors[y], bound));
    return {};
  }

  std::unexpected<Error> no(std::string what) const { return bad(std::move(what), *where_); }

  Status requant(const Requant& r, const TensorSpec& y, std::int64_t acc_bound) const {
    if (r.shift.size() != 1 && std::cmp_not_equal(r.shift.size(), y.shape.back()))
      return no("needs one shift, or one per last axis");
    for (const auto s : r.shift)
      if (s < kMinShift || s > kMaxShift) return no("shift is not in -40..60");
    if (rounded_bound(r, acc_bound) >= kAccumulatorLimit) return no("the shifted accumulator could reach 2^61");
    if (r.clamp_bits > kMaxClampBits) return no("clamp is beyond 2^18");
    const Activation& a = r.activation;
    const bool grid = a.f == Function::sigmoid || a.f == Function::tanh;
    if (a.f > Function::table) return no("unknown function");
    if (a.lo > a.hi || a.lo < y.lo || a.hi > y.hi) return no("the activation's range is not inside the output's");
    if (a.out_exponent != y.exponent) return no("the activation's exponent is not the output's");
    if (const char* fault = table_fault(a, r.clamp_bits)) return no(fault);
    if (!grid && a.f != Function::table && a.in_exponent != a.out_exponent) return no("this function keeps the exponent");
    if (grid &&
        (a.in_exponent < -kMaxGridExponent || a.in_exponent > kMaxGridExponent || a.out_exponent < 0 || a.out_exponent > 24))
      return no("grid exponents are not in -32..32, or the output's not in 0..24");
    const bool slope = a.f == Function::leaky_relu, ends = a.f == Function::clip;
    if (slope && (a.a < 0 || a.a > (1 << 24) || a.b != 0)) return no("slope is not in 0..2^24");
    if (ends && (a.a > a.b || a.a < -kMaxWeight || a.b > kMaxWeight)) return no("clip's ends are out of order or range");
    if (!slope && !ends && (a.a != 0 || a.b != 0)) return no("a function without parameters has parameters");
    return {};
  }

  Status window(const Window& w, const Shape& x, const Shape& y) const {
    if (x.size() != 4 || y.size() != 4 || x[0] != y[0]) return no("needs images (N, H, W, C) with one N");
    for (std::size_t k = 0; k < 2; ++k) {
      const auto size = [](std::int64_t v) { return v >= 1 && v <= kMaxWindow; };
      const auto pad = [](std::int64_t v) { return v >= 0 && v <= kMaxWindow; };
      if (!size(w.kernel[k]) || !size(w.stride[k]) || !size(w.dilation[k]) || !pad(w.pad_begin[k]) || !pad(w.pad_end[k]))
        return no("window sizes are not in 1..2^20, or a padding is negative");
      if (window_outputs(w, k, x[k + 1]) != y[k + 1]) return no("the output's size does not fit the window");
      if (y[k + 1] > kMaxAxisTaps / w.kernel[k]) return no("a window reads more than 2^24 taps along one axis");
    }
    return {};
  }

  /// Every output position has a tap. Windows move in one direction, so the first and the last decide, unless neighbouring taps
  /// lie further apart than the image is long: then every position is looked at, and there may not be many.
  template <class Count>
  Status never_empty(const Window& w, std::size_t k, std::int64_t in, std::int64_t out, const char* what, Count count) const {
    if (w.kernel[k] > 1 && w.dilation[k] > in) {
      if (out > kMaxSparsePositions) return no("a dilation is longer than the image, at more than 2^12 positions");
      for (std::int64_t o = 0; o < out; ++o)
        if (count(o) < 1) return no(what);
    }
    return count(0) < 1 || count(out - 1) < 1 ? Status(no(what)) : Status();
  }

  Status bias(const std::optional<WeightId>& b, std::int64_t outputs) const {
    if (b && p_.weights[*b].shape != Shape{outputs}) return no("bias needs one value per output channel");
    return {};
  }

  template <class O>
  Status check(const O& o) const {
    if constexpr (requires { check_row_op(p_, *where_, o); }) return check_row_op(p_, *where_, o);
    return no("is of a kind that this build does not know");
  }

  Status check(const Conv& c) const {
    const Shape &x = p_.tensors[c.x].shape, &y = p_.tensors[c.y].shape, &w = p_.weights[c.w].shape;
    DSPERSE_CHECK_OK(window(c.window, x, y));
    if (p_.weights[c.w].max_abs > kMaxNarrowWeight) return no("weights beyond 16 bits");
    if (c.groups < 1 || x[3] % c.groups != 0 || y[3] % c.groups != 0) return no("groups do not divide the channels");
    if (w != Shape{y[3], c.window.kernel[0], c.window.kernel[1], x[3] / c.groups}) return no("weight shape does not fit");
    return bias(c.bias, y[3]);
  }

  Status check(const Gemm& g) const {
    const Shape &x = p_.tensors[g.x].shape, &y = p_.tensors[g.y].shape, &w = p_.weights[g.w].shape;
    if (p_.weights[g.w].max_abs > kMaxNarrowWeight) return no("weights beyond 16 bits");
    if (w.size() != 2 || elements(x) % w[1] != 0 || elements(y) != elements(x) / w[1] * w[0])
      return no("matrix sizes do not fit");
    if (g.requant.shift.size() > 1 && y.back() != w[0]) return no("per-channel shifts need the channels as the last axis");
    return bias(g.bias, w[0]);
  }

  Status check(const Sum& s) const {
    if (s.terms.empty() || s.terms.size() > kMaxTerms) return no("needs 1..64 terms");
    if (std::ranges::all_of(s.terms, [](const Sum::Term& t) { return t.is_weight; })) return no("needs a term that is a tensor");
    const Shape& y = p_.tensors[s.y].shape;
    for (const auto& t : s.terms) {
      if (t.coef == 0 || t.coef < -kMaxCoefficient || t.coef > kMaxCoefficient) return no("coefficient is zero or beyond 2^40");
      const Shape& x = t.is_weight ? p_.weights[t.id].shape : p_.tensors[t.id].shape;
      if (x.size() > y.size()) return no("an operand has more axes than the result");
      for (std::size_t k = 0; k < x.size(); ++k)
        if (const auto d = x[x.size() - 1 - k]; d != 1 && d != y[y.size() - 1 - k]) return no("an operand does not broadcast");
    }
    return {};
  }

  Status check(const AveragePool& a) const {
    const Shape &x = p_.tensors[a.x].shape, &y = p_.tensors[a.y].shape;
    DSPERSE_CHECK_OK(window(a.window, x, y));
    if (x[3] != y[3]) return no("a pool keeps its channels");
    for (std::size_t k = 0; k < 2; ++k) {
      if (a.counted_pad_end[k] < 0 || a.counted_pad_end[k] > a.window.pad_end[k]) return no("counted padding beyond the padding");
      DSPERSE_CHECK_OK(never_empty(a.window, k, x[k + 1], y[k + 1], "a window averages nothing",
                                   [&](std::int64_t o) { return counted_taps(a, k, o, x[k + 1]).count(); }));
    }
    return {};
  }

  Status check(const MaxPool& m) const {
    const TensorSpec &x = p_.tensors[m.x], &y = p_.tensors[m.y];
    DSPERSE_CHECK_OK(window(m.window, x.shape, y.shape));
    if (x.shape[3] != y.shape[3]) return no("a pool keeps its channels");
    if (x.exponent != y.exponent || x.lo != y.lo || x.hi != y.hi) return no("a maximum keeps exponent and range");
    for (std::size_t k = 0; k < 2; ++k)
      DSPERSE_CHECK_OK(never_empty(m.window, k, x.shape[k + 1], y.shape[k + 1], "a window lies outside the image",
                                   [&](std::int64_t o) { return window_taps(m.window, k, o, 0, x.shape[k + 1]).count(); }));
    return {};
  }

  Status judged(const char* fault) const { return fault == nullptr ? Status() : Status(no(fault)); }
  Status check(const Contract& c) const { return judged(contract_fault(p_, c)); }
  Status check(const Reduce& r) const { return judged(reduce_fault(p_, r)); }

  /// Interval [low, high) of every letter outside of which the maps of a piece are out of range.
  using Box = std::vector<std::pair<std::int64_t, std::int64_t>>;

  Status piece(const Rearrange& r, const Rearrange::Piece& p, Box& box) const {
    const TensorSpec &x = p_.tensors[p.x], &y = p_.tensors[r.y];
    if (x.exponent != y.exponent || x.lo < y.lo || x.hi > y.hi) return no("moved data has another exponent or a wider range");
    if (p.x_axes.empty() || p.x_axes.size() > kMaxAxes || p.maps.size() != p.x_axes.size())
      return no("axes and maps differ in number");
    DSPERSE_TRY(const auto n, axes_product(p.x_axes));
    if (n != elements(x.shape)) return no("axes do not cover the tensor");
    for (const auto d : r.y_axes) box.emplace_back(0, d);
    for (std::size_t k = 0; k < p.maps.size(); ++k) {
      const AxisMap& m = p.maps[k];
      if (const char* fault = map_fault(m, p.x_axes[k], r.y_axes.size())) return no(fault);
      narrow(box, r.y_axes, m, p.x_axes[k]);
    }
    return {};
  }

  /// Of every letter of the map, keeps the values for which some values of the others are in range.
  static void narrow(Box& box, const Shape& letters, const AxisMap& m, std::int64_t size) {
    std::int64_t low = m.offset, high = m.offset;  // of the whole map
    for (const auto& [l, c] : m.parts) (c > 0 ? high : low) += c * (letters[l] - 1);
    const auto ceil_div = [](std::int64_t a, std::int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); };  // b > 0
    for (const auto& [l, c] : m.parts) {
      // others_low + c v <= size - 1 and others_high + c v >= 0
      const std::int64_t span = c * (letters[l] - 1);
      const std::int64_t others_low = low - std::min<std::int64_t>(span, 0), others_high = high - std::max<std::int64_t>(span, 0);
      const std::int64_t begin = c > 0 ? ceil_div(-others_high, c) : ceil_div(others_low - size + 1, -c);
      const std::int64_t end = c > 0 ? ceil_div(size - others_low, c) : ceil_div(others_high + 1, -c);
      box[l] = {std::max(box[l].first, begin), std::min(box[l].second, end)};
    }
  }

  Result<std::int64_t> axes_product(const Shape& axes) const {
    std::int64_t n = 1;
    for (const auto d : axes) {
      if (d < 1 || d > kMaxTensorElements / n) return no("axes are below 1 or too large");
      n *= d;
    }
    return n;
  }

  Status check(const Rearrange& r) const {
    const TensorSpec& y = p_.tensors[r.y];
    if (r.y_axes.empty() || r.y_axes.size() > kMaxAxes || r.pieces.empty() || r.pieces.size() > kMaxPieces)
      return no("needs 1..32 axes and 1..256 pieces");
    DSPERSE_TRY(const auto n, axes_product(r.y_axes));
    if (n != elements(y.shape)) return no("axes do not cover the output");
    if (r.fill < y.lo || r.fill > y.hi) return no("fill is outside the output's range");
    std::vector<Box> boxes(r.pieces.size());
    for (std::size_t i = 0; i < r.pieces.size(); ++i) {
      DSPERSE_CHECK_OK(piece(r, r.pieces[i], boxes[i]));
      for (std::size_t j = 0; j < i; ++j)
        if (!apart(boxes[i], boxes[j])) return no("two pieces are not separated along an axis");
    }
    return {};
  }

  static bool apart(const Box& a, const Box& b) {
    for (std::size_t k = 0; k < a.size(); ++k)
      if (std::max(a[k].first, b[k].first) >= std::min(a[k].second, b[k].second)) return true;
    return false;
  }

  const Program& p_;
  const std::string* where_ = nullptr;
  std::vector<bool> ready_;
};

}  // namespace

Status check_program(const Program& program) { return Checker(program).run(); }

}  // namespace dsperse::quantize
