#include "dsperse/slice/tile_op.h"

#include <algorithm>

#include "dsperse/quantize/operands.h"
#include "dsperse/slice/tile_rearrange.h"

namespace dsperse::slice {
namespace {

using quantize::Op;
using quantize::Program;
using quantize::Shape;
using quantize::WeightId;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

bool is_channels(const Shape& y, std::uint32_t axis) { return axis + 1 == y.size(); }

/// Product of the dimensions before the axis.
std::int64_t before(const Shape& shape, std::size_t axis) {
  std::int64_t n = 1;
  for (std::size_t k = 0; k < axis; ++k) n *= shape[k];
  return n;
}

/// The operand's axis that a broadcast aligns with an axis of y; nullopt: the operand repeats along it.
std::optional<std::uint32_t> aligned_axis(const Shape& y, std::uint32_t axis, const Shape& x) {
  if (axis + x.size() < y.size()) return std::nullopt;
  const auto k = static_cast<std::uint32_t>(axis + x.size() - y.size());
  if (x[k] == 1 && y[axis] != 1) return std::nullopt;
  return k;
}

/// Axis of x whose rows are the Gemm's rows along this axis of y, if x and y have the same axes but the last.
std::optional<std::uint32_t> gemm_axis(const Program& p, const quantize::Gemm& g, std::uint32_t axis) {
  const Shape &x = p.tensors[g.x].shape, &y = p.tensors[g.y].shape, &w = p.weights[g.w].shape;
  if (is_channels(y, axis) || x.back() != w[1] || y.back() != w[0]) return std::nullopt;
  for (std::size_t k = 1; k < std::max(x.size(), y.size()); ++k) {  // from the right, missing ones are 1
    const std::int64_t a = k < x.size() ? x[x.size() - 1 - k] : 1, b = k < y.size() ? y[y.size() - 1 - k] : 1;
    if (a != b) return std::nullopt;
  }
  return axis + x.size() < y.size() ? std::nullopt : std::optional(static_cast<std::uint32_t>(axis + x.size() - y.size()));
}

/// Every position along a spatial axis has a window that reaches into the image, so that a part never reads nothing.
bool reaches(const quantize::Window& w, std::size_t k, std::int64_t in, std::int64_t out) {
  return w.pad_begin[k] < w.dilation[k] * (w.kernel[k] - 1) + 1 && (out - 1) * w.stride[k] - w.pad_begin[k] < in;
}

/// Restricts a window to outputs [begin, end) along spatial axis k; the inputs that it reads.
Range cut_window(quantize::Window& w, std::size_t k, std::int64_t in, const Range& out) {
  const std::int64_t first = out.begin * w.stride[k] - w.pad_begin[k];
  const std::int64_t last = (out.end - 1) * w.stride[k] - w.pad_begin[k] + w.dilation[k] * (w.kernel[k] - 1) + 1;
  const Range reads{std::max<std::int64_t>(first, 0), std::min(last, in)};
  w.pad_begin[k] = reads.begin - first;
  w.pad_end[k] = last - reads.end;
  return reads;
}

/// Shifts of channels [begin, end).
void cut_shifts(quantize::Requant& requant, const Range& channels) {
  if (requant.shift.size() == 1) return;
  requant.shift = {requant.shift.begin() + channels.begin, requant.shift.begin() + channels.end};
}

/// Fills an OpPart for one op; every call of an operator below sets body, reads, weights.
class Cutter {
 public:
  Cutter(const Program& program, std::uint32_t axis, const Range& range) : p_(program), axis_(axis), range_(range) {}

  /// Ops that tile_unit leaves whole.
  template <class O>
  OpPart operator()(O) {
    return std::move(part_);
  }

