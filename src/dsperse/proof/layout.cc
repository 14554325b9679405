#include "dsperse/proof/layout.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Fp;

unsigned ceil_log2(std::uint64_t n) {
  unsigned k = 0;
  while ((std::uint64_t{1} << k) < n) ++k;
  return k;
}

std::uint64_t round_up(std::uint64_t x, unsigned b) { return (x + (std::uint64_t{1} << b) - 1) >> b << b; }

/// Largest b such that rounding n up to a multiple of 2^b wastes at most 1/16.
unsigned run_bits(std::uint64_t n, unsigned max_b) {
  unsigned best = 0;
  for (unsigned b = 1; b <= max_b && (std::uint64_t{1} << b) <= n; ++b)
    if (16 * (round_up(n, b) - n) <= n) best = b;
  return best;
}

}  // namespace

Placed Placed::plan(const quantize::Shape& shape, std::uint64_t at, unsigned max_b) {
  std::uint64_t total = 1;
  for (const std::int64_t n : shape) total *= static_cast<std::uint64_t>(n);
  Placed best;
  std::uint64_t best_cost = 0, run = 1;
  for (std::size_t k = shape.size() + 1; k-- > 0;) {
    if (k < shape.size()) run *= static_cast<std::uint64_t>(shape[k]);
    const unsigned b = run_bits(run, max_b);
    const std::uint64_t stride = round_up(run, b), cost = total / run * (stride >> b) + run;
    if (best_cost == 0 || cost < best_cost) {
      best = {total / run, run, stride, b, 0};
      best_cost = cost;
    }
  }
  best.base = round_up(at, best.b);
  return best;
}

Placed Placed::split() const {
  if (run != stride) return *this;
  const std::uint64_t shorter = std::uint64_t{1} << std::countr_zero(run);  // at least 2^b, as run is its own stride
  return {elements() / shorter, shorter, shorter, b, base};
}

std::uint64_t Layout::address(crypto::Var v) const {
  const auto d = static_cast<std::uint64_t>(degree());
  const bool slot = (v & crypto::kSlotBit) != 0;
  return witness().offset + (slot ? slot_base + d * (v & ~crypto::kSlotBit) : pad_base + d * v);
}

std::uint64_t tree_symbols(std::span<const quantize::Shape> members, unsigned max_b) {
  std::uint64_t at = 0;
  for (const quantize::Shape& s : members) at = Placed::plan(s, at, max_b).end();
  return at;
}

std::uint64_t witness_symbols(std::span<const quantize::Shape> members, int degree, std::uint32_t pads, std::size_t slots) {
  return tree_symbols(members) + static_cast<std::uint64_t>(degree) * (pads + 4 * slots);
}

Layout plan_layout(const ArgumentSpec& spec, std::uint32_t pads, std::vector<std::pair<std::uint32_t, std::uint32_t>> slots) {
  Layout out;
  out.profile = spec.profile;
  out.work = spec.work;
  out.end = spec.end_geometry;
  out.pads = pads;
  out.slots = std::move(slots);
  out.placed.resize(spec.vectors.size());
  out.group_of.assign(spec.vectors.size(), 0);
  const auto degree = static_cast<std::size_t>(out.degree());
  for (const ArgumentSpec::Group& g : spec.groups) out.groups.push_back({g.label, g.geometry, {}, 0, 0, 0});
  out.groups.push_back({"witness", spec.witness_geometry, {}, 0, 0, 0});
  for (std::uint32_t gi = 0; gi < out.groups.size(); ++gi) {
    Layout::Group& g = out.groups[gi];
    const bool is_witness = gi + 1 == out.groups.size();
    const unsigned c = g.geometry.code.c;
    std::vector<ArgumentSpec::Tree> trees;
    if (!is_witness) trees = spec.groups[gi].trees;
    trees.push_back({is_witness ? "witness" : g.label + " mask", is_witness ? spec.witness : std::vector<std::uint32_t>{}});
    for (std::size_t i = 0; i < trees.size(); ++i) {
      const bool fresh = i + 1 == trees.size();
      std::uint64_t at = static_cast<std::uint64_t>(g.data_rows) << c;
      for (const std::uint32_t v : trees[i].members) {
        out.placed[v] = Placed::plan(spec.vectors[v], at, c);
        out.group_of[v] = gi;
        at = out.placed[v].end();
      }
      if (fresh && is_witness) {
        out.pad_base = at;
        out.slot_base = at + static_cast<std::uint64_t>(degree) * pads;
        at = out.slot_base + static_cast<std::uint64_t>(degree) * 4 * out.slots.size();
      }
      const auto end_row = static_cast<std::size_t>((at + (std::uint64_t{1} << c) - 1) >> c);
      const std::size_t rows = end_row - g.data_rows;
      g.trees.push_back({trees[i].label, trees[i].members, g.data_rows, rows + (fresh ? degree : 0), fresh});
      g.data_rows = end_row;
    }
    g.vars = c + ceil_log2(g.data_rows + 1);
  }
  std::vector<std::size_t> order(out.groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return out.groups[a].vars > out.groups[b].vars; });
  std::uint64_t at = 0;
  for (const std::size_t gi : order) {
    out.groups[gi].offset = at;
    at += std::uint64_t{1} << out.groups[gi].vars;
  }
  out.vars = ceil_log2(at);
  return out;
}

