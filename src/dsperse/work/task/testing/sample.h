// Tasks and answers for tests; names make values.
#pragma once

#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/work/task/task.h"

namespace dsperse::work::testing {

using trust::testing::named;

/// Chunks 3 (hidden) and 5 (public) go in, 9 (public) lives beside them; 7 (hidden) and 8 (public) are made; 3 and 8 end.
inline SliceTask sample_task(bool prove = false) {
  SliceTask t;
  t.run = named("run"), t.model = named("model"), t.slice_key = named("slice"), t.nonce = named("nonce");
  t.slice = 2;
  t.package = named("package"), t.weights = named("weights");
  t.inputs = {{3, named("values 3"), named("seed 3")}, {5, named("values 5"), std::nullopt}};
  t.outputs = {{7, named("seed 7")}, {8, std::nullopt}};
  t.live = {{3, named("root 3")}, {5, named("root 5")}, {9, named("root 9")}};
  t.ended = {3, 8};
  t.prove = prove;
  if (prove) t.opening = WeightOpening{named("tree"), named("tree seed"), 4};
  return t;
}

inline Opened sample_opened() {
  return {{named("h_out"), named("salt")}, {'t', 'e', 'x', 't'}, {{7, named("values 7")}, {8, named("values 8")}}};
}
inline Proved sample_proved() {
  const Opened o = sample_opened();
  return {o.opening, o.receipt, o.outputs, named("proof")};
}

}  // namespace dsperse::work::testing
