// What an element-wise node computes, as one real function: the single source of its float values, of its tables, and of the
// tables of whole chains of such nodes (model/points.h).
//
// Tested by ops/points_test.cc.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "dsperse/ops/common/schema.h"

namespace dsperse::ops {

/// One element of the output from one element of every input, in double; booleans are 0 and 1. An absent input reads as NaN.
using Real = std::function<double(std::span<const double>)>;

/// What the body of a Points node computes; an error names what is wrong with it.
[[nodiscard]] Result<Real> joined_function(const model::InferCall& call);

/// Every element of the output depends on one element of each input, as `real_function` says.
bool is_elementwise(std::string_view op);
/// The node's function; nothing if it is not element-wise. Reads dtypes and attributes,
/// no shapes; of constants only a zero point's type.
[[nodiscard]] Result<std::optional<Real>> real_function(const model::InferCall& call);

}  // namespace dsperse::ops
