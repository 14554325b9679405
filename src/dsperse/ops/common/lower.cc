#include "dsperse/ops/common/lower.h"

namespace dsperse::ops {

NodeInputs::NodeInputs(const quantize::Lowering& l, const model::Node& node) : node_(node), opset_(l.graph().opset) {
  infos_.reserve(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const model::Tensor* constant = l.constant(node, i);
    if (constant != nullptr) {
      infos_.push_back({constant->dtype, constant->shape, constant});
    } else if (const auto it = l.graph().values.find(node.inputs[i]); it != l.graph().values.end()) {
      infos_.push_back({it->second.dtype, it->second.shape, nullptr});
    } else {
      pointers_.push_back(nullptr);
      continue;
    }
    pointers_.push_back(&infos_.back());
  }
}

quantize::Window program_window(const SpatialWindow& w) {
  quantize::Window out;
  for (std::size_t i = 0; i < w.kernel.size(); ++i) {
    const std::size_t k = 2 - w.kernel.size() + i;
    out.kernel[k] = w.kernel[i], out.stride[k] = w.stride[i], out.dilation[k] = w.dilation[i];
    out.pad_begin[k] = w.pad_begin[i], out.pad_end[k] = w.pad_end[i] + w.overhang[i];
  }
  return out;
}

}  // namespace dsperse::ops
