// Lowering: contractions, element-wise products, reductions. Factors are read where they lie, whatever their layout: letters are
// cut where an operand's axis changes its run in storage.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {
namespace {

/// Joined letters are no longer than this: a verifier's work grows with them.
constexpr std::int64_t kJoined = 1 << 12;

/// The letters of a contraction while it is made: each is cut into parts, outermost first.
struct Letters {
  std::map<std::uint32_t, std::int64_t> size;
  std::map<std::uint32_t, Shape> parts;

  /// Cuts a letter where `factors` (outermost first) end; false if the cuts cross.
  bool cut(std::uint32_t letter, const Shape& factors) {
    std::vector<std::int64_t> ends;  // products from the innermost on
    for (const Shape& list : {parts.at(letter), factors}) {
      std::int64_t n = 1;
      for (std::size_t k = list.size(); k-- > 0;) ends.push_back(n *= list[k]);
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    Shape out;
    std::int64_t below = 1;
    for (const std::int64_t end : ends) {
      if (end % below != 0) return false;
      if (end != below) out.push_back(end / below);
      below = end;
    }
    std::reverse(out.begin(), out.end());
    parts[letter] = std::move(out);
    return true;
  }
};

/// Factors of every axis of a view, outermost first.
std::vector<Shape> axis_factors(const View& v) {
  std::vector<Shape> out;
  std::size_t f = 0;
  for (const auto n : factors_of_axes(v)) {
    out.emplace_back(v.factors.begin() + static_cast<std::ptrdiff_t>(f), v.factors.begin() + static_cast<std::ptrdiff_t>(f + n));
    f += n;
  }
  return out;
}

bool plain(const AxisMap& m, std::uint32_t letter) {
  return m.offset == 0 && m.parts.size() == 1 && m.parts[0] == std::pair<std::uint32_t, std::int64_t>(letter, 1);
}

/// Axis of a letter in a factor, or its number of axes.
std::size_t axis_of(const Contract::Factor& f, std::uint32_t letter) {
  std::size_t k = 0;
  while (k < f.maps.size() && !plain(f.maps[k], letter)) ++k;
  return k;
}

/// Joins letters k and k + 1 where they lie side by side in every factor that has them: fewer axes are padded.
void join_letters(Contract& c) {
  for (std::uint32_t k = 0; k + 1 < c.letters.size();) {
    bool may = k + 1 != c.kept && c.letters[k] * c.letters[k + 1] <= kJoined;
    for (const auto* f : {&c.a, &c.b}) {
      const std::size_t outer = axis_of(*f, k), inner = axis_of(*f, k + 1), none = f->axes.size();
      may = may && ((outer == none && inner == none) || (inner != none && inner == outer + 1));
    }
    if (!may) {
      ++k;
      continue;
    }
    c.letters[k] *= c.letters[k + 1];
    c.letters.erase(c.letters.begin() + k + 1);
    if (k < c.kept) --c.kept;
    for (auto* f : {&c.a, &c.b}) {
      if (const std::size_t at = axis_of(*f, k); at != f->axes.size()) {
        f->axes[at] *= f->axes[at + 1];
        f->axes.erase(f->axes.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        f->maps.erase(f->maps.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      }
      for (auto& m : f->maps)
        for (auto& part : m.parts)
          if (part.first > k) --part.first;
    }
  }
}

/// The sign of a power of two, and its exponent.
std::optional<std::pair<int, int>> power_of_two(float x) {
  int exponent = 0;
  const float fraction = std::frexp(std::fabs(x), &exponent);
  if (fraction != 0.5F) return std::nullopt;
  return std::pair(x < 0 ? -1 : 1, exponent - 1);
}

std::vector<float> values_of(const model::Tensor& t) {
  return t.dtype == model::DType::f32 ? t.f : std::vector<float>(t.i.begin(), t.i.end());
}

}  // namespace

Status Lowering::contract(const model::Node& node, Operand a, Operand b, const std::vector<std::uint32_t>& out) {
  return contract_as(node, std::move(a), std::move(b), out, nullptr, nullptr);
}

Status Lowering::contract_as(const model::Node& node, Operand a, Operand b, const std::vector<std::uint32_t>& out,
                             const View* storage, const Shape* y_spec) {
  if (!a.tensor && !b.tensor) return fail(ErrorKind::internal, "both factors are constants");
  Letters l;
  const auto dims = [](const Operand& o) -> const Shape& { return o.tensor ? o.tensor->view.shape : o.constant->shape; };
  for (const Operand* o : {&a, &b}) {
    if (o->letters.size() != dims(*o).size()) return fail(ErrorKind::internal, "letters and axes differ in number");
    std::set<std::uint32_t> seen;
    for (std::size_t k = 0; k < o->letters.size(); ++k) {
      const std::uint32_t letter = o->letters[k];
      const std::int64_t n = dims(*o)[k];
      if (letter == kNoLetter && n != 1) return fail(ErrorKind::internal, "an axis without a letter");
      if (letter == kNoLetter) continue;
      if (!seen.insert(letter).second) return fail(ErrorKind::unsupported, "a letter occurs twice in one operand (a diagonal)");
      std::int64_t& size = l.size[letter];
      if (size > 1 && n > 1 && size != n) return fail(ErrorKind::bad_input, "a letter has two different sizes");
      size = std::max(size, n);
    }
  }
  for (const auto& [letter, size] : l.size) l.parts[letter] = size > 1 ? Shape{size} : Shape{};
  // Cut the letters; an operand whose cuts cross those before it is moved.
  for (Operand* o : {&a, &b}) {
    if (!o->tensor) continue;
    const Letters before = l;
    const auto cut_all = [&] {
      const auto factors = axis_factors(o->tensor->view);
      for (std::size_t k = 0; k < factors.size(); ++k)
        if (!factors[k].empty() && !l.cut(o->letters[k], factors[k])) return false;
      return true;
    };
    if (cut_all()) continue;
    l = before;
    DSPERSE_TRY(const Place rows, logical_place(o->tensor->view.shape));
    o->tensor = at(node, *o->tensor, rows);
    cut_all();  // whole axes do not cross
  }

  // The output's parts in storage: those of `storage` factor by factor, or row major.
  Shape logical;                                               // parts of the output in logical order
  std::vector<std::pair<std::uint32_t, std::size_t>> part_of;  // letter and part
  std::set<std::uint32_t> kept;
  for (const std::uint32_t letter : out) {
    if (letter == kNoLetter) continue;
    if (!l.size.contains(letter) || !kept.insert(letter).second)
      return fail(ErrorKind::unsupported, "an output letter is in no operand, or occurs twice");
    for (std::size_t i = 0; i < l.parts[letter].size(); ++i) {
      part_of.emplace_back(letter, i);
      logical.push_back(l.parts[letter][i]);
    }
  }
  std::vector<std::uint32_t> order(logical.size());
  for (std::uint32_t k = 0; k < order.size(); ++k) order[k] = k;
  if (storage != nullptr) {  // the parts refine the factors of storage, as its owner is one of the operands
    std::vector<std::uint32_t> begin{0};
    std::uint32_t k = 0;
    for (const auto factor : storage->factors) {
      for (std::int64_t have = 1; have < factor; ++k) have *= logical[k];
      begin.push_back(k);
    }
    order.clear();
    for (const auto f : storage->order)
      for (std::uint32_t i = begin[f]; i < begin[f + 1]; ++i) order.push_back(i);
  }

  Contract c;
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> number;
  for (const auto k : order) {
    number[part_of[k]] = static_cast<std::uint32_t>(c.letters.size());
    c.letters.push_back(logical[k]);
  }
  if (c.letters.empty()) c.letters.push_back(1);  // one value: read at the first letter below
  const bool single = order.empty();
  c.kept = static_cast<std::uint32_t>(c.letters.size());
  for (const auto& [letter, parts] : l.parts) {
    if (kept.contains(letter)) continue;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      number[{letter, i}] = static_cast<std::uint32_t>(c.letters.size());
      c.letters.push_back(parts[i]);
    }
  }
  if (c.letters.size() > kMaxAxes) return fail(ErrorKind::unsupported, "its operands' axes are cut into more than 32 parts");
  const auto add_axes = [&](Contract::Factor& f, std::uint32_t letter, std::size_t& done, std::int64_t size) {
    for (std::int64_t have = 1; have < size; ++done) {
      const std::int64_t n = l.parts[letter][done];
      f.axes.push_back(n);
      f.maps.push_back({0, {{number[{letter, done}], 1}}});
      have *= n;
    }
  };
  const auto fill = [&](const Operand& o, Contract::Factor& f) {
    if (o.tensor) {
      f.id = o.tensor->id;
      // Letter and first part of every factor.
      std::vector<std::pair<std::uint32_t, std::size_t>> start;
      const auto factors = axis_factors(o.tensor->view);
      for (std::size_t k = 0; k < factors.size(); ++k) {
        std::size_t done = 0;
        for (const auto size : factors[k]) {
          start.emplace_back(o.letters[k], done);
          for (std::int64_t have = 1; have < size; ++done) have *= l.parts[o.letters[k]][done];
        }
      }
      for (const auto k : o.tensor->view.order) {
        std::size_t done = start[k].second;
        add_axes(f, start[k].first, done, o.tensor->view.factors[k]);
      }
    } else {
      f.is_weight = true;
      Shape shape = o.constant->shape;
      while (shape.size() > kMaxProgramRank) shape[1] *= shape[0], shape.erase(shape.begin());
      if (shape.empty()) shape = {1};
      f.id = add_weight(node.name + " factor", std::move(shape), values_of(*o.constant));
      for (std::size_t k = 0; k < o.letters.size(); ++k) {
        std::size_t done = 0;
        if (o.constant->shape[k] > 1) add_axes(f, o.letters[k], done, o.constant->shape[k]);
      }
    }
    if (f.axes.empty()) f.axes = {1}, f.maps = {{}};
  };
  fill(a, c.a);
  fill(b, c.b);
  if (single) {  // an axis of size 1 reads the letter that keeps the one value
    c.a.axes.insert(c.a.axes.begin(), 1);
    c.a.maps.insert(c.a.maps.begin(), AxisMap{0, {{0, 1}}});
  }
  join_letters(c);

  const Shape& shape_out = shape(node.outputs[0]);
  View view = *reshaped(stored_as(logical, order), shape_out);
  Shape spec_out = y_spec != nullptr ? *y_spec : shape_out;
  if (y_spec == nullptr && (shape_out.empty() || shape_out.size() > kMaxProgramRank))
    spec_out = shape_out.empty() ? Shape{1} : Shape{elements(shape_out) / shape_out.back(), shape_out.back()};
  add_op(node.name, node.op, node.outputs[0], std::move(c), std::move(spec_out), std::move(view));
  return {};
}

bool Lowering::fold_factor(const model::Node& node, const RealTerm& data, const RealTerm& constant) {
  const Value& x = *data.tensor;
  if (!sole(x) || x.view.shape != shape(node.outputs[0])) return false;
  const auto made = producer_.find(x.id);
  if (made == producer_.end() || draft_.activations[made->second].f != Function::identity) return false;
  Op& op = draft_.program.ops[made->second];
  if (std::holds_alternative<Conv>(op.body) || std::holds_alternative<Gemm>(op.body)) {
    const std::vector<WeightId> ids = op_weights(op);
    auto& w = draft_.weights[ids[0]];
    const auto channels = static_cast<std::size_t>(draft_.program.weights[ids[0]].shape[0]);
    if (!is_per_channel(x, constant) || (constant.values.size() != 1 && std::cmp_not_equal(spec(x.id).back(), channels)))
      return false;
    const std::size_t inner = w.size() / channels;
    for (std::size_t o = 0; o < channels; ++o) {
      const float factor = constant.values[constant.values.size() == 1 ? 0 : o];
      for (std::size_t k = 0; k < inner; ++k) w[o * inner + k] *= factor;
      if (ids.size() > 1) draft_.weights[ids[1]][o] *= factor;
    }
  } else {
    const auto power = constant.values.size() == 1 ? power_of_two(constant.values[0]) : std::nullopt;
    const bool shifts = std::holds_alternative<Contract>(op.body) || std::holds_alternative<Reduce>(op.body);
    if (!power || power->first < 0 || std::abs(power->second) > 20 || !shifts) return false;
    draft_.powers[made->second] += power->second;
  }
  rename(node, x, made->second);
  return true;
}

Status Lowering::multiply(const model::Node& node, RealTerm a, RealTerm b) {
  if (!a.tensor) std::swap(a, b);
  if (!a.tensor) return fail(ErrorKind::internal, "both factors are constants");
  const Shape& out = shape(node.outputs[0]);
  if (!b.tensor) {
    if (fold_factor(node, a, b)) return {};
    const auto power = b.values.size() == 1 ? power_of_two(b.values[0]) : std::nullopt;
    if (power && std::abs(power->second) <= 20 && a.tensor->view.shape == out) {
      DSPERSE_CHECK_OK(sum(node, {RealTerm{a.tensor, {}, {}, power->first}}));
      draft_.powers.back() = power->second;
      return {};
    }
  }
  // One letter per axis of the output, right-aligned.
  const model::Tensor constant = b.tensor ? model::Tensor{} : model::float_tensor(b.shape, b.values);
  std::vector<std::uint32_t> letters(out.size());
  for (std::uint32_t k = 0; k < letters.size(); ++k) letters[k] = k;
  const auto operand = [&](const RealTerm& t) {
    Operand o{t.tensor, t.tensor ? nullptr : &constant, {}};
    const Shape& s = t.tensor ? t.tensor->view.shape : constant.shape;
    for (std::size_t k = 0; k < s.size(); ++k) o.letters.push_back(s[k] == 1 ? kNoLetter : letters[out.size() - s.size() + k]);
    return o;
  };
  std::vector<std::uint32_t> kept;
  for (std::uint32_t k = 0; k < letters.size(); ++k) kept.push_back(out[k] == 1 ? kNoLetter : k);
  const Value* main = nullptr;  // the first operand of the full shape decides the layout
  for (const RealTerm* t : {&a, &b})
    if (main == nullptr && t->tensor && t->tensor->view.shape == out) main = &*t->tensor;
  if (main == nullptr) return contract(node, operand(a), operand(b), kept);
  if (main == &*b.tensor) std::swap(a, b);  // its letters are cut first
  const Value like = *a.tensor;
  const Shape y_spec = spec(like.id);
  return contract_as(node, operand(a), operand(b), kept, &like.view, &y_spec);
}

Status Lowering::reduce(const model::Node& node, const Value& x, const std::vector<std::size_t>& axes, bool mean) {
  // A contraction with nothing: the same letters, one factor.
  Value from = x;
  const auto summed_axis = [&](std::size_t k) { return std::find(axes.begin(), axes.end(), k) != axes.end(); };
  Reduce r;
  r.x = from.id;
  std::vector<std::uint32_t> number(from.view.factors.size());
  Shape kept;
  const auto counts = factors_of_axes(from.view);
  std::vector<bool> summed;
  for (std::size_t k = 0; k < counts.size(); ++k) summed.insert(summed.end(), counts[k], summed_axis(k));
  // Kept factors stay in the order of storage, so that nothing moves; then the summed ones.
  std::vector<std::uint32_t> logical(from.view.factors.size(), 0);
  std::uint32_t next = 0;
  for (std::size_t f = 0; f < summed.size(); ++f)
    if (!summed[f]) logical[f] = next++, kept.push_back(from.view.factors[f]);
  std::vector<std::uint32_t> order;
  for (const auto f : from.view.order) {
    if (summed[f]) continue;
    order.push_back(logical[f]);
    number[f] = static_cast<std::uint32_t>(r.letters.size());
    r.letters.push_back(from.view.factors[f]);
  }
  const bool single = r.letters.empty();
  if (single) r.letters.push_back(1);
  r.kept = static_cast<std::uint32_t>(r.letters.size());
  for (const auto f : from.view.order) {
    r.axes.push_back(from.view.factors[f]);
    if (summed[f]) {
      number[f] = static_cast<std::uint32_t>(r.letters.size());
      r.letters.push_back(from.view.factors[f]);
    }
    r.maps.push_back({0, {{number[f], 1}}});
  }
  if (single) r.axes.insert(r.axes.begin(), 1), r.maps.insert(r.maps.begin(), AxisMap{0, {{0, 1}}});
  r.coef = mean ? 0 : 1;
  const Shape& out = shape(node.outputs[0]);
  View view = *reshaped(stored_as(kept, order), out);
  Shape y_spec = out.empty() || out.size() > kMaxProgramRank ? Shape{elements(out)} : out;
  if (const auto perm = axis_order(view); perm && !out.empty() && out.size() <= kMaxProgramRank) {
    DSPERSE_TRY(const Place to, logical_place(out));
    y_spec = view == to.view ? to.spec : axes_place(out, *perm).spec;
  }
  add_op(node.name, node.op, node.outputs[0], std::move(r), std::move(y_spec), std::move(view));
  return {};
}

}  // namespace dsperse::quantize
