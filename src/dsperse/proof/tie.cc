#include "dsperse/proof/tie.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/proof/key_parts.h"
#include "dsperse/relation/relation.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;

constexpr std::size_t kMaxPairs = 1U << 16, kMaxTieProof = std::size_t{1} << 28;

std::unexpected<Error> bad(const std::string& what, const WeightTie& tie) {
  return fail(ErrorKind::bad_input, "key: " + what,
              "weights of slices " + std::to_string(tie.base) + " and " + std::to_string(tie.slice),
              "use a key written by `dsperse compile`");
}

const quantize::Shape& shape_of(const SliceKey& key, std::uint32_t weight) { return key.program.weights[weight].shape; }

}  // namespace

void write_tie_body(ByteWriter& w, const WeightTie& tie) {
  w.u32(tie.slice);
  w.u32(tie.base);
  w.u32(static_cast<std::uint32_t>(tie.weights.size()));
  for (const auto& [weight, of_base] : tie.weights) {
    w.u32(weight);
    w.u32(of_base);
  }
  w.u32(tie.opening);
  w.u32(tie.base_opening);
  write_geometry(w, tie.witness);
  write_geometry(w, tie.end);
}

void write_tie(ByteWriter& w, const WeightTie& tie) {
  write_tie_body(w, tie);
  w.u32(static_cast<std::uint32_t>(tie.proof.size()));
  w.raw(tie.proof);
}

WeightTie read_tie(ByteReader& r) {
  WeightTie tie;
  tie.slice = r.u32();
  tie.base = r.u32();
  tie.weights.resize(r.count(kMaxPairs, 8));
  for (auto& [weight, of_base] : tie.weights) {
    weight = r.u32();
    of_base = r.u32();
  }
  tie.opening = r.u32();
  tie.base_opening = r.u32();
  tie.witness = read_geometry(r);
  tie.end = read_geometry(r);
  const ByteView proof = r.take(r.count(kMaxTieProof, 1));
  tie.proof.assign(proof.begin(), proof.end());
  return tie;
}

Status check_ties(const ModelKey& key) {
  const WeightTie* before = nullptr;
  std::set<std::pair<std::uint32_t, std::uint32_t>> opened;  // slice, opening
  for (const WeightTie& t : key.ties) {
    if (violated("ties: order", before != nullptr && std::pair(before->slice, before->base) >= std::pair(t.slice, t.base)))
      return bad("weight ties are not in order", t);
    before = &t;
    if (violated("ties: slices", t.base >= t.slice || t.slice >= key.slices.size())) return bad("tied slices", t);
    const SliceKey &slice = key.slices[t.slice], &base = key.slices[t.base];
    if (violated("ties: hidden weights", !slice.weight_root || !base.weight_root))
      return bad("tied slices without hidden weights", t);
    if (violated("ties: some weights", t.weights.empty())) return bad("a tie of no weights", t);
    for (std::size_t i = 0; i < t.weights.size(); ++i) {
      const auto& [weight, of_base] = t.weights[i];
      if (violated("ties: order of weights", i > 0 && t.weights[i - 1].first >= weight))
        return bad("tied weights are not in order", t);
      if (violated("ties: weights", weight >= slice.program.weights.size() || of_base >= base.program.weights.size()))
        return bad("tied weights that do not exist", t);
      if (violated("ties: shapes", shape_of(slice, weight) != shape_of(base, of_base)))
        return bad("tied weights differ in shape", t);
    }
    for (const auto& [of, opening] : {std::pair(t.slice, t.opening), std::pair(t.base, t.base_opening)}) {
      if (violated("ties: openings", opening >= kWeightBudget || opening + kMaxTies < kWeightBudget))
        return bad("a tie's opening is not among the last ones", t);
      if (violated("ties: opened once", !opened.emplace(of, opening).second)) return bad("two ties use one opening", t);
    }
    if (violated("ties: geometries", !sound_geometry(slice.params(), t.witness, 1) || !sound_geometry(slice.params(), t.end, 1)))
      return bad("geometry of a tie below the profile", t);
  }
  return {};
}

std::uint32_t end_of_openings(const ModelKey& key, std::uint32_t slice) {
  std::uint32_t end = kWeightBudget;
  for (const WeightTie& t : key.ties) {
    if (t.slice == slice) end = std::min(end, t.opening);
    if (t.base == slice) end = std::min(end, t.base_opening);
  }
  return end;
}

template <int D>
std::pair<ArgumentSpec, Layout> tie_argument(const ModelKey& key, const WeightTie& tie) {
  const SliceKey &slice = key.slices[tie.slice], &base = key.slices[tie.base];
  ArgumentSpec spec;
  spec.profile = slice.profile;
  spec.work = slice.work;
  for (const auto& [label, of] : {std::pair("base", &base), std::pair("slice", &slice)}) {
    ArgumentSpec::Group group{std::string(label) + " weights", of->weights, {{"weights", {}}}};
    for (const quantize::WeightSpec& w : of->program.weights) {
      group.trees[0].members.push_back(static_cast<std::uint32_t>(spec.vectors.size()));
      spec.vectors.push_back(w.shape);
    }
    spec.groups.push_back(std::move(group));
  }
  spec.witness_geometry = tie.witness;
  spec.end_geometry = tie.end;
  Layout layout = layout_for<D>(spec, [&](crypto::Party<D>& party) { tie_schedule<D>(party, key, tie); });
  return {std::move(spec), std::move(layout)};
}

template <int D>
void tie_schedule(crypto::Party<D>& party, const ModelKey& key, const WeightTie& tie) {
  // A pad and a slot give the witness tree something to hold, so that its layout is not empty.
  const crypto::Form<D> zero = party.hide("zero", {});
  party.check("tie zero", zero);
  const auto of_base = static_cast<std::uint32_t>(key.slices[tie.base].program.weights.size());
  crypto::Form<D> difference;
  for (const auto& [weight, base] : tie.weights) {
    const auto size = static_cast<std::size_t>(quantize::elements(shape_of(key.slices[tie.slice], weight)));
    std::vector<Ext<D>> point;
    for (unsigned k = 0; k < relation::bits_for(size); ++k) point.push_back(party.challenge("link point"));
    const Ext<D> gamma = party.challenge("link weight");
    if (party.dry()) continue;
    auto functional = std::make_shared<crypto::RankOne<D>>();
    functional->vectors.push_back(crypto::eq_values<D>(std::span<const Ext<D>>(point)));
    functional->vectors[0].resize(size);
    difference.claims.push_back({of_base + weight, gamma, functional});
    difference.claims.push_back({base, -gamma, functional});
  }
  party.check("tie", std::move(difference));
  party.sacrifice();
}

Head tie_head(const ModelKey& key, const WeightTie& tie) {
  const Digest slice = key.slices[tie.slice].digest(), base = key.slices[tie.base].digest();
  ByteWriter w;
  write_tie_body(w, tie);
  return {{"vk", Bytes(slice.begin(), slice.end())}, {"vk base", Bytes(base.begin(), base.end())}, {"tie", w.take()}};
}

Digest tie_digest(const ModelKey& key, const WeightTie& tie) {
  ByteWriter w;
  for (const auto& [label, data] : tie_head(key, tie)) w.raw(data);
  return crypto::hash_tagged("dsperse weight tie v1", {w.bytes(), tie.proof});
}

#define DSPERSE_INSTANTIATE(D)                                                                 \
  template std::pair<ArgumentSpec, Layout> tie_argument<D>(const ModelKey&, const WeightTie&); \
  template void tie_schedule<D>(crypto::Party<D>&, const ModelKey&, const WeightTie&);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::proof
