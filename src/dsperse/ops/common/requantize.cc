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

bool is_wide(const Requant& requant, std::int64_t v_max, const Options& options) {
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits;
  const auto rows =
      static_cast<std::uint64_t>(2 * static_cast<unsigned __int128>(v_max) + 1 < (1ULL << 62) ? 2 * v_max + 1 : INT64_MAX);
  return rows <= options.wide_rows || rows <= static_cast<std::uint64_t>(4 * c + 2 * saturation(v_max, c).steps + 1);
}

std::uint32_t wide_table(Builder& b, const Requant& requant, std::int64_t v_max) {
  return b.table("wide " + b.activation_name(requant), [&](Table& t) {
    t.width = 2;
    t.rows.reserve(static_cast<std::size_t>(2 * v_max + 1));
    for (std::int64_t v = -v_max; v <= v_max; ++v) t.rows.push_back({Fp::from_signed(v), Fp::from_signed(activate(requant, v))});
    t.segments = {{0, -v_max, v_max + 1, 0}};
  });
}

std::uint32_t saturating_table(Builder& b, const Requant& requant, std::int64_t v_max) {
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits, big = saturation(v_max, c).big;
  return b.table("saturating " + b.activation_name(requant), [&](Table& t) {
    t.width = 2;
    t.rows.reserve(static_cast<std::size_t>(4 * c));
    const auto block = [&](std::int64_t lo, std::int64_t hi, std::int64_t shift, std::int64_t fixed, bool is_fixed) {
      t.segments.push_back({0, shift + lo, shift + hi, static_cast<std::uint32_t>(t.rows.size())});
      for (std::int64_t u = lo; u < hi; ++u)
        t.rows.push_back({Fp::from_signed(shift + u), Fp::from_signed(is_fixed ? fixed : activate(requant, u))});
    };
    block(-2 * c, -c, -big, activate(requant, -c), true);
    block(-c, c, 0, 0, false);
    block(c, 2 * c, big, activate(requant, c - 1), true);
  });
}

