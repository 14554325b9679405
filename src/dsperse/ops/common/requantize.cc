#include "dsperse/ops/common/requantize.h"

#include <algorithm>
#include <set>

#include "dsperse/base/rule.h"
#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/table.h"

namespace dsperse::ops {
namespace {

using quantize::Requant;

std::vector<std::int32_t> per_channel(const Requant& requant, std::int64_t n) {
  return requant.shift.size() == 1 ? std::vector<std::int32_t>(static_cast<std::size_t>(n), requant.shift[0]) : requant.shift;
}

/// Multiplies the term by per_entry[c] on the letter; one scalar when they are all equal.
Term scaled(Term term, std::uint32_t letter, const std::vector<Fp>& per_entry) {
  if (std::all_of(per_entry.begin(), per_entry.end(), [&](Fp x) { return x == per_entry[0]; }))
    term.scalar *= per_entry[0];
  else
    term.scales.push_back({letter, per_entry});
  return term;
}

std::int64_t activate(const Requant& requant, std::int64_t v) {
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits;
  return quantize::activate(requant.activation, std::clamp(v, -c, c - 1));
}

/// The largest |v| of an op.
Result<std::int64_t> largest_of(Builder& b, const quantize::Op& op) {
  DSPERSE_TRY(const std::int64_t bound, quantize::accumulator_bound(b.program(), op));
  return quantize::rounded_bound(*quantize::op_requant(op), bound) + 1;
}

std::int64_t clamp_of(const Requant& requant) { return std::int64_t{1} << requant.clamp_bits; }

/// Whether the table holds every v up to this one.
bool is_near(Builder& b, const Requant& requant, std::int64_t v_max) {
  const auto rows = static_cast<std::int64_t>(std::min(b.options().wide_rows, kMaxTableRows));
  return 2 * static_cast<Wide>(v_max) + 1 <= std::max(rows, 4 * clamp_of(requant));
}

/// The table of an activation: v in [-middle, middle) as it is, and if some op is far, blocks of `block` values whose activation
/// is that of the clamp's ends, at -big - middle and below, and at big + middle and above.
struct Blocks {
  std::int64_t middle = 0, block = 0, steps = 0, big = 0;
  [[nodiscard]] std::int64_t last() const { return big + middle + block; }  ///< no row's v is larger
};
Blocks blocks(Builder& b, const Requant& requant) {
  const Builder::Shared& shared = b.shared(requant);
  if (shared.far == 0) return {shared.near + 1, 0, 0, 0};
  const std::int64_t middle = std::max(shared.near + 1, clamp_of(requant)), block = std::int64_t{1} << b.options().far_bits;
  const auto [steps, big] = saturation(shared.far, middle, block);
  return {middle, block, steps, big};
}

/// Widths of the tops in the table of this requantization.
std::set<std::int32_t> top_widths(Builder& b, const Requant& requant) {
  std::set<std::int32_t> widths;
  for (const std::int32_t s : b.shared(requant).shifts) widths.insert(top_width(s, b.options().top_bits));
  return widths;
}

/// Rows of both tables.
Wide rows_of(Builder& b, const Requant& requant) {
  const Blocks all = blocks(b, requant);
  Wide rows = 2 * static_cast<Wide>(all.middle) + 2 * all.block;
  for (const std::int32_t w : top_widths(b, requant)) rows += (2 * static_cast<Wide>(all.steps) + 1) << w;
  return rows;
}

std::uint32_t activation_table(Builder& b, const Requant& requant) {
  return b.table("activation " + b.activation_name(requant), [&](Table& t) {
    const auto [middle, block, steps, big] = blocks(b, requant);
    t.width = 2;
    t.rows.reserve(static_cast<std::size_t>(2 * (middle + block)));
    const auto add = [&](std::int64_t lo, std::int64_t hi, std::int64_t move) {
      t.segments.push_back({0, move + lo, move + hi, static_cast<std::uint32_t>(t.rows.size())});
      for (std::int64_t v = lo; v < hi; ++v) t.rows.push_back({Fp::from_signed(move + v), Fp::from_signed(activate(requant, v))});
    };
    if (block != 0) add(-middle - block, -middle, -big);
    add(-middle, middle, 0);
    if (block != 0) add(middle, middle + block, big);
  });
}

/// Rows (w, r - 2^w D): 0 <= r < 2^w, D an offset.
std::uint32_t top_table(Builder& b, const Requant& requant) {
  return b.table("top " + b.activation_name(requant), [&](Table& t) {
    const auto [middle, block, steps, big] = blocks(b, requant);
    std::vector<std::int64_t> moves{0};  // -D
    for (std::int64_t i = 0; i < steps; ++i) {
      moves.push_back(big - i * block);
      moves.push_back(-(big - i * block));
    }
    std::sort(moves.begin(), moves.end());
    t.width = 2;
    t.key = 1;
    for (const std::int32_t w : top_widths(b, requant))
      for (const std::int64_t move : moves) {
        const std::int64_t first = move * (std::int64_t{1} << w), size = std::int64_t{1} << w;
        t.segments.push_back({w, first, first + size, static_cast<std::uint32_t>(t.rows.size())});
        for (std::int64_t r = 0; r < size; ++r) t.rows.push_back({Fp::from_signed(w), Fp::from_signed(first + r)});
      }
  });
}

}  // namespace

std::uint32_t limb_table(Builder& b) {
  return b.table("limbs", [&](Table& t) {
    t.width = 2;
    t.key = 1;
    std::size_t rows = 0;
    for (const std::int64_t k : b.limb_widths) rows += std::size_t{1} << k;
    t.rows.reserve(rows);
    for (const std::int64_t k : b.limb_widths) {
      t.segments.push_back({k, 0, std::int64_t{1} << k, static_cast<std::uint32_t>(t.rows.size())});
      for (std::int64_t r = 0; r < std::int64_t{1} << k; ++r) t.rows.push_back({Fp::from_signed(k), Fp::from_signed(r)});
    }
  });
}

Status announce_requantize(Builder& b, const quantize::Op& op) {
  const Requant& requant = *quantize::op_requant(op);
  DSPERSE_TRY(const std::int64_t v_max, largest_of(b, op));
  Builder::Shared& shared = b.shared(requant);
  if (is_near(b, requant, v_max)) {
    shared.near = std::max(shared.near, v_max);
    announce_limbs(b, requant.shift);
  } else {
    shared.far = std::max(shared.far, v_max);
    shared.shifts.insert(requant.shift.begin(), requant.shift.end());
    announce_limbs(b, low_bits(requant.shift, b.options().top_bits));
  }
  return {};
}

void announce_limbs(Builder& b, const std::vector<std::int32_t>& bits) {
  const std::uint32_t limbs = limb_count(bits, b.options().limb_bits);
  const std::set<std::int32_t> different(bits.begin(), bits.end());
  for (std::uint32_t i = 0; i < limbs; ++i)
    for (const std::int32_t n : different) b.limb_widths.push_back(limb_width(n, b.options().limb_bits, i));
  std::sort(b.limb_widths.begin(), b.limb_widths.end());
  b.limb_widths.erase(std::unique(b.limb_widths.begin(), b.limb_widths.end()), b.limb_widths.end());
}

Result<Wide> largest_rounded(Builder& b, const quantize::Op& op) {
  const Requant& requant = *quantize::op_requant(op);
  DSPERSE_TRY(const std::int64_t v_max, largest_of(b, op));
  const Blocks all = blocks(b, requant);
  return is_near(b, requant, v_max) ? static_cast<Wide>(all.last()) : static_cast<Wide>(all.last()) + all.big;
}

Status requantize(Builder& b, std::uint32_t op_index, const Shape& site, Terms acc, const Requant& requant) {
  const quantize::Op& op = b.program().ops[op_index];
  DSPERSE_TRY(const std::int64_t v_max, largest_of(b, op));
  const bool near = is_near(b, requant, v_max);
  const auto last = static_cast<std::uint32_t>(site.size() - 1);
  const std::vector<std::int32_t>& shifts = requant.shift;  // one, or one per channel

  // No wrap: acc + half - r = 2^s v holds over the integers, not only mod p. The left side: |acc| and 2^-s |acc| are below 2^61
  // (check_program), half and r at most 2^60. The right side has the largest v that the table lets through, which other ops that
  // share the table may have made long.
  static_assert(quantize::kAccumulatorLimit + (std::int64_t{1} << quantize::kMaxShift) <
                static_cast<std::int64_t>(crypto::kP / 2));
  DSPERSE_TRY(const Wide largest, largest_rounded(b, op));
  for (const std::int32_t s : shifts)
    if (violated("no wrap", (largest + 1) << std::max(s, 0) >= static_cast<Wide>(crypto::kP / 2)))
      return fail(ErrorKind::unsupported, "accumulators are too large for the proof field", op.name,
                  "quantize with fewer bits, or cut the sum");
  // Before any row is made: options and programs of a key are bytes from elsewhere.
  const Blocks all = blocks(b, requant);
  if (rows_of(b, requant) > static_cast<Wide>(kMaxTableRows))
    return fail(ErrorKind::unsupported, "the rounded accumulator reaches " + std::to_string(v_max) + ", too far beyond the clamp",
                op.name, "quantize with a larger shift or a wider clamp");

  const std::uint32_t limb_bits = b.options().limb_bits, top_bits = near ? 0 : b.options().top_bits;
  const std::uint32_t requantization =
      b.add_requantization({op_index, site, acc, per_channel(requant, site.back()), limb_bits, top_bits,
                            near ? 0 : b.shared(requant).far, near ? 0 : all.middle, near ? 0 : all.block, 0});
  const std::vector<std::int32_t> low = low_bits(shifts, top_bits);
  std::vector<Fp> unit, half;
  for (const std::int32_t s : shifts) {
    unit.push_back(crypto::power_of_two(-s));
    half.push_back(s > 0 ? crypto::power_of_two(s - 1) : Fp());
  }
  /// A part of the remainder, looked up beside its width: how its terms join v.
  const auto part = [&](const std::string& id, Kind kind, std::uint32_t step, const std::vector<Fp>& width,
                        const auto& table) -> Term {
    const TensorRef tensor = b.add_tensor({id, site, kind, requantization, step});
    b.add_lookup({id, site, table(), {{scaled(constant_term(Fp(1)), last, width)}, {tensor_term(tensor, identity_view(site))}}});
    return tensor_term(tensor, identity_view(site), -1);
  };
  Terms v = std::move(acc);
  v.push_back(scaled(constant_term(Fp(1)), last, half));
  for (std::uint32_t i = 0; i < limb_count(low, limb_bits); ++i) {
    std::vector<Fp> width;
    for (const std::int32_t n : low) width.push_back(Fp::from_signed(limb_width(n, limb_bits, i)));
    Term digit = part(op.name + " remainder " + std::to_string(i), Kind::limb, i, width, [&] { return limb_table(b); });
    digit.scalar *= crypto::power_of_two(static_cast<int>(limb_bits * i));
    v.push_back(std::move(digit));
  }
  for (Term& t : v) t = scaled(std::move(t), last, unit);
  if (!near) {  // r' - 2^w D in units of 2^(s - w): v loses r' and gains D
    std::vector<Fp> width, weight;
    for (const std::int32_t s : shifts) {
      const std::int32_t w = top_width(s, top_bits);
      width.push_back(Fp::from_signed(w));
      weight.push_back(crypto::power_of_two(-w));
    }
    v.push_back(scaled(part(op.name + " top", Kind::top, 0, width, [&] { return top_table(b, requant); }), last, weight));
  }
  const Term y = tensor_term(b.value(quantize::op_output(op)), identity_view(site));
  b.set_activation(requantization,
                   b.add_lookup({op.name + " activation", site, activation_table(b, requant), {std::move(v), {y}}}));
  return {};
}

}  // namespace dsperse::ops
