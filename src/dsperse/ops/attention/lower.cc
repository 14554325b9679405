#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/attention/attention.h"
#include "dsperse/ops/lower.h"
#include "dsperse/quantize/limits.h"

namespace dsperse::ops {

Status lower_masked_softmax(quantize::Lowering& l, const model::Node& node) {
  DSPERSE_TRY(const quantize::Value x, l.tensor(node, 0));
  const model::Tensor* given = l.constant(node, 1);
  if (given == nullptr) return fail(ErrorKind::internal, "a softmax's mask is no constant");
  // The mask's axes up to the last that repeats are left out: its rows come again and again.
  const model::Shape& shape = x.view.shape;
  model::Shape mask = given->shape;
  mask.insert(mask.begin(), shape.size() - mask.size(), 1);
  std::size_t first = 0;
  while (first + 1 < shape.size() && mask[first] == 1) ++first;
  const model::Shape read(shape.begin() + static_cast<std::ptrdiff_t>(first), shape.end());
  const std::int64_t flags = quantize::elements(read);
  if (flags > static_cast<std::int64_t>(quantize::kMaxMask))
    return fail(ErrorKind::resource, "the mask has " + std::to_string(flags) + " entries, more than 2^22", node.inputs[1],
                "a mask that is the same for all heads and samples has fewer");
  quantize::Mask out{flags / shape.back(), {}};
  const model::Shape stored(mask.begin() + static_cast<std::ptrdiff_t>(first), mask.end());
  walk(read, broadcast_strides(stored, read), 0,
       [&](std::int64_t, std::int64_t i) { out.visible.push_back(given->i[static_cast<std::size_t>(i)] != 0 ? 1 : 0); });
  return l.softmax(node, x, shape.size() - 1, std::move(out));
}

}  // namespace dsperse::ops
