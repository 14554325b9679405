#include "dsperse/relation/relation.h"

#include <algorithm>
#include <set>

namespace dsperse::relation {
namespace {

std::int64_t to_signed(Fp x) {
  return x.v > crypto::kP / 2 ? -static_cast<std::int64_t>(crypto::kP - x.v) : static_cast<std::int64_t>(x.v);
}

}  // namespace

std::optional<std::uint32_t> Table::find(const std::array<Fp, kMaxWidth>& tuple) const {
  const std::int64_t at = to_signed(tuple[key]), first = key == 0 ? 0 : to_signed(tuple[0]);
  auto it = std::upper_bound(segments.begin(), segments.end(), std::pair(first, at),
                             [](const auto& value, const Segment& s) { return value < std::pair(s.first, s.lo); });
  if (it == segments.begin()) return std::nullopt;
  --it;
  if (it->first != first || at >= it->hi) return std::nullopt;
  const auto row = static_cast<std::uint32_t>(it->base + static_cast<std::uint64_t>(at - it->lo));
  return rows[row] == tuple ? std::optional(row) : std::nullopt;
}

std::vector<std::string> Relation::constraint_ids() const {
  std::vector<std::string> out;
  for (const Lookup& l : lookups) out.push_back(l.id);
  for (const Identity& i : identities) out.push_back(i.id);
  for (const Product& p : products) out.push_back(p.id);
  return out;
}

std::uint64_t Relation::lookup_size() const {
  std::uint64_t n = 0;
  for (const Lookup& l : lookups) n += static_cast<std::uint64_t>(quantize::elements(l.shape));
  for (const Table& t : tables) n += t.rows.size();
  return n;
}

TensorRef value_ref(const Relation& relation, quantize::TensorId id) {
  TensorRef ref = 0;
  while (relation.tensors[ref].kind == Kind::weight) ++ref;
  return ref + id;
}

std::vector<TensorRef> row_parts(const Relation& relation, std::uint32_t row_op) {
  std::vector<TensorRef> out;
  for (TensorRef ref = 0; ref < relation.tensors.size(); ++ref)
    if (relation.tensors[ref].kind == Kind::row && relation.tensors[ref].index == row_op) out.push_back(ref);
  return out;
}

std::vector<Terms> columns_of_a_row(const Relation& relation, const Lookup& lookup) {
  std::vector<Terms> out;
  for (std::size_t c = 0; c < lookup.columns.size(); ++c) {
    Term constant;
    constant.scalar = relation.tables[lookup.table].rows[0][c];
    out.push_back({constant});
  }
  return out;
}

View identity_view(const Shape& axes) {
  View v{axes, {}};
  for (std::uint32_t k = 0; k < axes.size(); ++k) v.maps.push_back(axis(k));
  return v;
}

AxisMap axis(std::uint32_t letter, std::int64_t coef, std::int64_t offset) { return {offset, {{letter, coef}}}; }

LeafCube leaf_cube(const Relation& relation) {
  LeafCube cube;
  for (std::uint32_t i = 0; i < relation.lookups.size(); ++i) {
    unsigned vars = 0;
    for (const std::int64_t n : relation.lookups[i].shape) vars += bits_for(static_cast<std::uint64_t>(n));
    cube.blocks.push_back({i, vars, 0});
  }
  std::stable_sort(cube.blocks.begin(), cube.blocks.end(),
                   [](const LeafBlock& a, const LeafBlock& b) { return a.vars > b.vars; });
  std::uint64_t at = 0;
  for (LeafBlock& b : cube.blocks) {
    b.offset = at;
    at += std::uint64_t{1} << b.vars;
  }
  cube.vars = bits_for(at);
  return cube;
}

}  // namespace dsperse::relation
