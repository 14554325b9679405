// Attacks on the bounds of the ops over rows: without them a wrong reciprocal, root or quotient solves its equations mod p.
#include "dead_rules.h"
#include "dsperse/base/rule.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/relation/rounding.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using quantize::Program;
using quantize::TensorId;
using quantize::testing::Builder;
using quantize::testing::simple_requant;
using relation::Fp;
using relation::Relation;
using relation::Values;
using Lie = std::function<void(Values&, const Relation&)>;

__extension__ using Wide = unsigned __int128;

/// Products and limbs of the values as they are, in F.
void follow(const Relation& relation, Values& v) {
  for (std::uint32_t i = 0; i < relation.products.size(); ++i) {
    const auto sums = relation::testing::multiply(relation.products[i], relation::testing::assignment_of(v));
    for (std::size_t k = 0; k < sums.size(); ++k) v.product(i)[k] = relation::to_signed(sums[k]);
  }
  for (std::uint32_t i = 0; i < relation.requantizations.size(); ++i) {
    const auto& r = relation.requantizations[i];
    const std::vector<Fp> acc = v.evaluate(r.acc, r.shape);
    for (relation::TensorRef ref = 0; ref < relation.tensors.size(); ++ref) {
      const auto& t = relation.tensors[ref];
      if ((t.kind != relation::Kind::limb && t.kind != relation::Kind::top) || t.index != i) continue;
      for (std::size_t k = 0; k < acc.size(); ++k)
        v.own(ref)[k] = relation::remainder_part(r, t, k % r.shifts.size(), relation::to_signed(acc[k]));
    }
  }
}

template <int D>
std::string wrapped(proof::Profile profile, const char* rule, const Program& program, const quantize::TensorStore& inputs,
                    const Lie& lie) {
  SliceCase c;
  Result<Bytes> proof;
  {
    const Disarmed liar(rule);
    c = *make_case(program, {.profile = profile, .constraints = {16, 1U << 20}}, {}, inputs);
    const Relation relation = proof::slice_relation(c.key).value();
    SliceForge<D> forge;
    forge.values.tensors = [&](Values& v) {
      lie(v, relation);
      follow(relation, v);
    };
    const Values v(relation, c.weights, c.trace, &forge.values);
    c.run([&](std::uint32_t op, quantize::IntTensor& y) {
      for (const auto& lookup : relation.lookups)
        if (lookup.id == program.ops[op].name + " activation") {
          const std::vector<Fp> rounded = v.evaluate(lookup.columns[0], lookup.shape);
          for (std::size_t k = 0; k < y.size(); ++k)
            y[k] = static_cast<std::int32_t>(
                proof::testing::activated(*quantize::op_requant(program.ops[op]), relation::to_signed(rounded[k])));
        }
    });
    c.restate();
    proof = c.prove<D>(forge);
    if (!proof) return "prover: " + proof.error().text();
  }
  const auto decoded = quantize::decode_program(quantize::encode_program(program));
  return decoded ? c.verify(*proof).reason : decoded.error().what;
}

std::string wrapped_by(proof::Profile profile, const char* rule, const Program& program, const quantize::TensorStore& inputs,
                       const Lie& lie) {
  return profile == proof::Profile::bits100 ? wrapped<2>(profile, rule, program, inputs, lie)
                                            : wrapped<3>(profile, rule, program, inputs, lie);
}

/// 32 equal scores, sum of numerators 64: inv 64 + rest = 2^60 + p for an inv below 2^60.
std::string wrong_reciprocal(proof::Profile profile) {
  Builder b;
  const TensorId x = b.input({1, 32}, 0, 1, 0);
  quantize::testing::add_softmax(b, x, 32, 1, 8);
  Program p = b.done();
  auto& op = std::get<quantize::Softmax>(p.ops[0].body);
  op.inverse_bits = 60, op.requant.shift = {52};
  return wrapped_by(profile, "no wrap reciprocal", p, {quantize::IntTensor(32, 0), {}}, [](Values& v, const Relation& r) {
    const Wide whole = (Wide{1} << 60) + crypto::kP;
    v.own(tensor_named(r, "op0 reciprocal"))[0] = static_cast<std::int64_t>(whole / 64);
    v.own(tensor_named(r, "op0 rest"))[0] = static_cast<std::int64_t>(whole % 64);
  });
}

/// 64 entries of 16, V = 1025: d^2 V = 2^60 + p up to the gap's 47 bits.
std::string wrong_root(proof::Profile profile) {
  Builder b;
  const TensorId x = b.input({1, 64}, -16383, 16383);
  quantize::testing::add_normalize(b, x, 64, false, 1, 60, std::nullopt, std::nullopt,
                                   simple_requant(27, quantize::Function::identity, 10));
  return wrapped_by(profile, "no wrap root", b.done(), {quantize::IntTensor(64, 16), {}}, [](Values& v, const Relation& r) {
    const Wide whole = (Wide{1} << 60) + crypto::kP;
    Wide d = 0;
    for (Wide bit = Wide{1} << 31; bit != 0; bit >>= 1)
      if ((d + bit) * (d + bit) * 1025 <= whole) d += bit;
    v.own(tensor_named(r, "op0 root"))[0] = static_cast<std::int64_t>(d);
    v.own(tensor_named(r, "op0 root by variance"))[0] = static_cast<std::int64_t>(d * 1025);
    v.own(tensor_named(r, "op0 root gap"))[0] = static_cast<std::int64_t>(whole - d * d * 1025);
  });
}

/// Another op makes the table long: 8 q + rest = 2 a + b + p, and q 2^-52 is about 512.
std::string wrong_quotient(proof::Profile profile) {
  Builder b;
  const TensorId x = b.input({1, 2}, -3, 3), by = b.input({1, 2}, 1, 4);
  b.sum({{false, x, 300}}, {1, 2}, simple_requant(0, quantize::Function::identity, 8));
  quantize::testing::add_divide(b, x, by, {1, 2}, 0, simple_requant(52, quantize::Function::identity, 8));
  return wrapped_by(profile, "no wrap quotient", b.done(), {{3, -2}, {4, 1}, {}, {}}, [](Values& v, const Relation& r) {
    const Wide whole = Wide{2 * 3 + 4} + crypto::kP;
    v.own(tensor_named(r, "op1 quotient"))[0] = static_cast<std::int64_t>(whole / 8);
    v.own(tensor_named(r, "op1 rest"))[0] = static_cast<std::int64_t>(whole % 8);
  });
}

}  // namespace

RuleAttacks row_attacks(proof::Profile profile) {
  return {{"no wrap reciprocal", "rows are too long for the reciprocal's bits", [=] { return wrong_reciprocal(profile); }},
          {"no wrap root", "the variance's root has too many bits", [=] { return wrong_root(profile); }},
          {"no wrap quotient", "key: quotients are too large for the proof field", [=] { return wrong_quotient(profile); }}};
}

}  // namespace dsperse::soundness
