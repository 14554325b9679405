// Setup: weights beyond their bound, epochs of other weights; every constraint and check of these two arguments broken alone.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "dsperse/relation/values.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using crypto::kP;
using proof::Profile;
using relation::Relation;
using relation::TensorRef;
using relation::Values;

/// A weight of few bits (w0), one whose bound is another's (w2), and wide ones whose ranges take two (w1, a bias) and three
/// digits (w3, the largest bound that there is).
SliceCase with_weights(Profile profile = Profile::bits100) {
  quantize::testing::Builder b;
  const auto r = quantize::testing::simple_requant(5, quantize::Function::identity, 6);
  const auto x = b.gemm(b.gemm(b.input({2, 3}, -20, 20), 3, 2, r, true, 15), 2, 2, r, false, 100);
  const auto wide = quantize::testing::simple_requant(30, quantize::Function::identity, 7);
  b.sum({{false, x, 1}, {true, b.weight({2, 1}, (std::int64_t{1} << 40) - 1), 1}}, {2, 2}, wide);
  quantize::Program p = b.done();
  p.weights[1].max_abs = 1 << 15;
  return *make_case(std::move(p), {.profile = profile});
}

template <int D>
class Ranges : public ::testing::Test {
 protected:
  Ranges()
      : c_(with_weights(D == 2 ? Profile::bits100 : Profile::bits128)), relation_(proof::range_relation(c_.program).value()) {
    for (const std::string& id : relation_.constraint_ids()) known("constraint", "weight ranges > " + id, bits());
  }
  static int bits() { return D == 2 ? 100 : 128; }

  [[nodiscard]] std::int64_t max(std::size_t w) const { return c_.program.weights[w].max_abs; }
  [[nodiscard]] std::string name(std::size_t w) const { return "w" + std::to_string(w); }
  /// Weight w[i] becomes x: committed, and what the prover proves. Any number, also where the store would hold 16 bits.
  quantize::WeightStore with(std::size_t w, std::size_t i, std::int64_t x) {
    quantize::WeightStore out = c_.weights;
    quantize::WeightValues wide;
    for (std::size_t k = 0; k < out[w].size(); ++k) wide.wide.push_back(out[w].at(k));
    wide.wide[i] = x;
    out[w] = std::move(wide);
    commit(out);
    return out;
  }
  void commit(const quantize::WeightStore& w) {
    c_.weight_tree = *proof::commit_weights(c_.key, w, proof::testing::test_seed(1));
    c_.key.weight_root = c_.weight_tree.root();
  }
  void expect_only(const quantize::WeightStore& w, const SliceForge<D>& f, const std::string& id, const std::string& check) {
    expect_broken("weight ranges", bits(), [&] { return attack_ranges<D>(c_, w, f); }, Ids{id}, {check});
    attacked_.insert(id);
  }
  TensorRef digit(std::size_t w, const std::string& side, std::size_t l) {
    return tensor_named(relation_, name(w) + " " + side + " digit " + std::to_string(l));
  }
  SliceCase c_;
  Relation relation_;
  Ids attacked_;
};

template <class T>
class RangesAt : public Ranges<T::value> {};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(RangesAt, Degrees);

TYPED_TEST(RangesAt, TheBoundItselfIsAccepted) {
  EXPECT_TRUE(attack_ranges<TypeParam::value>(this->c_, this->c_.weights).verdict);
  for (std::size_t w = 0; w < this->c_.weights.size(); ++w)
    for (const std::int64_t x : {this->max(w), -this->max(w), this->max(w) - 1, std::int64_t{0}}) {
      const Outcome o = attack_ranges<TypeParam::value>(this->c_, this->with(w, 0, x));
      EXPECT_TRUE(o.verdict) << this->name(w) << " = " << x << ": " << o.verdict.reason;
    }
}

