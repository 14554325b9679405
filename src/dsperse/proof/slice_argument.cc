#include "dsperse/proof/slice_argument.h"

#include <algorithm>
#include <bit>
#include <set>

#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/ops/constrain.h"
#include "dsperse/relation/work.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Fp;
using relation::Kind;
using relation::Relation;

/// TensorRef of a program tensor.
std::uint32_t value_ref(const SliceKey& key, quantize::TensorId t) {
  return static_cast<std::uint32_t>(key.program.weights.size()) + t;
}

std::vector<std::uint32_t> weight_refs(const SliceKey& key) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t w = 0; w < key.program.weights.size(); ++w) out.push_back(w);
  return out;
}

void set_public_weights(const SliceKey& key, relation::PublicTensors& publics) {
  for (std::size_t w = 0; w < std::min(key.public_weights.size(), key.program.weights.size()); ++w)
    publics[w] = &key.public_weights[w];
}

quantize::Shape shape_of(const quantize::Shape& s) { return s.empty() ? quantize::Shape{1} : s; }

std::vector<quantize::Shape> shapes(const Relation& relation) {
  std::vector<quantize::Shape> out;
  for (const relation::Tensor& t : relation.tensors) out.push_back(shape_of(t.shape));
  return out;
}

/// Digits of a bound of 2^15 and more; 0: one lookup does.
std::uint32_t range_digits(std::int64_t max_abs) {
  if (max_abs < (std::int64_t{1} << 15)) return 0;
  std::uint32_t digits = 1;
  while ((static_cast<__int128>(1) << (relation::kDigitBits * digits)) <= 2 * static_cast<__int128>(max_abs)) ++digits;
  return digits;
}

/// A tensor's elements in flat order as two axes, the lower of 2^b entries. A cube pads axes one by one, so every element keeps
/// the place that it has on one axis, while vectors on the axes have about sqrt(n) entries instead of n. b: half of the
/// variables, or all of the tensor's last axis, so that whole runs of its layout lie in the lower axis.
quantize::Shape two_axes(const quantize::Shape& shape) {
  const auto n = static_cast<std::uint64_t>(quantize::elements(shape));
  const unsigned last = shape.empty() ? 0 : relation::bits_for(static_cast<std::uint64_t>(shape.back()));
  const unsigned b = std::min(static_cast<unsigned>(std::countr_zero(n)), std::max((relation::bits_for(n) + 1) / 2, last));
  return {static_cast<std::int64_t>(n >> b), std::int64_t{1} << b};
}

/// Lookups and rows of the weight ranges, before any is made: the program may be anybody's.
Status range_budget(const quantize::Program& program) {
  std::uint64_t lookups = 0, rows = std::uint64_t{1} << relation::kDigitBits;
  std::set<std::int64_t> bounds;
  for (const quantize::WeightSpec& w : program.weights) {
    const std::uint32_t digits = range_digits(w.max_abs);
    lookups += static_cast<std::uint64_t>(quantize::elements(w.shape)) * std::max(1U, 2 * digits);
    if (digits == 0 && bounds.insert(w.max_abs).second) rows += static_cast<std::uint64_t>(2 * w.max_abs + 1);
    if (lookups > relation::kMaxLookups)
      return fail(ErrorKind::unsupported, "the slice has more than 2^25 weights", {}, "cut it into smaller slices");
    if (rows > relation::kMaxTableRows)
      return fail(ErrorKind::unsupported, "the slice has constants of too many different ranges", {},
                  "cut it into smaller slices");
  }
  return {};
}

/// A claim on public weights is one pass over them, about half a unit an element, whereas committed ones are folded by whole
/// runs: few weights in many terms of a hostile key would take long.
Status check_public_work(const SliceKey& key, const Relation& relation) {
  std::uint64_t work = 0;
  const auto claim = [&](relation::TensorRef t) {
    if (t < key.public_weights.size())
      work = relation::add_work(work, static_cast<std::uint64_t>(quantize::elements(key.program.weights[t].shape)) / 2);
  };
  const auto claims = [&](const relation::Terms& terms) {
    for (const relation::Term& t : terms)
      if (t.of == relation::Term::Of::tensor) claim(t.id);
  };
  for (const relation::Lookup& l : relation.lookups)
    for (const relation::Terms& column : l.columns) claims(column);
  for (const relation::Identity& i : relation.identities) claims(i.terms);
  for (const relation::Product& p : relation.products) claim(p.a.tensor), claim(p.b.tensor);
  if (work > relation::kMaxWork)
    return fail(ErrorKind::unsupported, "the slice reads public weights too often", {}, "cut it into smaller slices");
  return {};
}

}  // namespace

Result<Relation> slice_relation(const SliceKey& key) {
  std::vector<quantize::TensorId> ranged;
  for (const Port& p : key.inputs)
    if (!p.is_public) ranged.push_back(p.tensor);
  DSPERSE_TRY(Relation relation, ops::constrain(key.program, ranged, key.options));
  DSPERSE_CHECK_OK(check_public_work(key, relation));
  return relation;
}