template <int D>
FlatClaim<D> flatten_claim(const Placed& placed, const crypto::LinearClaim<D>& claim) {
  const auto& vectors = claim.functional->vectors;
  const auto expand = [&](std::size_t first, std::size_t last, const Ext<D>& scalar) {
    std::vector<Ext<D>> out{scalar};
    for (std::size_t k = first; k < last; ++k) {
      std::vector<Ext<D>> next;
      next.reserve(out.size() * vectors[k].size());
      for (const Ext<D>& a : out) {
        if (a == Ext<D>::one())
          next.insert(next.end(), vectors[k].begin(), vectors[k].end());
        else
          for (const Ext<D>& b : vectors[k]) next.push_back(a * b);
      }
      out = std::move(next);
    }
    return out;
  };
  std::size_t split = 0;
  const auto find_split = [&](std::uint64_t run) {
    std::uint64_t tail = 1;
    for (split = vectors.size(); split > 0 && tail % run != 0;) tail *= vectors[--split].size();
  };
  find_split(placed.run);
  FlatClaim<D> out{placed, {}, {}, {}};
  if (split == 0 && vectors.size() > 1 && placed.contiguous()) {
    out.placed = placed.split();
    find_split(out.placed.run);
  }
  out.outer = expand(0, split, claim.scalar);
  if (split + 1 == vectors.size()) {
    out.tail = vectors[split];
  } else {
    out.made = expand(split, vectors.size(), Ext<D>::one());
    out.tail = out.made;
  }
  return out;
}

namespace {

/// low: eq of the lowest b variables; high: of the others at the vector's blocks.
template <int D>
Ext<D> flat_value(const FlatClaim<D>& flat, std::span<const Ext<D>> low, std::span<const Ext<D>> high) {
  const Placed& p = flat.placed;
  // Sizes within one tensor: at most 2^28 elements and their padding.
  const std::size_t run = static_cast<std::size_t>(p.run), block = std::size_t{1} << p.b, runs = flat.tail.size() / run;
  std::vector<Ext<D>> folded_tail;  // one entry a block
  std::span<const Ext<D>> weights = flat.tail;
  if (block != 1) {
    folded_tail.reserve(runs * static_cast<std::size_t>(p.stride >> p.b));
    for (std::size_t r = 0; r < runs; ++r)
      for (std::size_t j = 0; j < run; j += block)
        folded_tail.push_back(crypto::inner<D>(flat.tail.subspan(r * run + j, std::min(block, run - j)), low));
    weights = folded_tail;
  }
  if (weights.size() == 1) return weights[0] * crypto::inner<D>(std::span<const Ext<D>>(flat.outer), high);
  Ext<D> total;
  for (std::size_t o = 0; o < flat.outer.size(); ++o)
    total += flat.outer[o] * crypto::inner<D>(weights, high.subspan(o * weights.size(), weights.size()));
  return total;
}

}  // namespace

template <int D>
Ext<D> evaluate_functional(const Layout& layout, const crypto::Folded<D>& folded, std::span<const Ext<D>> point) {
  Ext<D> total;
  if (!folded.coef.empty()) {
    const std::uint64_t begin = layout.address(crypto::pad_var(0));
    const std::uint64_t end = layout.address(crypto::kSlotBit) + static_cast<std::uint64_t>(D) * 4 * layout.slots.size();
    const std::vector<Ext<D>> eq = crypto::eq_range<D>(point, begin, end);
    for (const auto& [v, c] : folded.coef) {
      Ext<D> limbs;
      const auto at = static_cast<std::size_t>(layout.address(v) - begin);
      for (int l = 0; l < D; ++l) limbs += eq[at + static_cast<std::size_t>(l)] * Ext<D>::basis(l);
      total += c * limbs;
    }
  }
  // All claims on one vector share its eq tables; vectors share the tables of the lowest variables.
  std::vector<std::vector<const crypto::LinearClaim<D>*>> by_vector(layout.placed.size());
  for (const auto& claim : folded.claims) by_vector[claim.id].push_back(&claim);
  std::map<unsigned, std::vector<Ext<D>>> tables;
  const auto table_of = [&](unsigned b) -> const std::vector<Ext<D>>& {
    const auto [it, fresh] = tables.try_emplace(b);
    if (fresh) it->second = crypto::eq_values<D>(point.first(b));
    return it->second;
  };
  for (std::size_t v = 0; v < by_vector.size(); ++v) {
    const Placed& p = layout.placed[v];
    const std::uint64_t base = layout.offset_of(static_cast<std::uint32_t>(v)) + p.base;
    std::vector<Ext<D>> high;
    for (const auto* claim : by_vector[v]) {
      const auto& vectors = claim->functional->vectors;
      if (vectors.size() == 1 && p.contiguous()) {
        total += claim->scalar * crypto::eq_inner<D>(point, base, vectors[0]);
        continue;
      }
      if (high.empty()) high = crypto::eq_range<D>(point.subspan(p.b), base >> p.b, (base + p.runs * p.stride) >> p.b);
      total += flat_value<D>(flatten_claim<D>(p, *claim), table_of(p.b), high);
    }
  }
  return total;
}

#define DSPERSE_INSTANTIATE(D)                                                          \
  template FlatClaim<D> flatten_claim<D>(const Placed&, const crypto::LinearClaim<D>&); \
  template Ext<D> evaluate_functional<D>(const Layout&, const crypto::Folded<D>&, std::span<const Ext<D>>);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
