#include "dsperse/quantize/lookup_tally.h"

#include <algorithm>
#include <bit>

#include "dsperse/quantize/rows.h"
#include "dsperse/quantize/visit.h"

namespace dsperse::quantize {
namespace {

std::uint32_t limbs(std::int32_t longest, std::uint32_t bits) {
  return longest <= 0 ? 0 : (static_cast<std::uint32_t>(longest) + bits - 1) / bits;
}

}  // namespace

void LookupTally::Sites::add(const Shape& shape, std::uint64_t times) {
  std::uint64_t filled = 1;
  for (const std::int64_t n : shape) filled *= std::bit_ceil(static_cast<std::uint64_t>(n));
  elements += times * static_cast<std::uint64_t>(quantize::elements(shape));
  leaves += times * filled;
}

void LookupTally::add_range(TensorId tensor) {
  const TensorSpec& spec = program_.tensors[tensor];
  other_.add(spec.shape);
  ranges_.insert({spec.lo, spec.hi});
}

void LookupTally::add(const Op& op) {
  if (const Requant* requant = op_requant(op)) {
    Shape site = program_.tensors[op_output(op)].shape;
    if (const auto* gemm = std::get_if<Gemm>(&op.body)) {
      const std::int64_t outputs = program_.weights[gemm->w].shape[0];
      site = {quantize::elements(site) / outputs, outputs};
    }
    if (const auto* contract = std::get_if<Contract>(&op.body))
      site = {contract->letters.begin(), contract->letters.begin() + static_cast<std::ptrdiff_t>(contract->kept)};
    if (const auto* reduce = std::get_if<Reduce>(&op.body))
      site = {reduce->letters.begin(), reduce->letters.begin() + static_cast<std::ptrdiff_t>(reduce->kept)};
    if (const std::int64_t n = row_length(op)) site = {quantize::elements(site) / n, n};
    add_requantization(op, *requant, site);
  }
  if (const auto* maximum = std::get_if<MaxPool>(&op.body)) add_maximum(*maximum);
  visit_body(
      [this](const auto& o) {
        if constexpr (requires { add_row_op(o); }) add_row_op(o);
      },
      op.body);
  add_parts(op);
}

std::int64_t LookupTally::table_number(const Activation& activation) {
  if (activation.f != Function::table) return 0;
  return tables_.try_emplace(&activation.values, static_cast<std::int64_t>(tables_.size()) + 1).first->second;
}

void LookupTally::add_requantization(const Op& op, const Requant& requant, const Shape& site) {
  const Activation& a = requant.activation;
  const bool grid = a.f == Function::sigmoid || a.f == Function::tanh;
  Group& group = groups_[{static_cast<std::int64_t>(a.f), grid ? a.in_exponent : 0, grid ? a.out_exponent : 0, a.lo, a.hi, a.a,
                          a.b, static_cast<std::int64_t>(requant.clamp_bits), table_number(a)}];
  // A checked program has a bound for every op.
  group.v_max = std::max(group.v_max, rounded_bound(requant, accumulator_bound(program_, op).value_or(0)) + 1);
  group.c = std::int64_t{1} << requant.clamp_bits;
  group.sites.add(site);
  const std::int32_t longest = *std::max_element(requant.shift.begin(), requant.shift.end());
  longest_[longest].add(site);
  for (const std::int32_t s : requant.shift) shifts_.insert({s, longest});
}

void LookupTally::add_maximum(const MaxPool& op) {
  const TensorSpec& x = program_.tensors[op.x];
  const Shape& y = program_.tensors[op.y].shape;
  const auto [rows, columns] = op.window.kernel;
  if (rows * columns == 1) return;
  // One lookup a tap and site but the first, columns before rows; each but the one that makes y has a committed rise.
  const Shape column_site{x.shape[0], x.shape[1], y[2], y[3]};
  Sites taps;
  taps.add(column_site, static_cast<std::uint64_t>(columns - 1));
  taps.add(y, static_cast<std::uint64_t>(rows - 1));
  other_.elements += taps.elements;
  other_.leaves += taps.leaves;
  const bool ends_in_y = rows > 1 || column_site == y;
  other_symbols_ += taps.elements - (ends_in_y ? static_cast<std::uint64_t>(elements(y)) : 0);
  rises_.insert(x.hi - x.lo);
}

LookupCounts LookupTally::counts(const LookupOptions& options) const {
  LookupCounts out{other_.elements, other_.leaves, 0, other_symbols_};
  for (const auto& [lo, hi] : ranges_) out.rows += static_cast<std::uint64_t>(hi - lo + 1);
  for (const std::int64_t range : rises_) out.rows += static_cast<std::uint64_t>(2 * range + 1);
  for (const std::int64_t range : stairs_) out.rows += static_cast<std::uint64_t>(2 * range + 2);
  for (const std::int64_t depth : depths_) out.rows += static_cast<std::uint64_t>(2 * depth - 1);
  for (const ExpTable& table : exps_) out.rows += static_cast<std::uint64_t>(table.rows);
  for (const auto& [longest, sites] : longest_) {
    const std::uint64_t n = limbs(longest, options.limb_bits);
    out.lookups += n * sites.elements;
    out.leaves += n * sites.leaves;
    out.symbols += n * sites.elements;
  }
  std::set<std::int64_t> widths;
  const auto bits = static_cast<std::int64_t>(options.limb_bits);
  for (const auto& [shift, longest] : shifts_)
    for (std::uint32_t i = 0; i < limbs(longest, options.limb_bits); ++i)
      widths.insert(std::clamp<std::int64_t>(shift - bits * i, 0, bits));
  for (const std::int64_t width : widths) out.rows += std::uint64_t{1} << width;
  std::set<std::pair<std::int64_t, std::int64_t>> offset_tables;
  for (const auto& [key, group] : groups_) {
    out.lookups += group.sites.elements;
    out.leaves += group.sites.leaves;
    if (group.wide() <= options.wide_rows || group.wide() <= group.saturating() + group.offsets()) {
      out.rows += group.wide();
      continue;
    }
    out.lookups += group.sites.elements;
    out.leaves += group.sites.leaves;
    out.symbols += group.sites.elements;
    out.rows += group.saturating();
    if (offset_tables.insert({group.v_max, group.c}).second) out.rows += group.offsets();
  }
  return out;
}

std::vector<LookupOptions> LookupTally::choices() const {
  std::set<std::uint64_t> widest{0};
  for (const auto& [key, group] : groups_)
    if (group.wide() > group.saturating() + group.offsets()) widest.insert(group.wide());
  std::vector<LookupOptions> out;
  for (std::uint32_t bits = 1; bits <= kMaxLimbBits; ++bits)
    for (const std::uint64_t rows : widest) out.push_back({bits, rows});
  return out;
}

}  // namespace dsperse::quantize
