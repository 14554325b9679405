#include "dsperse/slice/counts.h"

#include <algorithm>
#include <bit>

namespace dsperse::slice {
namespace {

using quantize::elements;
using quantize::Program;
using quantize::TensorId;

std::uint64_t count(const quantize::Shape& shape) { return static_cast<std::uint64_t>(elements(shape)); }

/// Elements of a block of leaves: every axis a power of two.
std::uint64_t padded(const quantize::Shape& shape) {
  std::uint64_t n = 1;
  for (const std::int64_t axis : shape) n *= std::bit_ceil(static_cast<std::uint64_t>(axis));
  return n;
}

/// Limbs of the longest remainder.
std::int64_t limb_count(const std::vector<std::int32_t>& shift) {
  const std::int64_t most = *std::max_element(shift.begin(), shift.end());
  return most <= 0 ? 0 : (most + Tally::kLimbBits - 1) / Tally::kLimbBits;
}

std::uint64_t bits_for(std::int64_t n) { return static_cast<std::uint64_t>(std::bit_width(static_cast<std::uint64_t>(n) - 1)); }

/// Digits of 14 bits of a wide weight's range proof, per side; 0: one lookup does.
std::uint64_t range_digits(std::int64_t max_abs) {
  if (max_abs < (std::int64_t{1} << 15)) return 0;
  std::uint64_t digits = 1;
  while ((static_cast<__int128>(1) << (14 * digits)) <= 2 * static_cast<__int128>(max_abs)) ++digits;
  return digits;
}

}  // namespace

Tally::Facts::Facts(const Program& p)
    : program(p), is_public(p.tensors.size(), false), last_reader(p.tensors.size(), 0), bound(p.ops.size(), 0) {
  for (const TensorId id : p.inputs) is_public[id] = true;
  for (const TensorId id : p.outputs) is_public[id] = true;
  for (std::uint32_t i = 0; i < p.ops.size(); ++i) {
    for (const TensorId id : quantize::op_inputs(p.ops[i])) last_reader[id] = i;
    macs.push_back(quantize::op_macs(p, p.ops[i]));
    // A checked program has a bound for every op.
    if (const quantize::Requant* requant = quantize::op_requant(p.ops[i]))
      bound[i] = quantize::rounded_bound(*requant, quantize::accumulator_bound(p, p.ops[i]).value_or(0));
  }
}

Tally::Tally(const Facts& facts, unsigned boundary_c)
    : facts_(facts),
      boundary_c_(boundary_c),
      seen_(facts.program.tensors.size(), false),
      made_(facts.program.tensors.size(), false),
      seen_weight_(facts.program.weights.size(), false) {}

void Tally::add(std::uint32_t index) {
  const Program& p = facts_.program;
  const quantize::Op& op = p.ops[index];
  ++sum_.ops;
  sum_.macs += facts_.macs[index];
  for (const quantize::WeightId w : quantize::op_weights(op)) add_weight(w);
  for (const TensorId id : quantize::op_inputs(op)) {
    if (seen_[id]) continue;
    seen_[id] = true;
    const quantize::TensorSpec& spec = p.tensors[id];
    const std::uint64_t n = count(spec.shape);
    sum_.values += n;
    if (facts_.is_public[id]) {
      sum_.public_values += n;
      continue;
    }
    boundary(n, true, true);
    look_up(spec.shape, 1);
    ranges_.insert({spec.lo, spec.hi});
  }
  const TensorId y = quantize::op_output(op);
  const std::uint64_t n = count(p.tensors[y].shape);
  seen_[y] = made_[y] = true;
  sum_.values += n;
  sum_.largest = std::max(sum_.largest, n);
  if (facts_.is_public[y]) {
    sum_.public_values += n;
  } else {
    boundary(n, false, true);
    open_.push_back(y);
  }
  // What nobody reads after this op lies in the witness tree.
  std::erase_if(open_, [&](TensorId id) {
    if (facts_.last_reader[id] > index) return false;
    boundary(count(p.tensors[id].shape), false, false);
    sum_.witness += count(p.tensors[id].shape);
    return true;
  });
  if (facts_.macs[index] != 0) add_product(op);
  if (const quantize::Requant* requant = quantize::op_requant(op)) add_requantization(index, *requant, p.tensors[y].shape);
  if (const auto* maximum = std::get_if<quantize::MaxPool>(&op.body)) add_maximum(*maximum);
}

void Tally::boundary(std::uint64_t symbols, bool in, bool add) {
  const std::uint64_t rows = (symbols + (std::uint64_t{1} << boundary_c_) - 1) >> boundary_c_, tiles = (rows + 7) / 8;
  std::uint64_t& to = in ? sum_.read : sum_.written;
  if (add) {
    to += symbols, ++sum_.boundaries, sum_.boundary_rows += rows, sum_.chunks += tiles;
    boundary_sizes_.insert(symbols);
  } else {
    to -= symbols, --sum_.boundaries, sum_.boundary_rows -= rows, sum_.chunks -= tiles;
    boundary_sizes_.erase(boundary_sizes_.find(symbols));
  }
}

void Tally::look_up(const Shape& site, std::uint64_t columns) {
  const std::uint64_t n = count(site);
  sum_.lookups += n;
  sum_.columns += columns * n;
  padded_ += padded(site);
}

void Tally::add_weight(quantize::WeightId w) {
  if (seen_weight_[w]) return;
  seen_weight_[w] = true;
  const quantize::WeightSpec& spec = facts_.program.weights[w];
  const std::uint64_t n = count(spec.shape), digits = range_digits(spec.max_abs);
  sum_.weights += n;
  sum_.weight_bytes += n * (digits == 0 ? 2 : 8);
  sum_.largest_weight = std::max(sum_.largest_weight, n);
  sum_.digits += 2 * digits * n;
  sum_.range_lookups += std::max<std::uint64_t>(1, 2 * digits) * n;
  range_padded_ += std::max<std::uint64_t>(1, 2 * digits) * std::bit_ceil(n);
  weight_ranges_.insert(digits == 0 ? spec.max_abs : 0);
}

void Tally::add_product(const quantize::Op& op) {
  const Program& p = facts_.program;
  const quantize::Shape& x = p.tensors[quantize::op_inputs(op)[0]].shape;
  const quantize::Shape& w = p.weights[quantize::op_weights(op)[0]].shape;
  sum_.accumulators += count(p.tensors[quantize::op_output(op)].shape);
  if (const auto* conv = std::get_if<quantize::Conv>(&op.body)) {
    sum_.folds += count(x) * static_cast<std::uint64_t>(w[1]) + count(w);
    sum_.rounds += bits_for(conv->groups) + bits_for(w[1]) + bits_for(w[2]) + bits_for(w[3]);
  } else {
    sum_.folds += count(x) + count(w);
    sum_.rounds += bits_for(w[1]);
  }
}

void Tally::add_requantization(std::uint32_t op, const quantize::Requant& requant, const Shape& shape) {
  const quantize::Op& body = facts_.program.ops[op];
  const quantize::Activation& a = requant.activation;
  // A matrix product's site is (rows, outputs), whatever its tensor's axes.
  Shape site = shape.empty() ? Shape{1} : shape;
  if (std::holds_alternative<quantize::Gemm>(body.body)) {
    const std::int64_t outputs = facts_.program.weights[quantize::op_weights(body)[0]].shape[0];
    site = {elements(shape) / outputs, outputs};
  }
  const std::int64_t limbs = limb_count(requant.shift);
  for (std::int64_t i = 0; i < limbs; ++i) {
    for (const std::int32_t s : requant.shift) limb_widths_.insert(std::clamp<std::int64_t>(s - kLimbBits * i, 0, kLimbBits));
    look_up(site, 2);
    sum_.auxiliary += count(site);
  }
  look_up(site, 2);  // activation
  const bool grid = a.f == quantize::Function::sigmoid || a.f == quantize::Function::tanh;
  Group& group = groups_[{static_cast<std::int64_t>(a.f), grid ? a.in_exponent : 0, grid ? a.out_exponent : 0, a.lo, a.hi, a.a,
                          a.b, static_cast<std::int64_t>(requant.clamp_bits)}];
  group.v_max = std::max(group.v_max, facts_.bound[op] + 1);
  group.c = std::int64_t{1} << requant.clamp_bits;
  group.sites += count(site);
  group.padded += padded(site);
}

void Tally::add_maximum(const quantize::MaxPool& op) {
  const quantize::TensorSpec& x = facts_.program.tensors[op.x];
  const quantize::Shape& y = facts_.program.tensors[op.y].shape;
  const auto [rows, columns] = op.window.kernel;
  // One lookup a tap and site but the first, columns before rows; each but the one that makes y has a committed rise.
  const Shape site{x.shape[0], x.shape[1], y[2], y[3]};
  if (rows == 1 && columns == 1) return;
  for (std::int64_t j = 1; j < columns; ++j) look_up(site, 2);
  for (std::int64_t j = 1; j < rows; ++j) look_up(y, 2);
  relu_ranges_.insert(x.hi - x.lo);
  const std::uint64_t all =
      static_cast<std::uint64_t>(columns - 1) * count(site) + static_cast<std::uint64_t>(rows - 1) * count(y);
  const bool ends_in_y = rows > 1 || count(site) == count(y);
  sum_.auxiliary += all - (ends_in_y ? count(y) : 0);
}

Counts Tally::counts() const {
  Counts out = sum_;
  std::uint64_t leaves = padded_;
  for (const auto& [lo, hi] : ranges_) out.table_rows += static_cast<std::uint64_t>(hi - lo + 1);
  for (const std::int64_t range : relu_ranges_) out.table_rows += static_cast<std::uint64_t>(2 * range + 1);
  for (const std::int64_t width : limb_widths_) out.table_rows += std::uint64_t{1} << width;
  std::set<std::pair<std::int64_t, std::int64_t>> offsets;
  for (const auto& [key, group] : groups_) {
    const std::int64_t steps = (group.v_max + group.c - 1) / group.c;
    const std::int64_t wide = 2 * group.v_max + 1, saturating = 4 * group.c, offset = 2 * steps + 1;
    if (wide <= kWideRows || wide <= saturating + offset) {
      out.table_rows += static_cast<std::uint64_t>(wide);
      continue;
    }
    out.lookups += group.sites;
    out.columns += group.sites;
    out.auxiliary += group.sites;
    leaves += group.padded;
    out.table_rows += static_cast<std::uint64_t>(saturating);
    if (offsets.insert({group.v_max, group.c}).second) out.table_rows += static_cast<std::uint64_t>(offset);
  }
  out.leaves = out.lookups == 0 ? 0 : std::bit_ceil(leaves);
  out.witness += out.auxiliary + out.table_rows;
  for (const std::int64_t range : weight_ranges_)
    out.range_rows += range == 0 ? std::uint64_t{1} << 14 : static_cast<std::uint64_t>(2 * range + 1);
  out.range_leaves = out.range_lookups == 0 ? 0 : std::bit_ceil(range_padded_);
  out.largest_boundary = boundary_sizes_.empty() ? 0 : *boundary_sizes_.rbegin();
  return out;
}

Counts count(const Program& program, unsigned boundary_c) {
  const Tally::Facts facts(program);
  Tally tally(facts, boundary_c);
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) tally.add(i);
  return tally.counts();
}

}  // namespace dsperse::slice
