// Shared by the operators' schemas and float evaluations: arity, axes, broadcasting, constant inputs.
//
// Not here: windows (ops/common/window.h), any one operator. Errors carry the attribute or input in `where`; the passes add the
// node. Tested by ops/schema_test.cc.
#pragma once

#include <string>
#include <vector>

#include "dsperse/model/operator.h"

namespace dsperse::ops {

using Inferred = Result<std::vector<model::ValueInfo>>;
using Evaluated = Result<std::vector<model::Tensor>>;

/// At least `min` and at most `max` inputs, the first `min` present.
[[nodiscard]] Status expect_inputs(const model::InferCall& call, std::size_t min, std::size_t max);
/// Input i was given and is not empty.
inline bool has_input(const model::InferCall& call, std::size_t i) { return i < call.inputs.size() && call.inputs[i] != nullptr; }
inline bool has_input(const model::EvaluateCall& call, std::size_t i) {
  return i < call.inputs.size() && call.inputs[i] != nullptr;
}
/// "input 2 ('W')" for errors.
std::string input_text(const model::Node& node, std::size_t i);
/// Input i must be float.
[[nodiscard]] Status expect_float(const model::InferCall& call, std::size_t i);
[[nodiscard]] Status expect_rank(const model::InferCall& call, std::size_t i, std::size_t min, std::size_t max);

/// The one output, its element count checked.
Inferred one_output(model::DType dtype, model::Shape shape);
/// An evaluation's inputs as shape inference sees them: every one known.
class KnownInputs {
 public:
  explicit KnownInputs(const model::EvaluateCall& call);
  [[nodiscard]] model::InferCall call() const { return {node_, opset_, views_}; }

 private:
  const model::Node& node_;
  std::int64_t opset_;
  std::vector<model::ValueInfo> infos_;
  std::vector<const model::ValueInfo*> views_;
};
/// Outputs by shape inference; the first thing every evaluation does.
Inferred infer_outputs(const model::EvaluateCall& call, Inferred (*infer)(const model::InferCall&));
/// A tensor of zeros.
model::Tensor zeros(const model::ValueInfo& info);

/// axis in [-rank, rank) as one in [0, rank); `extent` is the rank, or rank + 1 where a position past the end is meant.
[[nodiscard]] Result<std::size_t> normal_axis(std::int64_t axis, std::size_t extent, const std::string& where);
/// The integers of constant input i (rank 0 or 1); unsupported if it is not constant.
[[nodiscard]] Result<std::vector<std::int64_t>> constant_ints(const model::InferCall& call, std::size_t i);
/// Distinct axes from an attribute (opset < since) or a constant input i; empty optional: none given.
struct Axes {
  bool given = false;
  std::vector<std::int64_t> values;
};
[[nodiscard]] Result<Axes> axes_of(const model::InferCall& call, std::int64_t since, std::size_t i);

/// NumPy broadcasting of two shapes.
[[nodiscard]] Result<model::Shape> broadcast(const model::Shape& a, const model::Shape& b);

/// Row-major strides.
std::vector<std::int64_t> strides_of(const model::Shape& shape);
/// Strides of `shape` over the axes of `out` that it broadcasts to; 0 where it repeats.
std::vector<std::int64_t> broadcast_strides(const model::Shape& shape, const model::Shape& out);

/// body(out_index, index) for every element of `out` in order; index = offset + sum of stride * position.
template <class Body>
void walk(const model::Shape& out, const std::vector<std::int64_t>& strides, std::int64_t offset, Body body) {
  std::int64_t count = 1;
  for (const std::int64_t d : out) count *= d;
  if (count == 0) return;
  const std::int64_t inner = out.empty() ? 1 : out.back(), step = out.empty() ? 0 : strides.back();
  std::vector<std::int64_t> at(out.size(), 0);
  for (std::int64_t done = 0; done < count; done += inner) {
    for (std::int64_t j = 0; j < inner; ++j) body(done + j, offset + j * step);
    for (std::size_t axis = out.size() < 2 ? 0 : out.size() - 1; axis-- > 0;) {
      offset += strides[axis];
      if (++at[axis] < out[axis]) break;
      offset -= strides[axis] * out[axis];
      at[axis] = 0;
    }
  }
}

}  // namespace dsperse::ops
