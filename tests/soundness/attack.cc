#include "attack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "dsperse/base/rule.h"
#include "dsperse/proof/slice_argument.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using crypto::Ext;
using crypto::Fp;
using crypto::Party;
using relation::Relation;
using Flat = std::vector<std::vector<Fp>>;  // values by vector id

/// What a tree's rows hold, vector after vector.
void read_tree(const proof::CommittedTree& tree, const std::vector<std::uint32_t>& ids, const Relation& relation, Flat& out) {
  std::uint64_t at = 0;
  const unsigned c = tree.code.c;
  for (const std::uint32_t id : ids) {
    const proof::Placed p = proof::Placed::plan(relation.tensors[id].shape, at, c);
    at = p.end();
    out[id].clear();
    for (std::uint64_t i = 0; i < p.elements(); ++i) {
      const std::uint64_t a = p.address(i);
      out[id].push_back(tree.at(a >> c, a & (tree.code.kd() - 1)));
    }
  }
}

template <int D>
Ext<D> value(const crypto::Form<D>& form, const std::vector<Ext<D>>& pads, const std::vector<Ext<D>>& slots,
             const Flat& tensors) {
  Ext<D> out = form.constant;
  for (const auto& [v, c] : form.coef) out += c * ((v & crypto::kSlotBit) != 0 ? slots[v & ~crypto::kSlotBit] : pads[v]);
  for (const auto& claim : form.claims) {
    std::vector<Ext<D>> outer{claim.scalar};
    for (const auto& vector : claim.functional->vectors) {
      std::vector<Ext<D>> next;
      for (const Ext<D>& a : outer)
        for (const Ext<D>& b : vector) next.push_back(a * b);
      outer = std::move(next);
    }
    const std::vector<Fp>& t = tensors[claim.id];
    for (std::size_t i = 0; i < outer.size(); ++i) out += outer[i] * t[i];
  }
  return out;
}

template <int D>
std::vector<std::string> dry_ids(const Relation& relation, const relation::PublicTensors& publics) {
  crypto::CountingChannel<D> channel;
  Party<D> party(channel, Party<D>::Role::dry);
  relation::run_schedule<D>(party, relation, publics, nullptr);
  return party.check_ids();
}

/// Records what is broken while the forge lies.
template <int D>
class Observer {
 public:
  Observer(const Relation& relation, std::vector<std::string> ids, Outcome& out)
      : relation_(relation), ids_(std::move(ids)), out_(out) {}

  /// `committed` overwrites the tensors that other trees hold.
  void watch(SliceForge<D>& forge, std::function<void(Flat&)> committed) {
    committed_ = std::move(committed);
    forge.values.multiplicities = [this, then = forge.values.multiplicities](relation::Values& v) {
      if (then) then(v);
      relation::testing::Assignment a = relation::testing::assignment_of(v);
      committed_(a.tensors);
      out_.constraints = relation::testing::broken(relation_, a);
      tensors_ = std::move(a.tensors);
    };
    forge.argument.pads = [this, then = forge.argument.pads](std::vector<Ext<D>>& p) {
      if (then) then(p);
      pads_ = p;
    };
    forge.argument.slots = [this, then = forge.argument.slots](std::vector<Ext<D>>& s) {
      if (then) then(s);
      slots_ = s;
    };
    forge.argument.checks = [this, then = forge.argument.checks](const Party<D>& party) {
      if (then) then(party);
      out_.checks.clear();
      for (std::size_t i = 0; i < party.checks(); ++i)
        if (!(value<D>(party.check_forms()[i], pads_, slots_, tensors_) == Ext<D>())) out_.checks.insert(ids_.at(i));
    };
  }

 private:
  const Relation& relation_;
  std::vector<std::string> ids_;
  Outcome& out_;
  std::function<void(Flat&)> committed_;
  std::vector<Ext<D>> pads_, slots_;
  Flat tensors_;
};

std::vector<std::uint32_t> first_ids(std::size_t n) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < n; ++i) out.push_back(i);
  return out;
}

}  // namespace

template <int D>
Outcome attack(const SliceCase& c, SliceForge<D> forge) {
  Outcome out;
  const Relation relation = proof::slice_relation(c.key).value();
  const relation::PublicTensors publics = proof::public_tensors(c.key, relation, c.statement);
  Observer<D> observer(relation, dry_ids<D>(relation, publics), out);
  observer.watch(forge, [&](Flat& tensors) {
    if (c.weight_tree.impl) read_tree(c.weight_tree.impl->tree, first_ids(c.weights.size()), relation, tensors);
    const auto ports = c.key.ports();
    for (std::size_t i = 0; i < ports.size(); ++i)
      if (c.trees[i].impl)
        read_tree(c.trees[i].impl->tree, {static_cast<std::uint32_t>(c.weights.size()) + ports[i].tensor}, relation, tensors);
  });
  auto proof = c.prove<D>(forge);
  if (!proof) {
    out.verdict = Verdict::reject("prover: " + proof.error().text());
    return out;
  }
  out.proof = std::move(*proof);
  out.verdict = c.verify(out.proof);
  return out;
}
template Outcome attack<2>(const SliceCase&, SliceForge<2>);
template Outcome attack<3>(const SliceCase&, SliceForge<3>);

