// Graphs of one or a few nodes through quantization, both integer interpreters and the constraints, for tests.
//
// Product targets don't link this. Tested through ops/movement_test.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsperse/ops/testing/graphs.h"
#include "dsperse/quantize/quantize.h"

namespace dsperse::ops::testing {

using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, model::Attribute>;

std::int64_t number(Rng& rng, std::int64_t low, std::int64_t high);
/// Dimensions 1..most.
model::Shape random_shape(Rng& rng, std::size_t rank, std::int64_t most = 5);

/// Kinds of the program's ops: C(onv) G(emm) S(um) A(verage) M(ax) R(earrange) (con)T(ract) (r)E(duce) ...
std::string kinds(const quantize::QuantizedModel& m);
/// Whole numbers in, outputs exactly the float model's; both interpreters alike on random integers; all constraints hold.
quantize::QuantizedModel expect_moved(const model::Graph& graph, const std::string& what);
/// The same, with outputs as close as `error`.
quantize::QuantizedModel expect_close(const model::Graph& graph, double error, const std::string& what);
/// The error of quantization, or "".
std::string problem(const model::Graph& graph);

}  // namespace dsperse::ops::testing
