#include "dsperse/slice/cost.h"

#include <algorithm>
#include <cmath>

namespace dsperse::slice {
namespace {

using quantize::elements;

std::uint64_t count(const quantize::Shape& shape) { return static_cast<std::uint64_t>(elements(shape)); }

/// Limbs of the longest remainder.
std::int64_t limb_count(const std::vector<std::int32_t>& shift, std::int64_t limb_bits) {
  const std::int64_t most = *std::max_element(shift.begin(), shift.end());
  return most <= 0 ? 0 : (most + limb_bits - 1) / limb_bits;
}

}  // namespace

const CostModel& cost_model() {
  static const CostModel model;
  return model;
}

Tally::Tally(const quantize::Program& program, const std::vector<bool>& is_public)
    : program_(program),
      is_public_(is_public),
      seen_(program.tensors.size(), false),
      seen_weight_(program.weights.size(), false) {}

void Tally::add(const quantize::Op& op) {
  macs_ += quantize::op_macs(program_, op);
  for (const quantize::WeightId w : quantize::op_weights(op)) {
    if (!seen_weight_[w]) weight_symbols_ += count(program_.weights[w].shape);
    seen_weight_[w] = true;
  }
  for (const quantize::TensorId id : quantize::op_inputs(op)) {
    if (seen_[id]) continue;
    seen_[id] = true;
    if (is_public_[id]) continue;
    const quantize::TensorSpec& spec = program_.tensors[id];
    symbols_ += count(spec.shape);
    lookups_ += count(spec.shape);
    ranges_.insert({spec.lo, spec.hi});
  }
  const quantize::TensorId y = quantize::op_output(op);
  seen_[y] = true;
  if (!is_public_[y]) symbols_ += count(program_.tensors[y].shape);
  if (const quantize::Requant* requant = quantize::op_requant(op))
    add_requantization(op, *requant, elements(program_.tensors[y].shape));
  if (const auto* maximum = std::get_if<quantize::MaxPool>(&op.body)) add_maximum(*maximum);
}

void Tally::add_requantization(const quantize::Op& op, const quantize::Requant& requant, std::int64_t sites) {
  const quantize::Activation& a = requant.activation;
  const std::int64_t limb_bits = cost_model().limb_bits, limbs = limb_count(requant.shift, limb_bits);
  for (std::int64_t i = 0; i < limbs; ++i)
    for (const std::int32_t s : requant.shift) limb_widths_.insert(std::clamp<std::int64_t>(s - limb_bits * i, 0, limb_bits));
  const auto n = static_cast<std::uint64_t>(sites), remainders = static_cast<std::uint64_t>(limbs) * n;
  lookups_ += remainders + n;  // limbs, activation
  symbols_ += remainders;
  const bool grid = a.f == quantize::Function::sigmoid || a.f == quantize::Function::tanh;
  Group& group = groups_[{static_cast<std::int64_t>(a.f), grid ? a.in_exponent : 0, grid ? a.out_exponent : 0, a.lo, a.hi, a.a,
                          a.b, static_cast<std::int64_t>(requant.clamp_bits)}];
  // A checked program has a bound for every op.
  group.v_max =
      std::max(group.v_max, quantize::rounded_bound(requant, quantize::accumulator_bound(program_, op).value_or(0)) + 1);
  group.c = std::int64_t{1} << requant.clamp_bits;
  group.sites += sites;
}

void Tally::add_maximum(const quantize::MaxPool& op) {
  const quantize::TensorSpec& x = program_.tensors[op.x];
  const quantize::Shape& y = program_.tensors[op.y].shape;
  const auto [rows, columns] = op.window.kernel;
  // One lookup a tap and site but the first, columns before rows; each but the one that makes y has a committed rise.
  const std::uint64_t column_sites = count({x.shape[0], x.shape[1], y[2], y[3]});
  const std::uint64_t column_lookups = static_cast<std::uint64_t>(columns - 1) * column_sites;
  const std::uint64_t row_lookups = static_cast<std::uint64_t>(rows - 1) * count(y);
  if (column_lookups + row_lookups == 0) return;
  relu_ranges_.insert(x.hi - x.lo);
  lookups_ += column_lookups + row_lookups;
  const bool ends_in_y = rows > 1 || column_sites == count(y);
  symbols_ += column_lookups + row_lookups - (ends_in_y ? count(y) : 0);
}

Cost Tally::cost(const CostModel& model) const {
  std::uint64_t lookups = lookups_, symbols = symbols_, rows = 0;
  for (const auto& [lo, hi] : ranges_) rows += static_cast<std::uint64_t>(hi - lo + 1);
  for (const std::int64_t range : relu_ranges_) rows += static_cast<std::uint64_t>(2 * range + 1);
  for (const std::int64_t width : limb_widths_) rows += std::uint64_t{1} << width;
  std::set<std::pair<std::int64_t, std::int64_t>> offsets;
  for (const auto& [key, group] : groups_) {
    const std::int64_t steps = (group.v_max + group.c - 1) / group.c;
    const std::int64_t wide = 2 * group.v_max + 1, saturating = 4 * group.c, offset = 2 * steps + 1;
    if (wide <= model.wide_rows || wide <= saturating + offset) {
      rows += static_cast<std::uint64_t>(wide);
      continue;
    }
    lookups += static_cast<std::uint64_t>(group.sites);
    symbols += static_cast<std::uint64_t>(group.sites);
    rows += static_cast<std::uint64_t>(saturating);
    if (offsets.insert({group.v_max, group.c}).second) rows += static_cast<std::uint64_t>(offset);
  }
  Cost out;
  out.macs = macs_;
  out.lookups = lookups + rows;
  out.weight_symbols = weight_symbols_;
  out.witness_symbols = symbols + rows;  // every row has a multiplicity
  const auto macs = static_cast<double>(out.macs), leaves = static_cast<double>(out.lookups);
  const auto weights = static_cast<double>(out.weight_symbols), witness = static_cast<double>(out.witness_symbols);
  out.prove_seconds = model.seconds_fixed + model.seconds_per_mac * macs + model.seconds_per_lookup * leaves +
                      model.seconds_per_weight_symbol * weights + model.seconds_per_witness_symbol * witness;
  out.peak_bytes = static_cast<std::uint64_t>(model.bytes_fixed + model.bytes_per_lookup * leaves +
                                              model.bytes_per_weight_symbol * weights + model.bytes_per_witness_symbol * witness);
  out.proof_bytes =
      static_cast<std::uint64_t>(model.proof_bytes_fixed + (out.weight_symbols != 0 ? model.proof_bytes_weights : 0) +
                                 model.proof_bytes_per_root * (std::sqrt(weights) + std::sqrt(witness)));
  return out;
}

}  // namespace dsperse::slice
