#include "dsperse/quantize/lookup_tally.h"

#include <algorithm>
#include <bit>

#include "dsperse/quantize/rows.h"
#include "dsperse/quantize/visit.h"

namespace dsperse::quantize {
namespace {

/// What choices() tries of many layers: the most frequent numbers of bits of a remainder, cut into so many limbs; limits of near
/// ops; limbs up to this long leave a top room for more than the bits that are over.
constexpr std::size_t kMostRemainders = 4, kMostWideRows = 4;
constexpr std::int32_t kMostLimbs = 4;
constexpr std::uint32_t kShortLimb = 4;

}  // namespace
void LookupTally::Sites::add(const Shape& shape, std::uint64_t times) {
  std::uint64_t filled = 1;
  for (const std::int64_t n : shape) filled *= std::bit_ceil(static_cast<std::uint64_t>(n));
  elements += times * static_cast<std::uint64_t>(quantize::elements(shape));
  leaves += times * filled;
}

void LookupTally::add(LookupCounts& out, const Sites& sites, std::uint64_t lookups, std::uint64_t symbols) {
  out.lookups += lookups * sites.elements;
  out.leaves += lookups * sites.leaves;
  out.symbols += symbols * sites.elements;
}

RangeParts::RangeParts(std::int64_t lo, std::int64_t hi, const LookupOptions& options) : table(lo, hi) {
  bits = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(hi - lo)));
  if (!options.split_ranges || range_shift(bits) == 0) return;
  shift = static_cast<std::int32_t>(range_shift(bits));
  table = {0, (std::int64_t{1} << kRangeBits) - 1};
  sides = hi - lo + 1 == std::int64_t{1} << bits ? 1 : 2;
}

void LookupTally::Remainders::add(const std::vector<std::int32_t>& shifts, const Shape& site) {
  const std::int32_t most = *std::max_element(shifts.begin(), shifts.end());
  auto at = std::find_if(ops.begin(), ops.end(), [&](const Op& op) { return op.most == most; });
  if (at == ops.end()) at = ops.insert(ops.end(), {most, {}, 0});
  at->sites.add(site);
  for (const std::int32_t s : shifts) at->bits |= Widths{1} << std::max(s, 0);
}

void LookupTally::Remainders::count(std::int32_t top, std::int32_t limb_bits, LookupCounts& out, Widths& widths) const {
  for (const Op& op : ops) {
    const std::int32_t limbs = (std::max(op.most - top, 0) + limb_bits - 1) / limb_bits;
    LookupTally::add(out, op.sites, static_cast<std::uint64_t>(limbs), static_cast<std::uint64_t>(limbs));
    for (Widths left = limbs == 0 ? 0 : op.bits; left != 0; left &= left - 1)
      for (std::int32_t i = 0; i < limbs; ++i)
        widths |= Widths{1} << std::clamp(std::countr_zero(left) - top - limb_bits * i, 0, limb_bits);
  }
}

LookupTally::Group::Extent LookupTally::Group::extent(std::uint64_t wide_rows, std::uint32_t top_bits) const {
  Extent out;
  Widths bits = 0;
  for (const auto& [v, part] : parts) {
    if (near(v, wide_rows)) {
      out.middle = std::max(out.middle, v + 1);
      continue;
    }
    out.v_max = std::max(out.v_max, v);
    for (const Remainders::Op& op : part.remainders.ops) bits |= op.bits;
  }
  if (out.v_max != 0) out.middle = std::max(out.middle, c);
  for (; bits != 0; bits &= bits - 1) out.tops |= Widths{1} << std::min(std::countr_zero(bits), static_cast<int>(top_bits));
  return out;
}

std::uint64_t LookupTally::Group::Extent::rows(std::uint32_t far_bits) const {
  if (v_max == 0) return 2 * static_cast<std::uint64_t>(middle);
  const std::int64_t block = std::int64_t{1} << far_bits;
  const auto offsets = 2 * static_cast<std::uint64_t>((v_max + block - 1) / block) + 1;
  return 2 * static_cast<std::uint64_t>(middle + block) + offsets * tops;  // a top of w bits has 2^w rows an offset
}

