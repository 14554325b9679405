// Resize and Upsample in mode nearest: data movement. The other modes are replaced by products before (expand.cc).
#include "dsperse/ops/common/lower.h"

#include "dsperse/ops/lower.h"
#include "dsperse/ops/movement/move.h"
#include "dsperse/ops/resize/resize.h"

namespace dsperse::ops {

Status lower_resize(quantize::Lowering& l, const model::Node& node) {
  const NodeInputs inputs(l, node);
  DSPERSE_TRY(const Resizing r, resolve_resize(inputs.call()));
  if (!r.nearest)
    return fail(ErrorKind::unsupported, "this mode has no integer form yet", "attribute 'mode'", "use mode 'nearest' in the model");
  return lower_moved(l, node, {0}, evaluate_resize, static_cast<double>(r.extrapolation));
}

}  // namespace dsperse::ops
