// Lowering: where tensors lie, and the Rearranges that bring them elsewhere.
#include <algorithm>

#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::quantize {

Lowering::Place Lowering::axes_place(const Shape& shape, const std::vector<std::uint32_t>& axes) {
  Place p{{}, {}, axes};
  std::vector<std::uint32_t> perm;
  for (const auto a : axes) {
    p.spec.push_back(a == kUnit ? 1 : shape[a]);
    if (a != kUnit) perm.push_back(a);
  }
  p.view = stored_as(shape, perm);
  return p;
}

Result<Lowering::Place> Lowering::logical_place(const Shape& shape) {
  if (shape.size() > kMaxProgramRank) return fail(ErrorKind::unsupported, "a tensor has more than 8 axes");
  std::vector<std::uint32_t> axes;
  for (std::uint32_t k = 0; k < shape.size(); ++k) axes.push_back(k);
  if (axes.empty()) axes.push_back(kUnit);
  return axes_place(shape, axes);
}

Result<Lowering::Place> Lowering::channels_last(const Shape& shape) {
  switch (shape.size()) {
    case 2:
      return axes_place(shape, {0, kUnit, kUnit, 1});
    case 3:
      return axes_place(shape, {0, kUnit, 2, 1});
    case 4:
      return axes_place(shape, {0, 2, 3, 1});
    default:
      return fail(
          ErrorKind::unsupported,
          "has " + std::to_string(shape.size()) + " axes; images (N, C, H, W), sequences (N, C, L) and rows (N, C) have a form",
          {}, "3-D convolution and pooling are not supported");
  }
}

std::optional<Lowering::Place> Lowering::place_of(const Value& x) const {
  const auto perm = axis_order(x.view);
  if (!perm) return std::nullopt;
  Place p{x.view, spec(x.id), {}};
  auto next = perm->begin();
  for (const auto d : p.spec) {
    while (next != perm->end() && x.view.shape[*next] == 1) ++next;
    if (d == 1) {
      p.axes.push_back(kUnit);
    } else if (next != perm->end() && x.view.shape[*next] == d) {
      p.axes.push_back(*next++);
    } else {
      return std::nullopt;
    }
  }
  return p;
}

Value Lowering::at(const model::Node& node, const Value& x, const Place& to, bool fresh) {
  const auto significant = [](Shape s) {
    while (s.size() > 1 && s.front() == 1) s.erase(s.begin());
    return s;
  };
  // A Sum takes no operand with more axes than its result, not even of size 1.
  if (!fresh && x.view == to.view && spec(x.id).size() <= to.spec.size() && significant(spec(x.id)) == significant(to.spec))
    return x;
  std::string key = x.name + "|" + std::to_string(x.id);
  for (const auto a : to.axes) key.append(" ").append(std::to_string(a));
  for (const auto d : to.spec) key.append("x").append(std::to_string(d));
  if (const auto it = copies_.find(key); it != copies_.end() && !fresh) return it->second;

  // Letters: the factors of x in the order of `to`.
  const auto counts = factors_of_axes(x.view);
  std::vector<std::uint32_t> first(counts.size() + 1, 0), letter(x.view.factors.size());
  for (std::size_t k = 0; k < counts.size(); ++k) first[k + 1] = first[k] + static_cast<std::uint32_t>(counts[k]);
  Rearrange r;
  for (const auto axis : to.axes) {
    if (axis == kUnit) continue;
    for (std::uint32_t f = first[axis]; f < first[axis + 1]; ++f) {
      letter[f] = static_cast<std::uint32_t>(r.y_axes.size());
      r.y_axes.push_back(x.view.factors[f]);
    }
  }
  Rearrange::Piece piece{x.id, {}, {}};
  for (const auto f : x.view.order) {
    piece.x_axes.push_back(x.view.factors[f]);
    piece.maps.push_back({0, {{letter[f], 1}}});
  }
  if (r.y_axes.empty()) {
    r.y_axes = piece.x_axes = {1};
    piece.maps = {{0, {{0, 1}}}};
  }
  r.pieces = {piece};
  // The copy is bound under a name of its own, so that it cannot be taken for the ONNX tensor.
  const std::string name = x.name + " layout " + std::to_string(draft_.tensors.size());
  const TensorId y = add_op(node.name + " layout", "Transpose", name, r, to.spec, to.view);
  draft_.tensors[y] = origin_of(x);
  draft_.tensors[y].view = to.view;
  values_.erase(name);
  const Value copy{x.name, y, to.view, false};
  if (!fresh) copies_.emplace(std::move(key), copy);
  return copy;
}

Result<Value> Lowering::image(const model::Node& node, const Value& x) {
  DSPERSE_TRY(const Place to, channels_last(x.view.shape));
  return at(node, x, to);
}

Status Lowering::reshape(const model::Node& node, const Value& x) {
  const Shape& to = shape(node.outputs[0]);
  if (auto view = reshaped(x.view, to)) {
    alias(node, x, *std::move(view));
    return {};
  }
  DSPERSE_TRY(const Place rows, logical_place(x.view.shape));
  const Value moved = at(node, x, rows);
  alias(node, moved, *reshaped(moved.view, to));
  return {};
}

Result<Lowering::Place> Lowering::like(const Value& x, const Shape& out) const {
  if (const auto images = channels_last(x.view.shape); images && x.view == images->view && spec(x.id) == images->spec)
    return channels_last(out);
  const auto perm = *axis_order(x.view);
  return perm.empty() ? logical_place(out) : axes_place(out, perm);
}

Status Lowering::place(const model::Node& node, std::vector<Placed> pieces, double fill) {
  const Shape& out = shape(node.outputs[0]);
  DSPERSE_TRY(Place to, logical_place(out));
  bool first = true;
  for (auto& piece : pieces) {  // every axis of a piece must lie in one run; the first piece decides the layout
    if (!axis_order(piece.x.view)) {
      DSPERSE_TRY(const Place rows, logical_place(piece.x.view.shape));
      piece.x = at(node, piece.x, rows);
    }
    if (first) {
      DSPERSE_TRY(to, like(piece.x, out));
    }
    first = false;
  }
  Rearrange r;
  std::vector<std::uint32_t> letter(out.size(), 0);
  for (const auto axis : to.axes) {
    if (axis == kUnit) continue;
    letter[axis] = static_cast<std::uint32_t>(r.y_axes.size());
    r.y_axes.push_back(out[axis]);
  }
  for (const auto& [x, offset] : pieces) {
    Rearrange::Piece piece{x.id, {}, {}};
    const auto perm = *axis_order(x.view);
    for (const auto axis : perm) {
      piece.x_axes.push_back(x.view.shape[axis]);
      piece.maps.push_back({-offset[axis], {{letter[axis], 1}}});
    }
    r.pieces.push_back(std::move(piece));
  }
  if (r.pieces.size() > kMaxPieces) return fail(ErrorKind::unsupported, "more than 256 pieces");
  add_op(node.name, node.op, node.outputs[0], r, to.spec, to.view, fill);
  return {};
}

}  // namespace dsperse::quantize