void LookupTally::add_range(TensorId tensor) {
  const TensorSpec& spec = program_.tensors[tensor];
  inputs_[{spec.lo, spec.hi}].add(spec.shape);
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
  group.c = std::int64_t{1} << requant.clamp_bits;
  // A checked program has a bound for every op.
  Part& part = group.parts[rounded_bound(requant, accumulator_bound(program_, op).value_or(0)) + 1];
  part.sites.add(site);
  part.remainders.add(requant.shift, site);
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
  const auto limb_bits = static_cast<std::int32_t>(options.limb_bits);
  Widths widths = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> more;  // tables of inputs that no op shares
  for (const auto& [range, sites] : inputs_) {
    const RangeParts parts(range.first, range.second, options);
    if (!ranges_.contains(parts.table) && std::find(more.begin(), more.end(), parts.table) == more.end())
      more.push_back(parts.table);
    add(out, sites, parts.sides, 0);
    if (parts.shift == 0) continue;
    Remainders low;
    low.ops.push_back({parts.shift, sites, Widths{1} << parts.shift});
    for (std::uint64_t side = 0; side < parts.sides; ++side) low.count(0, limb_bits, out, widths);
  }
  ranges_in_limbs_.count(0, limb_bits, out, widths);
  for (const auto& [lo, hi] : ranges_) out.rows += static_cast<std::uint64_t>(hi - lo + 1);
  for (const auto& [lo, hi] : more) out.rows += static_cast<std::uint64_t>(hi - lo + 1);
  for (const std::int64_t range : rises_) out.rows += static_cast<std::uint64_t>(2 * range + 1);
  for (const std::int64_t range : stairs_) out.rows += static_cast<std::uint64_t>(2 * range + 2);
  for (const std::int64_t depth : depths_) out.rows += static_cast<std::uint64_t>(2 * depth - 1);
  for (const ExpTable& table : exps_) out.rows += static_cast<std::uint64_t>(table.rows);
  for (const auto& [key, group] : groups_) {
    out.rows += group.extent(options.wide_rows, options.top_bits).rows(options.far_bits);
    for (const auto& [v, part] : group.parts) {
      const bool near = group.near(v, options.wide_rows);
      add(out, part.sites, near ? 1 : 2, near ? 0 : 1);
      part.remainders.count(near ? 0 : static_cast<std::int32_t>(options.top_bits), limb_bits, out, widths);
    }
  }
  out.rows += widths;  // 2^w of every width w
  return out;
}

LookupOptions LookupTally::with_far_bits(LookupOptions options) const {
  std::vector<Group::Extent> extents;
  for (const auto& [key, group] : groups_) extents.push_back(group.extent(options.wide_rows, options.top_bits));
  std::uint64_t fewest = UINT64_MAX;
  for (std::uint32_t far_bits = 0; far_bits <= kMaxFarBits; ++far_bits) {
    std::uint64_t rows = 0;
    for (const Group::Extent& extent : extents) rows += extent.rows(far_bits);
    if (rows < fewest) fewest = rows, options.far_bits = far_bits;
  }
  return options;
}

// Planners ask for every interval of ops, so the list is short: some limits of near ops, limbs that cut the remainders of
// most elements evenly, tops that save one of those a limb, split ranges where few elements have them.
std::vector<LookupOptions> LookupTally::choices() const {
  std::set<std::uint64_t> limits{0}, all;
  std::map<std::int32_t, std::uint64_t> elements;  // bits of a remainder -> elements that have as many
  const auto note = [&](const Remainders& remainders) {
    for (const Remainders::Op& op : remainders.ops)
      if (op.most > 0) elements[op.most] += op.sites.elements;
  };
  note(ranges_in_limbs_);
  for (const auto& [key, group] : groups_)
    for (const auto& [v, part] : group.parts) {
      note(part.remainders);
      if (group.near(v, 0)) continue;
      all.insert(2 * static_cast<std::uint64_t>(v) + 1);
    }
  // The narrowest ones, which cost few rows, and all ops.
  for (const std::uint64_t rows : all)
    if (limits.size() < kMostWideRows || rows == *all.rbegin()) limits.insert(rows);

  std::vector<std::pair<std::uint64_t, std::int32_t>> frequent;
  for (const auto& [bits, n] : elements) frequent.emplace_back(n, bits);
  std::sort(frequent.rbegin(), frequent.rend());
  frequent.resize(std::min(frequent.size(), kMostRemainders));
  std::set<std::uint32_t> limbs;
  const bool few = elements.size() <= 2;  // a layer or two: everything is tried
  for (const auto& [n, bits] : frequent) {
    for (std::int32_t parts = 1; parts <= kMostLimbs; ++parts)
      limbs.insert(std::clamp(static_cast<std::uint32_t>((bits + parts - 1) / parts), 1U, kMaxLimbBits));
    for (std::int32_t limb = few ? 1 : bits - 3; limb < bits; ++limb)  // the rest in the top
      if (limb >= 1) limbs.insert(std::min(static_cast<std::uint32_t>(limb), kMaxLimbBits));
  }
  bool splits = false;
  for (const auto& [range, sites] : inputs_) {
    const RangeParts parts(range.first, range.second, {.split_ranges = true});
    splits |= parts.shift != 0 && sites.elements < static_cast<std::uint64_t>(range.second - range.first);
    if (parts.shift != 0) limbs.insert(static_cast<std::uint32_t>(std::min<std::int32_t>(parts.shift, kMaxLimbBits)));
  }
  if (limbs.empty()) limbs.insert(1);

  std::vector<LookupOptions> out;
  for (const std::uint64_t rows : limits) {
    std::map<std::uint32_t, LookupOptions> by_top;
    for (const std::uint32_t limb : limbs) {
      std::set<std::uint32_t> tops{0};
      for (const auto& [n, bits] : frequent)
        for (auto top = static_cast<std::uint32_t>(bits) % limb; top <= std::min(kMaxTopBits, static_cast<std::uint32_t>(bits));
             top += limb) {
          tops.insert(top);
          if (!few && limb > kShortLimb) break;
        }
      for (const std::uint32_t top : tops) {
        const auto [at, fresh] = by_top.try_emplace(top);
        if (fresh) at->second = with_far_bits({1, rows, top, 0});
        LookupOptions options = at->second;
        options.limb_bits = limb;
        out.push_back(options);
        options.split_ranges = true;
        if (splits) out.push_back(options);
      }
    }
  }
  return out;
}

}  // namespace dsperse::quantize
