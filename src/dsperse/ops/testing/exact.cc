#include "dsperse/ops/testing/exact.h"

#include <gtest/gtest.h>

#include "dsperse/ops/constrain.h"
#include "dsperse/ops/lower.h"
#include "dsperse/ops/registry.h"
#include "dsperse/relation/testing/checker.h"
#include "dsperse/run/float.h"
#include "dsperse/run/integer.h"
#include "dsperse/run/testing/slow_run.h"

namespace dsperse::ops::testing {

using model::DType;
using model::Graph;
using model::Shape;
using quantize::QuantizedModel;
using quantize::Sample;

namespace {

Result<QuantizedModel> quantized(const Graph& graph) {
  Rng rng(7);
  std::vector<Sample> data(2);
  for (auto& s : data)
    for (const auto& port : graph.inputs) {
      auto& t = s[port.name] = {port.dtype, port.shape, {}, {}};
      if (port.dtype == DType::f32)
        t.f = whole_numbers(rng, port.shape, 30);
      else
        for (std::int64_t i = 0; i < quantize::elements(port.shape); ++i) t.i.push_back(number(rng, 0, 5));
    }
  return quantize::quantize_model(
      graph, lowerings(),
      {[&graph](const Sample& sample) { return run::run_float(graph, float_operators(), sample); },
       [](const quantize::Program& p, const quantize::WeightStore& w) -> Result<quantize::RunInteger> {
         return [&p, &w](quantize::TensorStore& trace) { return run::testing::slow_run(p, w, trace); };
       }},
      data, {});
}

}  // namespace

std::int64_t number(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

Shape random_shape(Rng& rng, std::size_t rank, std::int64_t most) {
  Shape s;
  for (std::size_t k = 0; k < rank; ++k) s.push_back(number(rng, 1, most));
  return s;
}

std::string kinds(const QuantizedModel& m) {
  std::string s;
  for (const auto& op : m.program.ops) s += "CGSAMRTREXNDO"[op.body.index()];
  return s;
}

QuantizedModel expect_close(const Graph& graph, double error, const std::string& what) {
  const auto m = quantized(graph);
  if (!m) {
    ADD_FAILURE() << what << ": " << m.error().text();
    return {};
  }
  for (const auto& o : m->fidelity.outputs) EXPECT_LE(o.max_abs_error, error) << what << " " << o.name;
  const quantize::Program& p = m->program;
  Rng rng(1);
  quantize::TensorStore slow(p.tensors.size());
  for (const auto id : p.inputs)
    for (std::int64_t i = 0; i < quantize::elements(p.tensors[id].shape); ++i)
      slow[id].push_back(static_cast<std::int32_t>(number(rng, p.tensors[id].lo, p.tensors[id].hi)));
  quantize::TensorStore fast = slow;
  EXPECT_TRUE(run::testing::slow_run(p, m->weights, slow)) << what;
  const auto runner = run::IntegerRunner::create(p, m->weights);
  if (!runner || !runner->run(fast)) {
    ADD_FAILURE() << what << ": does not run";
    return {};
  }
  EXPECT_EQ(fast, slow) << what;
  const auto relation = constrain(p, p.inputs, {});
  if (!relation) {
    ADD_FAILURE() << what << ": " << relation.error().text();
    return {};
  }
  const relation::Values values(*relation, m->weights, slow);
  EXPECT_EQ(relation::testing::broken(*relation, relation::testing::assignment_of(values)), std::set<std::string>{}) << what;
  return *m;
}

QuantizedModel expect_moved(const Graph& graph, const std::string& what) { return expect_close(graph, 0, what); }

std::string problem(const Graph& graph) {
  const auto m = quantized(graph);
  return m ? "" : m.error().text();
}

}  // namespace dsperse::ops::testing