ArgumentSpec slice_spec(const SliceKey& key, const Relation& relation) {
  ArgumentSpec spec;
  spec.profile = key.profile;
  spec.work = key.work;
  spec.vectors = shapes(relation);
  std::vector<bool> elsewhere(relation.tensors.size(), false);
  for (const std::uint32_t w : weight_refs(key)) elsewhere[w] = true;
  if (key.weights.t != 0) spec.groups.push_back({"weights", key.weights, {{"weights", weight_refs(key)}}});
  ArgumentSpec::Group boundary{"boundary", key.boundary, {}};
  for (const Port& p : key.ports()) {
    elsewhere[value_ref(key, p.tensor)] = true;
    if (!p.is_public) boundary.trees.push_back({"boundary " + std::to_string(p.chunk), {value_ref(key, p.tensor)}});
  }
  if (!boundary.trees.empty()) spec.groups.push_back(std::move(boundary));
  for (std::uint32_t ref = 0; ref < relation.tensors.size(); ++ref)
    if (!elsewhere[ref]) spec.witness.push_back(ref);
  spec.witness_geometry = key.witness;
  spec.end_geometry = key.end;
  return spec;
}

relation::PublicTensors public_tensors(const SliceKey& key, const Relation& relation, const Statement& statement) {
  relation::PublicTensors out(relation.tensors.size(), nullptr);
  set_public_weights(key, out);
  const std::vector<Port> ports = key.ports();
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (ports[i].is_public) out[value_ref(key, ports[i].tensor)] = &statement.boundaries[i].values;
  return out;
}

std::vector<std::vector<Digest>> slice_roots(const SliceKey& key, const Statement& statement) {
  std::vector<std::vector<Digest>> roots;
  if (statement.weights) roots.push_back({*statement.weights});
  std::vector<Digest> boundary;
  const std::vector<Port> ports = key.ports();
  for (std::size_t i = 0; i < ports.size(); ++i)
    if (!ports[i].is_public) boundary.push_back(*statement.boundaries[i].root);
  if (!boundary.empty()) roots.push_back(std::move(boundary));
  return roots;
}

Head slice_head(const Statement& statement) {
  return {{"vk", Bytes(statement.key.begin(), statement.key.end())}, {"statement", encode_statement(statement)}};
}

template <int D>
Layout slice_layout(const ArgumentSpec& spec, const Relation& relation) {
  const relation::PublicTensors publics(relation.tensors.size(), nullptr);  // a dry run reads no values
  return layout_for<D>(spec, [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); });
}

Result<Relation> range_relation(const quantize::Program& program) {
  DSPERSE_CHECK_OK(range_budget(program));
  Relation out;
  for (std::uint32_t w = 0; w < program.weights.size(); ++w) {
    out.tensors.push_back({program.weights[w].name, program.weights[w].shape, Kind::weight, w, 0});
    out.weight_bounds.push_back(program.weights[w].max_abs);
  }
  const auto range = [&](std::int64_t lo, std::int64_t hi) {
    const std::string name = "range " + std::to_string(lo) + " " + std::to_string(hi);
    for (std::uint32_t t = 0; t < out.tables.size(); ++t)
      if (out.tables[t].name == name) return t;
    relation::Table table{name, 1, 0, {}, {{0, lo, hi + 1, 0}}};
    for (std::int64_t v = lo; v <= hi; ++v) table.rows.push_back({Fp::from_signed(v)});
    out.tables.push_back(std::move(table));
    return static_cast<std::uint32_t>(out.tables.size() - 1);
  };
  const auto term = [](std::uint32_t ref, const quantize::Shape& site, Fp scalar) {
    relation::Term t;
    t.of = relation::Term::Of::tensor;
    t.id = ref;
    t.view = relation::identity_view(site);
    t.scalar = scalar;
    return t;
  };
  for (std::uint32_t w = 0; w < program.weights.size(); ++w) {
    const quantize::WeightSpec& spec = program.weights[w];
    const std::int64_t n = quantize::elements(spec.shape);
    if (spec.max_abs < (std::int64_t{1} << 15)) {
      const quantize::Shape site = two_axes(spec.shape);
      out.lookups.push_back({spec.name + " range", site, range(-spec.max_abs, spec.max_abs), {{term(w, site, Fp(1))}}});
      continue;
    }
    // max_abs + w and max_abs - w are both sums of digits, hence not negative.
    const std::uint32_t digits = range_digits(spec.max_abs);
    if (relation::kDigitBits * digits > 60)
      return fail(ErrorKind::unsupported, "constants beyond 2^40 cannot be range-checked", spec.name);
    for (const std::uint32_t side : {0U, 1U}) {
      relation::Terms sum{term(w, {n}, Fp::from_signed(side == 0 ? 1 : -1))};
      relation::Term bound;
      bound.scalar = Fp::from_signed(spec.max_abs);
      sum.push_back(bound);
      for (std::uint32_t l = 0; l < digits; ++l) {
        const auto ref = static_cast<std::uint32_t>(out.tensors.size());
        const std::string name = spec.name + (side == 0 ? " low digit " : " high digit ") + std::to_string(l);
        out.tensors.push_back({name, {n}, Kind::digit, w, 2 * l + side});
        out.lookups.push_back({name, {n}, range(0, (1 << relation::kDigitBits) - 1), {{term(ref, {n}, Fp(1))}}});
        sum.push_back(term(ref, {n}, -crypto::power_of_two(static_cast<int>(relation::kDigitBits * l))));
      }
      out.identities.push_back({spec.name + (side == 0 ? " low bound" : " high bound"), {n}, std::move(sum)});
    }
  }
  for (std::uint32_t t = 0; t < out.tables.size(); ++t)
    out.tensors.push_back(
        {"m " + out.tables[t].name, {static_cast<std::int64_t>(out.tables[t].rows.size())}, Kind::multiplicity, t, 0});
  if (out.lookup_size() > relation::kMaxLookups)
    return fail(ErrorKind::unsupported, "the slice has more than 2^25 weights", {}, "cut it into smaller slices");
  return out;
}

