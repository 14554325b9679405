#include "dsperse/proof/verify.h"

#include <algorithm>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/proof/security.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/tie.h"

namespace dsperse::proof {
namespace {

/// The key's geometries carry the argument.
Verdict check_layout(const SliceKey& key, const Layout& layout, std::uint64_t lookups) {
  if (violated("key: end tree holds all pads", layout.end.code.kd() < 2 * layout.vars))
    return Verdict::reject("key: end geometry");
  if (violated("key: profile", security_of(layout, lookups).worst() < bits(key.profile)))
    return Verdict::reject("key: below the profile");
  return Verdict::accept();
}

/// The statement's boundaries are the key's: order, visibility, complete public values in range.
Verdict check_boundaries(const SliceKey& key, const Statement& statement) {
  const std::vector<Port> ports = key.ports();
  if (violated("statement: number of boundaries", statement.boundaries.size() != ports.size()))
    return Verdict::reject("boundaries of the key");
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Boundary& b = statement.boundaries[i];
    const quantize::TensorSpec& t = key.program.tensors[ports[i].tensor];
    if (violated("statement: chunk of a boundary", b.chunk != ports[i].chunk))
      return Verdict::reject("not the key's tensor", t.name);
    if (violated("statement: root iff committed", b.root.has_value() == ports[i].is_public))
      return Verdict::reject("root or values", t.name);
    if (!ports[i].is_public) {
      if (violated("statement: no values of a commitment", !b.values.empty())) return Verdict::reject("root or values", t.name);
      continue;
    }
    if (violated("statement: number of public values", b.values.size() != static_cast<std::size_t>(quantize::elements(t.shape))))
      return Verdict::reject("public values", t.name);
    for (const std::int32_t v : b.values)
      if (violated("statement: public values in range", v < t.lo || v > t.hi))
        return Verdict::reject("public value out of range", t.name);
  }
  return Verdict::accept();
}

template <int D>
Verdict verify_slice_at(const SliceKey& key, const Statement& statement, ByteView proof, std::vector<std::string>* log) {
  const auto relation = slice_relation(key);
  if (!relation) return Verdict::reject("key: " + relation.error().what, relation.error().where);
  const ArgumentSpec spec = slice_spec(key, *relation);
  const Layout layout = slice_layout<D>(spec, *relation);
  if (Verdict v = check_layout(key, layout, relation->lookup_size()); !v) return v;
  const relation::PublicTensors publics = public_tensors(key, *relation, statement);
  return verify_argument<D>(
      layout, slice_head(statement), slice_roots(key, statement), proof,
      [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, *relation, publics, nullptr); }, log);
}

template <int D>
Verdict verify_ranges_at(const SliceKey& key) {
  const auto relation = range_relation(key.program);
  if (!relation) return Verdict::reject("key: " + relation.error().what, relation.error().where);
  const auto [spec, layout] = range_argument<D>(key, *relation);
  if (Verdict v = check_layout(key, layout, relation->lookup_size()); !v) return v;
  const relation::PublicTensors publics(relation->tensors.size(), nullptr);
  return verify_argument<D>(layout, range_head(key), {{*key.weight_root}}, key.range_proof,
                            [&](crypto::Party<D>& party) { relation::run_schedule<D>(party, *relation, publics, nullptr); });
}

template <int D>
Verdict verify_link_at(const SliceKey& key, const EpochLink& link) {
  const auto [spec, layout] = link_argument<D>(key);
  if (Verdict v = check_layout(key, layout, 0); !v) return v;
  return verify_argument<D>(layout, link_head(key, link), {{link.base, link.epoch}}, link.proof,
                            [&](crypto::Party<D>& party) { link_schedule<D>(party, key); });
}

template <int D>
Verdict verify_tie_at(const ModelKey& key, const WeightTie& tie) {
  const auto [spec, layout] = tie_argument<D>(key, tie);
  if (Verdict v = check_layout(key.slices[tie.slice], layout, 0); !v) return v;
  const std::vector<std::vector<Digest>> roots{{*key.slices[tie.base].weight_root}, {*key.slices[tie.slice].weight_root}};
  return verify_argument<D>(layout, tie_head(key, tie), roots, tie.proof,
                            [&](crypto::Party<D>& party) { tie_schedule<D>(party, key, tie); });
}

}  // namespace

Verdict verify_slice(const SliceKey& key, const Statement& statement, ByteView proof, std::vector<std::string>* log) {
  if (violated("statement: the slice is integers", key.in_float.has_value()))
    return Verdict::reject("a slice that runs in float has no proof");
  if (violated("statement: names the key", statement.key != key.digest())) return Verdict::reject("statement names another key");
  if (violated("statement: weights iff the key has some", statement.weights.has_value() != key.weight_root.has_value()))
    return Verdict::reject("weights");
  if (violated("statement: opening within the budget", statement.opening >= kWeightBudget))
    return Verdict::reject("opening budget");
  if (violated("statement: no opening without weights", !statement.weights && statement.opening != 0))
    return Verdict::reject("opening budget");
  // Opening 0 of the origin is the range proof's.
  if (violated("statement: opening 0 of the origin",
               statement.weights && *statement.weights == *key.weight_root && statement.opening == 0))
    return Verdict::reject("opening budget");
  if (Verdict v = check_boundaries(key, statement); !v) return v;
  return key.profile == Profile::bits100 ? verify_slice_at<2>(key, statement, proof, log)
                                         : verify_slice_at<3>(key, statement, proof, log);
}

Verdict verify_ranges(const SliceKey& key) {
  if (!key.weight_root) {
    if (violated("ranges: none without weights", !key.range_proof.empty())) return Verdict::reject("weights");
    return Verdict::accept();
  }
  Verdict v = key.profile == Profile::bits100 ? verify_ranges_at<2>(key) : verify_ranges_at<3>(key);
  if (!v) v.where = "weight ranges" + (v.where.empty() ? "" : " > " + v.where);
  return v;
}

Digest range_digest(const SliceKey& key) {
  return crypto::hash_tagged("dsperse range proof v1", {key.digest(), key.range_proof});
}

Digest link_digest(const SliceKey& key, const EpochLink& link) {
  ByteWriter w;
  for (const auto& [label, data] : link_head(key, link)) w.raw(data);
  return crypto::hash_tagged("dsperse epoch link v1", {w.bytes(), link.proof});
}

Verdict verify_link(const SliceKey& key, const EpochLink& link) {
  if (violated("link: the key has weights", !key.weight_root)) return Verdict::reject("weights");
  if (violated("link: two trees", link.base == link.epoch)) return Verdict::reject("epoch link to itself");
  if (violated("link: base opening within the budget", link.base_opening >= kWeightBudget) ||
      violated("link: epoch opening within the budget", link.epoch_opening >= kWeightBudget) ||
      violated("link: opening 0 of the origin", link.base == *key.weight_root && link.base_opening == 0))
    return Verdict::reject("opening budget");
  return key.profile == Profile::bits100 ? verify_link_at<2>(key, link) : verify_link_at<3>(key, link);
}

Verdict verify_tie(const ModelKey& key, const WeightTie& tie) {
  Verdict v = key.profile() == Profile::bits100 ? verify_tie_at<2>(key, tie) : verify_tie_at<3>(key, tie);
  const std::string where = "weights of slices " + std::to_string(tie.base) + " and " + std::to_string(tie.slice);
  if (!v) v.where = where + (v.where.empty() ? "" : " > " + v.where);
  return v;
}

}  // namespace dsperse::proof
