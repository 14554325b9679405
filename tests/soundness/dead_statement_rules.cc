// Attacks on the rules of verify_slice, verify_ranges and verify_link: proofs, honest in themselves, of statements and keys that
// they must not be accepted for.
#include "dead_rules.h"
#include "dsperse/proof/slice_argument.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using Without = RuleAttack::Without;
using proof::SliceKey;
using proof::Statement;

template <int D>
struct Cases {
  SliceCase c;           ///< its output is public
  SliceCase weightless;  ///< committed ports
  std::shared_ptr<proof::WeightCommitment> epoch;

  explicit Cases(proof::Profile profile)
      : c(*make_case(two_layers(), {.profile = profile, .publics = {2}, .constraints = {3, 1U << 20}})),
        weightless([&] {
          for (const NamedSlice& s : attack_slices(profile))
            if (s.name == "rearrange") return *make_case(s.program, s.options);
          std::abort();
        }()),
        epoch(std::make_shared<proof::WeightCommitment>(*proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5)))) {
  }

  /// Proves and verifies `s` as it stands, under `key`.
  static std::string stated(const SliceCase& of, const SliceKey& key, const Statement& s) {
    return proof::verify_slice(key, s, *proof::prove_slice_forged<D>(key, s, of.witness(), {})).reason;
  }
  static std::string changed(const SliceCase& of, const std::function<void(Statement&)>& change) {
    Statement s = of.statement;
    change(s);
    return stated(of, of.key, s);
  }
  [[nodiscard]] std::string with_key(const std::function<void(SliceKey&)>& change) const {
    SliceKey key = c.key;
    change(key);
    Statement s = c.statement;
    s.key = key.digest();
    return stated(c, key, s);
  }
  [[nodiscard]] std::string link(const std::function<void(proof::EpochLink&)>& change, bool to_itself = false) const {
    const proof::WeightCommitment& to = to_itself ? c.weight_tree : *epoch;
    proof::EpochLink l{*c.weight_tree.root(), *to.root(), 1, 2, {}};
    change(l);
    l.proof = *proof::prove_link_forged<D>(c.key, l, c.weight_tree, to, {});
    return proof::verify_link(c.key, l).reason;
  }
};

/// A public input beyond its range which, like all that follows, is in every table.
template <int D>
std::string public_input_beyond(proof::Profile profile) {
  SliceCase c = *make_case(two_layers(), {.profile = profile, .publics = {0}, .constraints = {3, 1U << 20}});
  const auto relation = proof::slice_relation(c.key).value();
  const quantize::IntTensor honest = c.trace[0];
  for (std::size_t e = 0; e < honest.size(); ++e) {
    c.trace[0] = honest;
    c.trace[0][e] = static_cast<std::int32_t>(c.program.tensors[0].hi + 1);
    c.run();
    const relation::Values values(relation, c.weights, c.trace);
    if (!relation::testing::broken(relation, relation::testing::assignment_of(values)).empty()) continue;
    c.restate();
    return Cases<D>::stated(c, c.key, c.statement);
  }
  return "no such input";
}

template <int D>
RuleAttacks attacks(proof::Profile profile) {
  const auto all = std::make_shared<Cases<D>>(profile);
  const auto statement = [all](const std::function<void(Statement&)>& change) {
    return [all, change] { return all->changed(all->c, change); };
  };
  const auto weightless = [all](const std::function<void(Statement&)>& change) {
    return [all, change] { return all->changed(all->weightless, change); };
  };
  const auto link = [all](const std::function<void(proof::EpochLink&)>& change, bool to_itself = false) {
    return [all, change, to_itself] { return all->link(change, to_itself); };
  };
  return {
      {"statement: number of boundaries", "boundaries of the key",
       statement([](Statement& s) { s.boundaries.push_back(s.boundaries[0]); })},
      {"statement: chunk of a boundary", "not the key's tensor", statement([](Statement& s) { s.boundaries[0].chunk = 9; })},
      {"statement: root iff committed", "root or values", statement([](Statement& s) { s.boundaries[1].root = Digest{}; })},
      {"statement: no values of a commitment", "root or values", statement([](Statement& s) { s.boundaries[0].values = {1}; })},
      {"statement: number of public values", "public values",
       statement([](Statement& s) { s.boundaries[1].values.push_back(0); })},
      {"statement: public values in range", "public value out of range", [profile] { return public_input_beyond<D>(profile); }},
      {"statement: names the key", "statement names another key", statement([](Statement& s) { s.key[0] ^= 1; })},
      {"statement: weights iff the key has some", "weights",
       [all] {  // nothing to prove: the verifier compares with a root that is not there
         Statement s = all->weightless.statement;
         s.weights = Digest{};
         s.opening = 1;
         return proof::verify_slice(all->weightless.key, s, {}).reason;
       },
       Without::crashes},
      {"statement: opening within the budget", "opening budget",
       statement([](Statement& s) { s.opening = proof::kWeightBudget; })},
      {"statement: opening 0 of the origin", "opening budget", statement([](Statement& s) { s.opening = 0; })},
      {"statement: no opening without weights", "opening budget", weightless([](Statement& s) { s.opening = 1; })},
      {"key: end tree holds all pads", "key: end geometry",
       [all] { return all->with_key([](SliceKey& k) { k.end.code.c = 3; }); }},
      {"key: profile", "key: below the profile", [all] { return all->with_key([](SliceKey& k) { k.witness.t /= 2; }); }},
      {"statement: the slice is integers", "a slice that runs in float has no proof",
       [all] {  // integer ops are proved under the key of a slice that calls itself float: nobody may count that as a proof of it
         return all->with_key([](SliceKey& k) {
           k.in_float = proof::FloatSlice{"engine", "1.0", {}, {}, std::vector<quantize::IoMapping>(k.ports().size())};
         });
       }},
      {"ranges: none without weights", "weights",
       [all] {
         SliceKey key = all->weightless.key;
         key.range_proof = {1};
         return proof::verify_ranges(key).reason;
       }},
      {"link: the key has weights", "weights",
       [all] { return proof::verify_link(all->weightless.key, {{1}, {2}, 1, 1, {}}).reason; }, Without::crashes},
      {"link: two trees", "epoch link to itself", link([](proof::EpochLink&) {}, true)},
      {"link: base opening within the budget", "opening budget",
       link([](proof::EpochLink& l) { l.base_opening = proof::kWeightBudget; })},
      {"link: epoch opening within the budget", "opening budget",
       link([](proof::EpochLink& l) { l.epoch_opening = proof::kWeightBudget; })},
      {"link: opening 0 of the origin", "opening budget", link([](proof::EpochLink& l) { l.base_opening = 0; })},
  };
}

}  // namespace

RuleAttacks statement_attacks(proof::Profile profile) {
  return profile == proof::Profile::bits100 ? attacks<2>(profile) : attacks<3>(profile);
}

}  // namespace dsperse::soundness