template <int D>
std::pair<ArgumentSpec, Layout> range_argument(const SliceKey& key, const Relation& relation) {
  ArgumentSpec spec;
  spec.profile = key.profile;
  spec.work = key.work;
  spec.vectors = shapes(relation);
  spec.groups.push_back({"weights", key.weights, {{"weights", weight_refs(key)}}});
  for (auto ref = static_cast<std::uint32_t>(key.program.weights.size()); ref < relation.tensors.size(); ++ref)
    spec.witness.push_back(ref);
  const relation::PublicTensors publics(relation.tensors.size(), nullptr);
  spec.witness_geometry = key.range_witness;
  spec.end_geometry = key.range_end;
  Layout layout =
      layout_for<D>(spec, [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, relation, publics, nullptr); });
  return {std::move(spec), std::move(layout)};
}

Head range_head(const SliceKey& key) {
  const Digest d = key.digest();
  return {{"vk", Bytes(d.begin(), d.end())}, {"weight ranges", Bytes()}};
}

template <int D>
std::pair<ArgumentSpec, Layout> link_argument(const SliceKey& key) {
  ArgumentSpec spec;
  spec.profile = key.profile;
  spec.work = key.work;
  const auto n = static_cast<std::uint32_t>(key.program.weights.size());
  ArgumentSpec::Group weights{"weights", key.weights, {{"base", {}}, {"epoch", {}}}};
  for (const std::uint32_t tree : {0U, 1U})
    for (std::uint32_t w = 0; w < n; ++w) {
      spec.vectors.push_back(shape_of(key.program.weights[w].shape));
      weights.trees[tree].members.push_back(tree * n + w);
    }
  spec.groups.push_back(std::move(weights));
  spec.witness_geometry = key.link_witness;
  spec.end_geometry = key.link_end;
  Layout layout = layout_for<D>(spec, [&](crypto::Party<D>& party) { link_schedule<D>(party, key); });
  return {std::move(spec), std::move(layout)};
}

template <int D>
void link_schedule(crypto::Party<D>& party, const SliceKey& key) {
  // A pad and a slot give the witness tree something to hold, so that its layout is not empty.
  const crypto::Form<D> zero = party.hide("zero", {});
  party.check("link zero", zero);
  const auto n = static_cast<std::uint32_t>(key.program.weights.size());
  crypto::Form<D> difference;
  for (std::uint32_t w = 0; w < n; ++w) {
    const auto size = static_cast<std::size_t>(quantize::elements(key.program.weights[w].shape));
    std::vector<Ext<D>> point;
    for (unsigned k = 0; k < relation::bits_for(size); ++k) point.push_back(party.challenge("link point"));
    const Ext<D> weight = party.challenge("link weight");
    if (party.dry()) continue;
    auto functional = std::make_shared<crypto::RankOne<D>>();
    functional->vectors.push_back(crypto::eq_values<D>(std::span<const Ext<D>>(point)));
    functional->vectors[0].resize(size);
    difference.claims.push_back({w, weight, functional});
    difference.claims.push_back({n + w, -weight, functional});
  }
  party.check("link", std::move(difference));
  party.sacrifice();
}

Head link_head(const SliceKey& key, const EpochLink& link) {
  const Digest d = key.digest();
  ByteWriter w;
  w.raw(link.base);
  w.raw(link.epoch);
  w.u32(link.base_opening);
  w.u32(link.epoch_opening);
  return {{"vk", Bytes(d.begin(), d.end())}, {"link", w.take()}};
}

#define DSPERSE_INSTANTIATE(D)                                                                  \
  template Layout slice_layout<D>(const ArgumentSpec&, const Relation&);                        \
  template std::pair<ArgumentSpec, Layout> range_argument<D>(const SliceKey&, const Relation&); \
  template std::pair<ArgumentSpec, Layout> link_argument<D>(const SliceKey&);                   \
  template void link_schedule<D>(crypto::Party<D>&, const SliceKey&);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