/// One beyond, at each end of each tensor, in its first and last place; and everything.
TYPED_TEST(RangesAt, EachConstraintIsBrokenAlone) {
  constexpr int D = TypeParam::value;
  const std::int64_t base = std::int64_t{1} << relation::kDigitBits;
  for (const std::size_t w : {0U, 2U})
    for (const std::int64_t sign : {1, -1})
      for (const std::size_t i : {std::size_t{0}, this->c_.weights[w].size() - 1})
        this->expect_only(this->with(w, i, sign * (this->max(w) + 1)), {}, this->name(w) + " range", "lookup sum");
  for (const std::size_t w : {1U, 3U}) {
    const std::size_t digits = w == 1 ? 2 : 3, top = digits - 1;
    for (const std::string side : {"low", "high"}) {
      const std::string id = this->name(w) + " " + side;
      const std::int64_t beyond = side == "low" ? -this->max(w) - 1 : this->max(w) + 1;
      // One below zero: digits of the true value leave no bound, digits that do leave their range.
      for (const std::size_t i : {std::size_t{0}, this->c_.weights[w].size() - 1})
        this->expect_only(this->with(w, i, beyond), {}, id + " bound", id + " bound");
      SliceForge<D> f;
      f.values.tensors = [&](Values& v) { v.own(this->digit(w, side, top))[0] = -1; };
      this->expect_only(this->with(w, 0, beyond), f, id + " digit " + std::to_string(top), "lookup sum");
      for (std::size_t l = 0; l < top; ++l) {
        // A carry that was not made, and one by a fraction: digit l one more, digit l + 1 less by 2^-14.
        f.values.tensors = [&](Values& v) {
          v.own(this->digit(w, side, l))[0] += base;
          v.own(this->digit(w, side, l + 1))[0] -= 1;
        };
        this->expect_only(this->with(w, 0, 0), f, id + " digit " + std::to_string(l), "lookup sum");
        f.values.tensors = [&](Values& v) {
          v.own(this->digit(w, side, l))[0] += 1;
          std::int64_t& next = v.own(this->digit(w, side, l + 1))[0];
          next =
              relation::to_signed(crypto::Fp::from_signed(next) - crypto::power_of_two(-static_cast<int>(relation::kDigitBits)));
        };
        // max + w = 0 or max - w = 0: digit l has room.
        this->expect_only(this->with(w, 0, side == "low" ? -this->max(w) : this->max(w)), f,
                          id + " digit " + std::to_string(l + 1), "lookup sum");
      }
    }
  }
  for (const std::string& id : this->relation_.constraint_ids())
    EXPECT_TRUE(this->attacked_.contains(id)) << "no attack on " << id;
  for (const std::string& id : range_check_ids(this->c_))
    EXPECT_TRUE(this->attacked_.contains(id) || id.starts_with("lookup ") || id.starts_with("sacrifice "))
        << "no attack on " << id;
}

/// Far beyond: around 2^k, around p / 2, where digits or the field wrap.
TYPED_TEST(RangesAt, WrappingValuesAreRejected) {
  const auto half = static_cast<std::int64_t>((kP - 1) / 2);
  for (std::size_t w = 0; w < this->c_.weights.size(); ++w)
    for (const std::int64_t x :
         {half, half - 1, -half, -half + 1, half - this->max(w), this->max(w) - half, std::int64_t{1} << 28,
          std::int64_t{1} << 42, (std::int64_t{1} << 42) - this->max(w), -(std::int64_t{1} << 42), std::int64_t{1} << 62,
          -(std::int64_t{1} << 62), 2 * this->max(w) + 1}) {
      if (x >= -this->max(w) && x <= this->max(w)) continue;
      const Outcome o = attack_ranges<TypeParam::value>(this->c_, this->with(w, 0, x));
      EXPECT_EQ(o.verdict.reason, "end check") << this->name(w) << " = " << x;
      for (const std::string& id : o.constraints)
        attacked("constraint", "weight ranges > " + id, this->bits(), 1, o.verdict ? 1 : 0);
    }
}

