// Shared by the operators' lowerings: the call that schemas take, windows in the Program's form.
//
// Not here: layouts (quantize/lowering.h). Tested by ops/lower_test.cc.
#pragma once

#include <vector>

#include "dsperse/ops/common/window.h"
#include "dsperse/quantize/lowering.h"

namespace dsperse::ops {

/// What the schema helpers (clip_bounds, resolve_pads, ...) read: shapes and constants of a node's inputs.
class NodeInputs {
 public:
  NodeInputs(const quantize::Lowering& l, const model::Node& node);
  [[nodiscard]] model::InferCall call() const { return {node_, opset_, pointers_}; }

 private:
  const model::Node& node_;
  std::int64_t opset_;
  std::vector<model::ValueInfo> infos_;
  std::vector<const model::ValueInfo*> pointers_;
};

/// A 1-D window lies on axis 1. The last windows of ceil_mode reach beyond the declared padding.
quantize::Window program_window(const SpatialWindow& w);

}  // namespace dsperse::ops