std::uint32_t offset_table(Builder& b, std::int64_t v_max, std::int64_t c) {
  return b.table("offset " + std::to_string(v_max) + " " + std::to_string(c), [&](Table& t) {
    const auto [steps, big] = saturation(v_max, c);
    std::vector<std::int64_t> values{0};
    for (std::int64_t i = 0; i < steps; ++i) {
      values.push_back(big - i * c);
      values.push_back(-(big - i * c));
    }
    std::sort(values.begin(), values.end());
    for (const std::int64_t v : values) {
      t.segments.push_back({0, v, v + 1, static_cast<std::uint32_t>(t.rows.size())});
      t.rows.push_back({Fp::from_signed(v)});
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
  DSPERSE_TRY(const std::int64_t bound, quantize::accumulator_bound(b.program(), op));
  std::int64_t& v_max = b.v_max(requant);
  v_max = std::max(v_max, quantize::rounded_bound(requant, bound) + 1);
  announce_limbs(b, requant.shift);
  return {};
}

void announce_limbs(Builder& b, const std::vector<std::int32_t>& shift) {
  const std::uint32_t limbs = limb_count(shift, b.options().limb_bits);
  const std::set<std::int32_t> shifts(shift.begin(), shift.end());
  for (std::uint32_t i = 0; i < limbs; ++i)
    for (const std::int32_t s : shifts) b.limb_widths.push_back(limb_width(s, b.options().limb_bits, i));
  std::sort(b.limb_widths.begin(), b.limb_widths.end());
  b.limb_widths.erase(std::unique(b.limb_widths.begin(), b.limb_widths.end()), b.limb_widths.end());
}

__int128 largest_rounded(Builder& b, const Requant& requant) {
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits, v_max = b.v_max(requant);
  return is_wide(requant, v_max, b.options()) ? v_max : 2 * static_cast<__int128>(saturation(v_max, c).big) + 2 * c;
}

Status requantize(Builder& b, std::uint32_t op_index, const Shape& site, Terms acc, const Requant& requant) {
  const quantize::Op& op = b.program().ops[op_index];
  const std::int64_t c = std::int64_t{1} << requant.clamp_bits, v_max = b.v_max(requant);
  const bool wide = is_wide(requant, v_max, b.options());
  const auto last = static_cast<std::uint32_t>(site.size() - 1);
  const std::vector<std::int32_t>& shifts = requant.shift;  // one, or one per channel

  // No wrap: acc + half - r = 2^s v holds over the integers, not only mod p. The left side: |acc| and 2^-s |acc| are below 2^61
  // (check_program), half and r at most 2^60. The right side has the largest v that the table lets through, which other ops that
  // share the table may have made long.
  static_assert(quantize::kAccumulatorLimit + (std::int64_t{1} << quantize::kMaxShift) <
                static_cast<std::int64_t>(crypto::kP / 2));
  const __int128 largest = largest_rounded(b, requant);
  for (const std::int32_t s : shifts)
    if (violated("no wrap", (largest + 1) << std::max(s, 0) >= static_cast<__int128>(crypto::kP / 2)))
      return fail(ErrorKind::unsupported, "accumulators are too large for the proof field", op.name,
                  "quantize with fewer bits, or cut the sum");
  // Before any row is made: options and programs of a key are bytes from elsewhere.
  if ((wide && 2 * static_cast<__int128>(v_max) + 1 > static_cast<__int128>(kMaxTableRows)) ||
      (!wide && 2 * static_cast<__int128>(saturation(v_max, c).steps) + 1 > static_cast<__int128>(kMaxTableRows)))
    return fail(ErrorKind::unsupported, "the rounded accumulator reaches " + std::to_string(v_max) + ", too far beyond the clamp",
                op.name, "quantize with a larger shift or a wider clamp");

  const std::uint32_t requantization = b.add_requantization(
      {op_index, site, acc, per_channel(requant, site.back()), b.options().limb_bits, v_max, wide ? 0 : c, 0});
  std::vector<Fp> unit, half, width;
  for (const std::int32_t s : shifts) {
    unit.push_back(crypto::power_of_two(-s));
    half.push_back(s > 0 ? crypto::power_of_two(s - 1) : Fp());
  }
  Terms v = std::move(acc);
  v.push_back(scaled(constant_term(Fp(1)), last, half));
  for (std::uint32_t i = 0; i < limb_count(shifts, b.options().limb_bits); ++i) {
    const TensorRef limb = b.add_tensor({op.name + " remainder " + std::to_string(i), site, Kind::limb, requantization, i});
    std::vector<Fp> widths;
    for (const std::int32_t s : shifts) widths.push_back(Fp::from_signed(limb_width(s, b.options().limb_bits, i)));
    b.add_lookup({op.name + " remainder " + std::to_string(i),
                  site,
                  limb_table(b),
                  {{scaled(constant_term(Fp(1)), last, widths)}, {tensor_term(limb, identity_view(site))}}});
    Term digit = tensor_term(limb, identity_view(site), -1);
    digit.scalar *= crypto::power_of_two(static_cast<int>(b.options().limb_bits * i));
    v.push_back(std::move(digit));
  }
  for (Term& t : v) t = scaled(std::move(t), last, unit);
  const Term y = tensor_term(b.value(quantize::op_output(op)), identity_view(site));
  if (wide) {
    b.set_activation(requantization,
                     b.add_lookup({op.name + " activation", site, wide_table(b, requant, v_max), {std::move(v), {y}}}));
    return {};
  }
  const TensorRef offset = b.add_tensor({op.name + " offset", site, Kind::offset, requantization, 0});
  b.add_lookup({op.name + " offset", site, offset_table(b, v_max, c), {{tensor_term(offset, identity_view(site))}}});
  v.push_back(tensor_term(offset, identity_view(site)));
  b.set_activation(requantization,
                   b.add_lookup({op.name + " activation", site, saturating_table(b, requant, v_max), {std::move(v), {y}}}));
  return {};
}

}  // namespace dsperse::ops