Outcome attack_values(const SliceCase& c, relation::ValueForge values) {
  if (c.key.profile == proof::Profile::bits100) {
    SliceForge<2> forge;
    forge.values = std::move(values);
    return attack<2>(c, std::move(forge));
  }
  SliceForge<3> forge;
  forge.values = std::move(values);
  return attack<3>(c, std::move(forge));
}

template <int D>
Outcome attack_ranges(const SliceCase& c, const quantize::WeightStore& weights, SliceForge<D> forge) {
  Outcome out;
  const Relation relation = proof::range_relation(c.program).value();
  Observer<D> observer(relation, dry_ids<D>(relation, relation::PublicTensors(relation.tensors.size(), nullptr)), out);
  observer.watch(forge,
                 [&](Flat& tensors) { read_tree(c.weight_tree.impl->tree, first_ids(c.weights.size()), relation, tensors); });
  proof::SliceKey key = c.key;
  auto proof = proof::prove_ranges_forged<D>(key, weights, c.weight_tree, forge);
  if (!proof) {
    out.verdict = Verdict::reject("prover: " + proof.error().text());
    return out;
  }
  key.range_proof = out.proof = std::move(*proof);
  out.verdict = proof::verify_ranges(key);
  return out;
}
template Outcome attack_ranges<2>(const SliceCase&, const quantize::WeightStore&, SliceForge<2>);
template Outcome attack_ranges<3>(const SliceCase&, const quantize::WeightStore&, SliceForge<3>);

namespace {

#ifdef DSPERSE_DISARMABLE
/// Without these rules the attack must succeed.
void expect_alive(const std::string& kind, const Ids& ids, const std::function<Outcome()>& attack) {
  std::vector<std::unique_ptr<Disarmed>> without;
  for (const std::string& id : ids) without.push_back(std::make_unique<Disarmed>(kind + " " + id));
  const Outcome o = attack();
  EXPECT_TRUE(o.verdict) << "dead: " << kind << " " << *ids.begin() << " (" << o.verdict.reason << " " << o.verdict.where << ")";
  if (!o.verdict)
    for (const std::string& id : ids) dead(kind + " " + id);
}
#endif

}  // namespace

void expect_broken(const std::string& slice, int bits, const std::function<Outcome()>& attack,
                   const std::optional<Ids>& constraints, const Ids& checks) {
  const Outcome o = attack();
  if (constraints) {
    EXPECT_EQ(o.constraints, *constraints);
  }
  EXPECT_EQ(o.checks, checks);
  EXPECT_FALSE(o.verdict);
  EXPECT_EQ(o.verdict.reason, "end check");
  const std::uint64_t survived = o.verdict ? 1 : 0;
  for (const std::string& id : o.constraints) attacked("constraint", slice + " > " + id, bits, 1, survived);
  for (const std::string& id : checks) attacked("check", id, bits, 1, survived);
#ifdef DSPERSE_DISARMABLE
  if (checks.size() == 1) expect_alive("check", checks, attack);
  // What identities and products say is their checks; only lookups share theirs.
  if (constraints && !constraints->empty() && checks == Ids{"lookup sum"}) expect_alive("constraint", *constraints, attack);
#endif
}

bool exhaustive() {
  const char* value = std::getenv("DSPERSE_EXHAUSTIVE");
  return value != nullptr && std::string(value) == "1";
}

Ids check_ids(const SliceCase& c) {
  const Relation relation = proof::slice_relation(c.key).value();
  const auto ids = dry_ids<2>(relation, proof::public_tensors(c.key, relation, c.statement));
  return {ids.begin(), ids.end()};
}

Ids range_check_ids(const SliceCase& c) {
  const Relation relation = proof::range_relation(c.program).value();
  const auto ids = dry_ids<2>(relation, relation::PublicTensors(relation.tensors.size(), nullptr));
  return {ids.begin(), ids.end()};
}

relation::TensorRef tensor_named(const Relation& relation, const std::string& name) {
  for (relation::TensorRef r = 0; r < relation.tensors.size(); ++r)
    if (relation.tensors[r].name == name) return r;
  std::abort();
}

}  // namespace dsperse::soundness
