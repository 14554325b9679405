// Attacks on the bounds without which an equation mod p says nothing of integers.
#include "dead_rules.h"
#include "dsperse/base/rule.h"
#include "dsperse/proof/slice_argument.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

/// Two ops share one table. The first makes it long; the second has a shift of 60, and 16 2^60 = p + 2^32 - 1: there v and v + 16
/// solve one equation mod p, with remainders that are 2^32 - 1 apart. So the rounded zero is claimed to be 16.
template <int D>
std::string wrapped_value(proof::Profile profile) {
  SliceCase c;
  Result<Bytes> proof;
  {
    const Disarmed liar("no wrap");
    quantize::testing::Builder b;
    const quantize::TensorId x = b.input({1, 2}, -3, 3);
    b.sum({{false, x, 30}}, {1, 2}, quantize::testing::simple_requant(0, quantize::Function::identity, 8));
    b.sum({{false, x, 1}}, {1, 2}, quantize::testing::simple_requant(60, quantize::Function::identity, 8));
    c = *make_case(b.done(), {.profile = profile, .constraints = {16, 1U << 20}});
    c.run([](std::uint32_t op, quantize::IntTensor& y) {
      if (op == 1) y[0] = 16;
    });
    c.restate();
    const relation::Relation relation = proof::slice_relation(c.key).value();
    SliceForge<D> forge;
    forge.values.tensors = [&](relation::Values& v) {
      const std::int64_t remainder = c.trace[x][0] + (std::int64_t{1} << 59) - ((std::int64_t{1} << 32) - 1);
      for (unsigned limb = 0; limb < 4; ++limb)
        v.own(tensor_named(relation, "op1 remainder " + std::to_string(limb)))[0] = remainder >> (16 * limb) & 0xFFFF;
    };
    proof = c.prove<D>(forge);
    if (!proof) return "prover: " + proof.error().text();
  }
  return c.verify(*proof).reason;
}

}  // namespace

RuleAttacks program_attacks(proof::Profile profile) {
  return {{"no wrap", "key: accumulators are too large for the proof field",
           [=] { return profile == proof::Profile::bits100 ? wrapped_value<2>(profile) : wrapped_value<3>(profile); }}};
}

}  // namespace dsperse::soundness
