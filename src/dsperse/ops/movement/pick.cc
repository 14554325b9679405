#include "dsperse/ops/movement/pick.h"

namespace dsperse::ops {

using model::DType;
using model::Shape;
using model::Tensor;

void set(Tensor& y, std::int64_t i, const Tensor& x, std::int64_t j) {
  if (y.dtype == DType::f32)
    y.f[static_cast<std::size_t>(i)] = x.f[static_cast<std::size_t>(j)];
  else
    y.i[static_cast<std::size_t>(i)] = x.i[static_cast<std::size_t>(j)];
}

Tensor pick(const Tensor& x, Shape shape, const std::vector<std::int64_t>& index) {
  Tensor y = zeros({x.dtype, std::move(shape), nullptr});
  for (std::size_t i = 0; i < index.size(); ++i)
    if (index[i] >= 0) set(y, static_cast<std::int64_t>(i), x, index[i]);
  return y;
}

std::vector<std::int64_t> index_along(const std::vector<std::vector<std::int64_t>>& along) {
  std::vector<std::int64_t> index{0};
  for (const auto& axis : along) {
    std::vector<std::int64_t> next;
    next.reserve(index.size() * axis.size());
    for (const std::int64_t before : index)
      for (const std::int64_t v : axis) next.push_back(before < 0 || v < 0 ? -1 : before + v);
    index = std::move(next);
  }
  return index;
}

AxisSplit split_at(const Shape& shape, std::size_t axis) {
  AxisSplit s{1, shape[axis], 1};
  for (std::size_t k = 0; k < shape.size(); ++k)
    if (k != axis) (k < axis ? s.outer : s.inner) *= shape[k];
  return s;
}

Result<std::int64_t> normal_index(const model::Node& node, std::size_t i, std::int64_t index, std::int64_t extent) {
  if (index < -extent || index >= extent)
    return fail(ErrorKind::bad_input, "index " + std::to_string(index) + " is outside of " + std::to_string(extent),
                input_text(node, i));
  return index < 0 ? index + extent : index;
}

}  // namespace dsperse::ops
