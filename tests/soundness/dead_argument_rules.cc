// Attacks on the rules of verify_argument: lies that everything else lets pass.
#include "dead_rules.h"
#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/proof/slice_argument.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

/// A false slice: one output is off by one, and the prover is honest about everything that follows from it.
template <int D>
struct FalseSlice {
  using E = crypto::Ext<D>;
  SliceCase c;
  proof::Layout layout;

  explicit FalseSlice(proof::Profile profile) : c(*make_case(two_layers(), {.profile = profile, .constraints = {3, 1U << 20}})) {
    c.run([](std::uint32_t op, quantize::IntTensor& y) {
      if (op == 1) y[1] += y[1] == 0 ? 1 : -1;
    });
    c.restate();
    const auto relation = proof::slice_relation(c.key).value();
    layout = proof::slice_layout<D>(proof::slice_spec(c.key, relation), relation);
  }
  [[nodiscard]] std::string reason(const SliceForge<D>& forge) const { return c.verify(*c.prove<D>(forge)).reason; }

  /// v of the witness is what the end check needs.
  [[nodiscard]] std::string fitted_v() const {
    SliceForge<D> f;
    f.argument.fit = [](const E& fitting, E& v) { v = fitting; };
    return reason(f);
  }
  /// The same, and u evaluates to it.
  [[nodiscard]] std::string fitted_u() const {
    SliceForge<D> f;
    E error;
    f.argument.fit = [&](const E& fitting, E& v) {
      error = fitting - v;
      v = fitting;
    };
    f.argument.u = [&](std::size_t g, const E&, std::span<const E> point, std::vector<E>& u) {
      if (g + 1 != layout.groups.size()) return;
      E eq0 = E::one();
      for (unsigned b = 0; b < layout.groups[g].geometry.code.c; ++b) eq0 *= E::one() - point[b];
      u[0] += error * inverse(eq0);
    };
    return reason(f);
  }
  /// u of the end tree is what the end check needs.
  [[nodiscard]] std::string fitted_end() const {
    SliceForge<D> f;
    f.argument.u_end = [](const crypto::Form<D>& claim, const E& target, std::vector<E>& u) {
      E got, own;
      const auto at = claim.coef.front().first;
      for (const auto& [i, k] : claim.coef) {
        got += k * u[i];
        if (i == at) own += k;
      }
      u[at] += (target - got) * inverse(own);
    };
    return reason(f);
  }
};

/// A true epoch link, verified as an argument.
template <int D>
struct Link {
  SliceCase c;
  proof::EpochLink link;
  proof::Layout layout;

  explicit Link(proof::Profile profile) : c(*make_case(two_layers(), {.profile = profile})) {
    const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
    link = {*c.key.weight_root, *epoch.root(), 1, 0, {}};
    link.proof = *proof::prove_link(c.key, link, c.weight_tree, epoch);
    layout = proof::link_argument<D>(c.key).second;
  }
  [[nodiscard]] std::string reason(const std::vector<std::vector<Digest>>& roots, bool stops) const {
    return proof::verify_argument<D>(layout, proof::link_head(c.key, link), roots, link.proof,
                                     [&](crypto::Party<D>& party) {
                                       proof::link_schedule<D>(party, c.key);
                                       if (stops) party.abort_run();
                                     })
        .reason;
  }
};

/// A true slice, whose prover spares itself the work.
template <int D>
std::string without_work(proof::Profile profile, std::function<void(std::uint64_t&)> proof::Forge<D>::* nonce) {
  const SliceCase c = *make_case(two_layers(), {.profile = profile, .constraints = {3, 1U << 20}, .work = proof::kWorkBits});
  SliceForge<D> f;
  (f.argument.*nonce) = [](std::uint64_t& x) { x = x == 0 ? 1 : 0; };  // the least good one is not 0 but once in 2^12
  return c.verify(*c.prove<D>(f)).reason;
}

template <int D>
RuleAttacks attacks(proof::Profile profile) {
  const auto lie = std::make_shared<FalseSlice<D>>(profile);
  const auto link = std::make_shared<Link<D>>(profile);
  using Without = RuleAttack::Without;
  return {
      {"argument: end check", "end check", [lie] { return lie->reason({}); }},
      {"argument: u evaluates to v", "u does not evaluate to v", [lie] { return lie->fitted_v(); }},
      {"argument: columns agree with u", "column inconsistent", [lie] { return lie->fitted_u(); }},
      {"argument: end columns agree with u_end", "column inconsistent", [lie] { return lie->fitted_end(); }},
      {"argument: a root for each tree", "roots of the statement", [link] { return link->reason({}, false); }, Without::crashes},
      {"argument: the whole schedule", "degenerate challenge",
       [link] { return link->reason({{link->link.base, link->link.epoch}}, true); }},
      {"first proof of work", "proof of work", [profile] { return without_work<D>(profile, &proof::Forge<D>::first_work); }},
      {"second proof of work", "proof of work", [profile] { return without_work<D>(profile, &proof::Forge<D>::column_work); }},
  };
}

}  // namespace

RuleAttacks argument_attacks(proof::Profile profile) {
  return profile == proof::Profile::bits100 ? attacks<2>(profile) : attacks<3>(profile);
}

}  // namespace dsperse::soundness