  OpPart operator()(quantize::Conv c) {
    const Shape &x = shape(c.x), &y = shape(c.y), &w = p_.weights[c.w].shape;
    if (is_channels(y, axis_)) {
      Box reads = whole_box(x);
      if (c.groups > 1) {
        const std::int64_t outputs = y[3] / c.groups, inputs = x[3] / c.groups;
        const Range groups{range_.begin / outputs, range_.end / outputs};
        reads = part_box(x, 3, {groups.begin * inputs, groups.end * inputs});
        c.groups = groups.end - groups.begin;
      }
      read(c.x, std::move(reads));
      leading(c.w, w, 0, range_);
      if (c.bias) leading(*c.bias, p_.weights[*c.bias].shape, 0, range_);
      cut_shifts(c.requant, range_);
    } else {
      windowed(c.x, c.window);
      all(c.w);
      if (c.bias) all(*c.bias);
    }
    return linear(c);
  }

  OpPart operator()(quantize::Gemm g) {
    const Shape& x = shape(g.x);
    if (is_channels(shape(g.y), axis_)) {
      read(g.x, whole_box(x));
      leading(g.w, p_.weights[g.w].shape, 0, range_);
      if (g.bias) leading(*g.bias, p_.weights[*g.bias].shape, 0, range_);
      cut_shifts(g.requant, range_);
    } else {
      read(g.x, part_box(x, *gemm_axis(p_, g, axis_), range_));
      all(g.w);
      if (g.bias) all(*g.bias);
    }
    return linear(g);
  }

  OpPart operator()(quantize::AveragePool a) {
    if (is_channels(shape(a.y), axis_)) {
      read(a.x, part_box(shape(a.x), axis_, range_));
      cut_shifts(a.requant, range_);
    } else {
      windowed(a.x, a.window);
      // Taps beyond the image are beyond the end of the last parts alone, whose padding is the rest of the whole one's.
      for (std::size_t k = 0; k < 2; ++k) a.counted_pad_end[k] = std::min(a.counted_pad_end[k], a.window.pad_end[k]);
    }
    a.x = 0;
    part_.body = std::move(a);
    return std::move(part_);
  }

  OpPart operator()(quantize::MaxPool m) {
    if (is_channels(shape(m.y), axis_))
      read(m.x, part_box(shape(m.x), axis_, range_));
    else
      windowed(m.x, m.window);
    m.x = 0;
    part_.body = m;
    return std::move(part_);
  }

  OpPart operator()(quantize::Sum s) {
    const Shape& y = shape(s.y);
    for (auto& t : s.terms) {
      const Shape& x = t.is_weight ? p_.weights[t.id].shape : shape(t.id);
      const auto k = aligned_axis(y, axis_, x);
      if (!t.is_weight) {
        const auto index = static_cast<std::uint32_t>(part_.reads.size());
        read(t.id, k ? part_box(x, *k, range_) : whole_box(x));
        t.id = index;
      } else {
        const auto index = static_cast<std::uint32_t>(part_.weights.size());
        if (k)
          leading(t.id, x, *k, range_);
        else
          all(t.id);
        t.id = index;
      }
    }
    if (is_channels(y, axis_)) cut_shifts(s.requant, range_);
    part_.body = std::move(s);
    return std::move(part_);
  }

  OpPart operator()(const quantize::Rearrange& r) {
    auto [body, reads] = cut_rearrange(p_, r, axis_, range_);
    part_.body = std::move(body);
    part_.reads = std::move(reads);
    return std::move(part_);
  }

 private:
  [[nodiscard]] const Shape& shape(quantize::TensorId id) const { return p_.tensors[id].shape; }
  void read(quantize::TensorId id, Box box) { part_.reads.push_back({id, std::move(box)}); }

  void windowed(quantize::TensorId x, quantize::Window& window) {
    const Shape& s = shape(x);
    read(x, part_box(s, axis_, axis_ == 0 ? range_ : cut_window(window, axis_ - 1, s[axis_], range_)));
  }