/// w0 holds what only w2 may, and is counted in w2's table.
TYPED_TEST(RangesAt, AnotherTensorsBoundDoesNotHelp) {
  const std::int64_t x = this->max(0) + 20;
  ASSERT_LE(x, this->max(2));
  SliceForge<TypeParam::value> f;
  f.values.multiplicities = [&](Values& v) {
    v.own(tensor_named(this->relation_, "m range -100 100"))[static_cast<std::size_t>(x + this->max(2))] += 1;
  };
  // Without the constraint the count would be one too many: it is held to its check alone.
  const quantize::WeightStore w = this->with(0, 0, x);
  const auto lie = [&] { return attack_ranges<TypeParam::value>(this->c_, w, f); };
  EXPECT_EQ(lie().constraints, Ids{"w0 range"});
  expect_broken("weight ranges", this->bits(), lie, std::nullopt, {"lookup sum"});
}

TYPED_TEST(RangesAt, HonestSetupRefusesThem) {
  quantize::WeightStore w = this->c_.weights;
  w[0].narrow[0] = 16;
  proof::SliceSpec spec{this->c_.program, this->c_.key.inputs, this->c_.key.outputs};
  const auto compiled = proof::compile_slice(this->c_.key.profile, spec, this->c_.boundary, w, proof::testing::test_seed(1));
  ASSERT_FALSE(compiled.has_value());
  EXPECT_EQ(compiled.error().kind, ErrorKind::bad_input);
}

/// Another key's proof, also one of equal weights; another profile's; another tree's.
TYPED_TEST(RangesAt, BoundToTheKey) {
  constexpr int D = TypeParam::value;
  const proof::SliceKey honest = this->c_.key;
  EXPECT_TRUE(proof::verify_ranges(honest));
  {
    proof::SliceKey other = honest;
    other.range_proof.clear();
    EXPECT_EQ(proof::verify_ranges(other).where, "weight ranges");
  }
  const auto refused = [&](const std::function<void(proof::SliceKey&)>& change) {
    proof::SliceKey other = honest;
    change(other);
    EXPECT_FALSE(proof::verify_ranges(other));
  };
  refused([](proof::SliceKey& k) { k.program.weights[0].max_abs = 14; });
  refused([](proof::SliceKey& k) { k.program.weights[2].max_abs = 101; });
  refused([](proof::SliceKey& k) { k.program.weights[3].max_abs -= 1; });
  refused([](proof::SliceKey& k) { k.options.limb_bits = 7; });  // the proof names the digest
  refused([](proof::SliceKey& k) { (*k.weight_root)[0] ^= 1; });
  refused([](proof::SliceKey& k) { k.range_proof.clear(); });
  refused([](proof::SliceKey& k) { k.profile = k.profile == Profile::bits100 ? Profile::bits128 : Profile::bits100; });
  const SliceCase across = with_weights(D == 2 ? Profile::bits128 : Profile::bits100);
  refused([&](proof::SliceKey& k) { k.range_proof = across.key.range_proof; });
  // The same weights committed afresh: the root differs, so the digest does.
  const auto again = *proof::commit_weights(honest, this->c_.weights, proof::testing::test_seed(9));
  refused([&](proof::SliceKey& k) { k.weight_root = again.root(); });
  // A root of weights beyond their bound, with the honest proof, or with one that opens the honest tree.
  const auto honest_tree = *proof::commit_weights(honest, this->c_.weights, proof::testing::test_seed(2));
  (void)this->with(0, 0, this->max(0) + 1);
  EXPECT_FALSE(proof::verify_ranges(this->c_.key));
  this->c_.key.range_proof = *proof::prove_ranges_forged<D>(this->c_.key, this->c_.weights, honest_tree, {});
  EXPECT_FALSE(proof::verify_ranges(this->c_.key));
  this->c_.key.weight_root = honest_tree.root();
  this->c_.key.range_proof = *proof::prove_ranges_forged<D>(this->c_.key, this->c_.weights, honest_tree, {});
  EXPECT_TRUE(proof::verify_ranges(this->c_.key)) << "the honest twin";
}

