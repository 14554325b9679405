#include "dsperse/slice/counts.h"

#include <algorithm>
#include <bit>

#include "dsperse/quantize/rows.h"

namespace dsperse::slice {
namespace {

using quantize::elements;
using quantize::Program;
using quantize::TensorId;

std::uint64_t count(const quantize::Shape& shape) { return static_cast<std::uint64_t>(elements(shape)); }

std::uint64_t bits_for(std::int64_t n) { return static_cast<std::uint64_t>(std::bit_width(static_cast<std::uint64_t>(n) - 1)); }

/// Digits of 14 bits of a wide weight's range proof, per side; 0: one lookup does.
std::uint64_t range_digits(std::int64_t max_abs) {
  if (max_abs < (std::int64_t{1} << 15)) return 0;
  std::uint64_t digits = 1;
  while ((static_cast<__int128>(1) << (14 * digits)) <= 2 * static_cast<__int128>(max_abs)) ++digits;
  return digits;
}

/// Whether a tree of weights pads this shape's runs (proof/layout: runs of the last axes, rounded up where that wastes at most a
/// sixteenth and makes the fewest blocks).
bool lies_padded(const quantize::Shape& shape) {
  constexpr unsigned kMostBits = 12;  // of a run's alignment: about a row
  const std::uint64_t n = count(shape);
  std::uint64_t run = 1, best = 0;
  bool padded = false;
  for (std::size_t k = shape.size() + 1; k-- > 0;) {
    if (k < shape.size()) run *= static_cast<std::uint64_t>(shape[k]);
    std::uint64_t unit = 1;
    for (std::uint64_t u = 2; u <= std::min(run, std::uint64_t{1} << kMostBits); u *= 2)
      if (16 * ((run + u - 1) / u * u - run) <= run) unit = u;
    const std::uint64_t blocks = (run + unit - 1) / unit, cost = n / run * blocks + run;
    if (best != 0 && cost >= best) continue;
    best = cost;
    padded = blocks * unit != run;
  }
  return padded;
}

}  // namespace

Tally::Facts::Facts(const Program& p) : program(p), is_public(p.tensors.size(), false), last_reader(p.tensors.size(), 0) {
  for (const TensorId id : p.inputs) is_public[id] = true;
  for (const TensorId id : p.outputs) is_public[id] = true;
  for (std::uint32_t i = 0; i < p.ops.size(); ++i) {
    for (const TensorId id : quantize::op_inputs(p.ops[i])) last_reader[id] = i;
    macs.push_back(quantize::op_macs(p, p.ops[i]));
  }
  for (const quantize::WeightSpec& w : p.weights) padded.push_back(lies_padded(w.shape));
}

Tally::Tally(const Facts& facts, unsigned boundary_c)
    : facts_(facts),
      boundary_c_(boundary_c),
      seen_(facts.program.tensors.size(), false),
      made_(facts.program.tensors.size(), false),
      seen_weight_(facts.program.weights.size(), false),
      lookups_(facts.program) {}

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
    lookups_.add_range(id);
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
  const quantize::RowProducts rows = quantize::row_products(p, op);
  sum_.accumulators += rows.sums, sum_.folds += rows.factors, sum_.rounds += rows.variables;
  lookups_.add(op);
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
  if (digits == 0 && facts_.padded[w]) sum_.range_flat += n;
  weight_ranges_.insert(digits == 0 ? spec.max_abs : 0);
}

void Tally::add_product(const quantize::Op& op) {
  const Program& p = facts_.program;
  sum_.accumulators += count(p.tensors[quantize::op_output(op)].shape);
  if (const auto* contract = std::get_if<quantize::Contract>(&op.body)) return add_contract(*contract);
  const quantize::Shape& x = p.tensors[quantize::op_inputs(op)[0]].shape;
  const quantize::Shape& w = p.weights[quantize::op_weights(op)[0]].shape;
  if (const auto* conv = std::get_if<quantize::Conv>(&op.body)) {
    sum_.folds += count(x) * static_cast<std::uint64_t>(w[1]) + count(w);
    sum_.rounds += bits_for(conv->groups) + bits_for(w[1]) + bits_for(w[2]) + bits_for(w[3]);
  } else {
    sum_.folds += count(x) + count(w);
    sum_.rounds += bits_for(w[1]);
  }
}

void Tally::add_contract(const quantize::Contract& op) {
  std::vector<int> factors(op.letters.size(), 0);
  for (const quantize::Contract::Factor* f : {&op.a, &op.b}) {
    sum_.folds += count(f->axes);
    for (const quantize::AxisMap& m : f->maps)
      for (const auto& part : m.parts) ++factors[part.first];
  }
  for (std::size_t k = 0; k < factors.size(); ++k)
    if (factors[k] == 2) sum_.rounds += bits_for(op.letters[k]);
}

Counts Tally::counts(const LookupCost& cost) const {
  Counts out = sum_;
  quantize::LookupCounts lookups = lookups_.counts(out.options);
  if (cost) {
    double best = 0;
    bool first = true;
    for (const quantize::LookupOptions& o : lookups_.choices()) {
      const quantize::LookupCounts c = lookups_.counts(o);
      const double price = cost(c, sum_.values);
      if (!first && price >= best) continue;
      best = price, first = false;
      lookups = c, out.options = o;
    }
  }
  out.lookups = lookups.lookups;
  out.table_rows = lookups.rows;
  out.auxiliary = lookups.symbols;
  out.filled = lookups.leaves;
  out.leaves = lookups.lookups == 0 ? 0 : std::bit_ceil(lookups.leaves);
  out.witness += out.auxiliary + out.table_rows;
  for (const std::int64_t range : weight_ranges_)
    out.range_rows += range == 0 ? std::uint64_t{1} << 14 : static_cast<std::uint64_t>(2 * range + 1);
  out.range_filled = range_padded_;
  out.range_leaves = out.range_lookups == 0 ? 0 : std::bit_ceil(range_padded_);
  out.largest_boundary = boundary_sizes_.empty() ? 0 : *boundary_sizes_.rbegin();
  return out;
}

Counts count(const Program& program, unsigned boundary_c, const LookupCost& cost) {
  const Tally::Facts facts(program);
  Tally tally(facts, boundary_c);
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) tally.add(i);
  return tally.counts(cost);
}

}  // namespace dsperse::slice
