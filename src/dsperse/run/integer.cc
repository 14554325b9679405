#include "dsperse/run/integer.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "dsperse/quantize/limits.h"
#include "dsperse/run/op_runner.h"

namespace dsperse::run {
namespace {

using namespace quantize;  // NOLINT: ops, specs and stores

std::unexpected<Error> bad(std::string what, const std::string& where, std::string hint) {
  return fail(ErrorKind::bad_input, std::move(what), where, std::move(hint));
}

Status check_weights(const Program& program, const WeightStore& weights) {
  const std::string hint = "compile the model again; these weights belong to another program";
  if (weights.size() != program.weights.size())
    return bad(std::to_string(weights.size()) + " weight tensors for a program of " + std::to_string(program.weights.size()), {},
               hint);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const WeightSpec& spec = program.weights[i];
    const WeightValues& w = weights[i];
    if (std::cmp_not_equal(w.size(), elements(spec.shape)) || (!w.narrow.empty() && !w.wide.empty()))
      return bad(std::to_string(w.size()) + " values for a weight of " + std::to_string(elements(spec.shape)), spec.name, hint);
    const auto exceeds = [&](std::int64_t v) { return v < -spec.max_abs || v > spec.max_abs; };
    if (std::any_of(w.narrow.begin(), w.narrow.end(), exceeds) || std::any_of(w.wide.begin(), w.wide.end(), exceeds))
      return bad("a value exceeds the largest magnitude " + std::to_string(spec.max_abs), spec.name, hint);
  }
  for (const Op& op : program.ops)
    if (op_macs(program, op) != 0)  // the first weight is a factor
      if (const auto ids = op_weights(op); !ids.empty() && weights[ids[0]].narrow.empty())
        return bad("factors of products must be stored as 16-bit values", program.weights[ids[0]].name, hint);
  return {};
}

std::unique_ptr<OpRunner> prepare(const Program& program, const Op& op, const WeightStore& weights, ActivationTables& tables) {
  if (const auto* o = std::get_if<Sum>(&op.body)) return make_sum(program, *o, weights, tables);
  if (const auto* o = std::get_if<AveragePool>(&op.body)) return make_average(program, *o, tables);
  if (const auto* o = std::get_if<MaxPool>(&op.body)) return make_maximum(program, *o);
  if (const auto* o = std::get_if<Rearrange>(&op.body)) return make_rearrange(program, *o);
  if (const auto* o = std::get_if<Contract>(&op.body)) return make_contract(program, *o, weights, tables);
  if (const auto* o = std::get_if<Reduce>(&op.body)) return make_reduce(program, *o, tables);
  if (auto rows = make_row_op(program, op, weights, tables)) return rows;
  return make_linear(program, op, weights, tables);
}

}  // namespace

struct IntegerRunner::Impl {
  const Program& program;
  std::vector<std::unique_ptr<OpRunner>> ops;
};

IntegerRunner::IntegerRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IntegerRunner::IntegerRunner(IntegerRunner&&) noexcept = default;
IntegerRunner& IntegerRunner::operator=(IntegerRunner&&) noexcept = default;
IntegerRunner::~IntegerRunner() = default;

Result<IntegerRunner> IntegerRunner::create(const Program& program, const WeightStore& weights) {
  DSPERSE_CHECK_OK(check_weights(program, weights));
  auto impl = std::make_unique<Impl>(Impl{program, {}});
  ActivationTables tables;
  for (const Op& op : program.ops) impl->ops.push_back(prepare(program, op, weights, tables));
  return IntegerRunner(std::move(impl));
}

Status IntegerRunner::run(TensorStore& trace, RunStats* stats) const {
  const Program& program = impl_->program;
  const Kernels& k = kernels();
  trace.resize(program.tensors.size());
  for (const TensorId id : program.inputs) {
    const TensorSpec& spec = program.tensors[id];
    if (std::cmp_not_equal(trace[id].size(), elements(spec.shape)))
      return bad("input has " + std::to_string(trace[id].size()) + " elements, not " + std::to_string(elements(spec.shape)),
                 spec.name, "give a tensor of the model's input shape");
    std::int32_t low = 0, high = 0;
    k.extremes(trace[id].data(), static_cast<std::int64_t>(trace[id].size()), &low, &high);
    if (low < spec.lo || high > spec.hi)
      return bad("input has the value " + std::to_string(low < spec.lo ? low : high) + ", outside of [" +
                     std::to_string(spec.lo) + ", " + std::to_string(spec.hi) + "]",
                 spec.name, "quantize the input with the model's own exponent and clamp it");
  }
  if (stats != nullptr) stats->ops.assign(program.ops.size(), {});
  for (std::size_t i = 0; i < program.ops.size(); ++i) {
    const auto start = stats != nullptr ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point{};
    const TensorId y = op_output(program.ops[i]);
    trace[y].resize(static_cast<std::size_t>(elements(program.tensors[y].shape)));
    const std::uint64_t saturated = impl_->ops[i]->run(trace);
    if (stats != nullptr)
      stats->ops[i] = {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), saturated};
  }
  return {};
}

bool IntegerRunner::accumulate(std::size_t op, const TensorStore& trace, std::span<std::int64_t> acc) const {
  return impl_->ops[op]->accumulate(trace, acc);
}

}  // namespace dsperse::run