template <int D>
void links_are_broken_alone() {
  using E = crypto::Ext<D>;
  const int bits = D == 2 ? 100 : 128;
  const SliceCase c = with_weights(D == 2 ? Profile::bits100 : Profile::bits128);
  const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
  proof::EpochLink link{*c.key.weight_root, *epoch.root(), 1, 0, {}};
  const auto prove = [&](const proof::WeightCommitment& e, const SliceForge<D>& f) {
    link.epoch = *e.root();
    link.proof = *proof::prove_link_forged<D>(c.key, link, c.weight_tree, e, f);
    return proof::verify_link(c.key, link);
  };
  const auto rejected = [&](const std::string& id, const proof::WeightCommitment& e, const SliceForge<D>& f) {
    known("check", id, bits);
    const auto lie = [&] {
      Outcome o;
      o.checks = {id};
      o.verdict = prove(e, f);
      return o;
    };
    expect_broken("epoch link", bits, lie, std::nullopt, {id});
  };
  EXPECT_TRUE(prove(epoch, {}));
  SliceForge<D> f;
  f.argument.hidden = [](std::string_view label, std::uint32_t, E& x) {
    EXPECT_EQ(label, "zero");
    x += E::one();
  };
  rejected("link zero", epoch, f);
  // One weight differs, in any place, by one or by what the field wraps; or two do, such that their sum does not.
  const auto of = [&](const quantize::WeightStore& w) { return *proof::commit_weights(c.key, w, proof::testing::test_seed(6)); };
  for (std::size_t w = 0; w < c.weights.size(); ++w)
    for (std::size_t i = 0; i < c.weights[w].size(); ++i) {
      quantize::WeightStore other = c.weights;
      if (other[w].narrow.empty())
        other[w].wide[i] += 1;
      else
        other[w].narrow[i] = static_cast<std::int16_t>(other[w].narrow[i] ^ 1);
      rejected("link", of(other), {});
    }
  quantize::WeightStore moved = c.weights;
  std::swap(moved[1].wide[0], moved[1].wide[1]);
  ASSERT_NE(moved[1].wide[0], moved[1].wide[1]);
  rejected("link", of(moved), {});
  moved = c.weights;
  moved[3].wide[0] = static_cast<std::int64_t>((kP - 1) / 2);
  rejected("link", of(moved), {});
  // The link's last sumcheck.
  for (std::uint32_t i = 0; i < 8; ++i) {
    SliceForge<D> g;
    g.argument.last = [&](std::string_view, std::uint32_t k, E& x) {
      if (k == i) x += E::one();
    };
    EXPECT_EQ(prove(epoch, g).reason, "end check");
  }
  // An honest link says what it says of these two roots, in this order, at these openings, under this key.
  ASSERT_TRUE(prove(epoch, {}));
  const proof::EpochLink honest = link;
  proof::EpochLink turned = honest;
  std::swap(turned.base, turned.epoch);
  std::swap(turned.base_opening, turned.epoch_opening);
  EXPECT_FALSE(proof::verify_link(c.key, turned));
  const SliceCase other = with_weights(D == 2 ? Profile::bits128 : Profile::bits100);
  EXPECT_FALSE(proof::verify_link(other.key, honest));
  proof::SliceKey key = c.key;
  key.options.limb_bits = 7;
  EXPECT_FALSE(proof::verify_link(key, honest)) << "the link names the digest";
}

TEST(EpochLink, ChecksAreBrokenAlone) {
  links_are_broken_alone<2>();
  links_are_broken_alone<3>();
}

}  // namespace
}  // namespace dsperse::soundness