  void all(WeightId id) {
    const Shape& s = p_.weights[id].shape;
    part_.weights.push_back({id, 0, quantize::elements(s)});
    part_.w_shapes.push_back(s);
  }
  /// Entries of the first axis of a weight that is longer than one.
  void leading(WeightId id, Shape s, std::size_t k, const Range& entries) {
    const std::int64_t inner = quantize::elements(s) / s[k];
    s[k] = entries.end - entries.begin;
    part_.weights.push_back({id, entries.begin * inner, entries.end * inner});
    part_.w_shapes.push_back(std::move(s));
  }

  template <class Linear>
  OpPart linear(Linear& op) {
    op.x = 0;
    op.w = 0;
    if (op.bias) op.bias = 1;
    part_.body = std::move(op);
    return std::move(part_);
  }

  const Program& p_;
  std::uint32_t axis_;
  Range range_;
  OpPart part_;
};

}  // namespace

Box whole_box(const Shape& shape) { return {Shape(shape.size(), 0), shape}; }

Box part_box(const Shape& shape, std::uint32_t axis, const Range& range) {
  Box box = whole_box(shape);
  box.begin[axis] = range.begin;
  box.end[axis] = range.end;
  return box;
}

Shape box_shape(const Box& box) {
  Shape shape = box.end;
  for (std::size_t k = 0; k < shape.size(); ++k) shape[k] -= box.begin[k];
  return shape;
}

std::optional<std::uint32_t> cut_axis(const Shape& shape, const Box& box) {
  for (std::uint32_t k = 0; k < shape.size(); ++k)
    if (box.begin[k] != 0 || box.end[k] != shape[k]) return k;
  return std::nullopt;
}

std::int64_t tile_unit(const Program& program, const Op& op, std::uint32_t axis) {
  const Shape& y = program.tensors[quantize::op_output(op)].shape;
  const auto pool = [&](const auto& o) -> std::int64_t {
    if (axis == 0 || axis == 3) return 1;
    return reaches(o.window, axis - 1, program.tensors[o.x].shape[axis], y[axis]) ? 1 : 0;
  };
  return quantize::visit_body(
      Overloaded{[&](const quantize::Conv& c) -> std::int64_t {
                   if (axis == 3) return c.groups > 1 ? y[3] / c.groups : 1;
                   return pool(c);
                 },
                 [&](const quantize::Gemm& g) -> std::int64_t {
                   if (is_channels(y, axis)) return y.back() == program.weights[g.w].shape[0] ? 1 : 0;
                   return gemm_axis(program, g, axis) ? 1 : 0;
                 },
                 [&](const quantize::Sum& s) -> std::int64_t {
                   for (const auto& t : s.terms) {
                     if (!t.is_weight) continue;
                     const Shape& w = program.weights[t.id].shape;
                     const auto k = aligned_axis(y, axis, w);
                     if (k && before(w, *k) != 1) return 0;
                   }
                   return 1;
                 },
                 [&](const quantize::Rearrange& r) -> std::int64_t { return rearrange_letter(program, r, axis) ? 1 : 0; },
                 [&](const auto& o) -> std::int64_t {
                   if constexpr (requires { o.window; }) return pool(o);
                   return 0;
                 }},
      op.body);
}

OpPart cut_op(const Program& program, const Op& op, std::uint32_t axis, const Range& range) {
  return quantize::visit_body(Cutter(program, axis, range), op.body);
}

OpPart whole_op(const Program& program, const Op& op) {
  OpPart part;
  part.body = op.body;
  for (const quantize::TensorId id : quantize::op_inputs(op)) part.reads.push_back({id, whole_box(program.tensors[id].shape)});
  for (const WeightId id : quantize::op_weights(op)) {
    part.weights.push_back({id, 0, quantize::elements(program.weights[id].shape)});
    part.w_shapes.push_back(program.weights[id].shape);
  }
  std::uint32_t tensor = 0, weight = 0;
  quantize::each_operand(part.body, [&](quantize::TensorId& id) { id = tensor++; }, [&](WeightId& id) { id = weight++; });
  return part;
}

}  // namespace dsperse::slice
