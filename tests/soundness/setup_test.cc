// Setup: weights beyond their bound, epochs of other weights; every constraint and check of these two arguments broken alone.
#include <gtest/gtest.h>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

using relation::Relation;
using relation::TensorRef;
using relation::Values;

/// One small weight (w0) and one whose range takes digits (w1).
SliceCase with_weights(proof::Profile profile) {
  quantize::testing::Builder b;
  b.gemm(b.input({2, 3}, -20, 20), 3, 2, quantize::testing::simple_requant(5, quantize::Function::identity, 6), true, 15);
  quantize::Program p = b.done();
  p.weights[1].max_abs = 1 << 15;
  return *make_case(std::move(p), {.profile = profile});
}

template <int D>
class Setup {
 public:
  using E = crypto::Ext<D>;
  static constexpr proof::Profile kProfile = D == 2 ? proof::Profile::bits100 : proof::Profile::bits128;
  Setup() : c_(with_weights(kProfile)), relation_(proof::range_relation(c_.program).value()) {}

  /// Weight w1[0] becomes x: committed, and what the prover proves.
  quantize::WeightStore with(std::int64_t x) {
    quantize::WeightStore w = c_.weights;
    w[1].wide[0] = x;
    commit(w);
    return w;
  }
  void commit(const quantize::WeightStore& w) {
    c_.weight_tree = *proof::commit_weights(c_.key, w, proof::testing::test_seed(1));
    c_.key.weight_root = c_.weight_tree.root();
  }
  void expect_only(const quantize::WeightStore& w, const SliceForge<D>& f, const std::string& id, const std::string& check) {
    expect_broken("weight ranges", proof::bits(kProfile), [&] { return attack_ranges<D>(c_, w, f); }, Ids{id}, {check});
    attacked_.insert(id);
  }

  void ranges_are_broken_alone() {
    EXPECT_TRUE(attack_ranges<D>(c_, c_.weights).verdict) << "the honest twin";
    const std::int64_t max = c_.program.weights[1].max_abs;
    quantize::WeightStore w = c_.weights;
    for (const std::int16_t bad : {std::int16_t{16}, std::int16_t{-16}}) {
      w[0].narrow[3] = bad;
      commit(w);
      expect_only(w, {}, "w0 range", "lookup sum");
    }
    const auto digit = [&](const std::string& side, int l) {
      return tensor_named(relation_, "w1 " + side + " digit " + std::to_string(l));
    };
    const auto top = [&] {
      int l = 0;
      while (std::any_of(relation_.tensors.begin(), relation_.tensors.end(),
                         [&](const auto& t) { return t.name == "w1 low digit " + std::to_string(l + 1); }))
        ++l;
      return l;
    }();
    ASSERT_EQ(top, 1);
    const std::int64_t base = std::int64_t{1} << relation::kDigitBits;
    for (const std::string side : {"low", "high"}) {
      const std::int64_t beyond = side == "low" ? -max - 1 : max + 1;
      // One below zero: digits of the true value leave no bound, digits that do leave their range.
      expect_only(with(beyond), {}, "w1 " + side + " bound", "w1 " + side + " bound");
      SliceForge<D> f;
      f.values.tensors = [&](Values& v) { v.own(digit(side, top))[0] = -1; };
      expect_only(with(beyond), f, "w1 " + side + " digit " + std::to_string(top), "lookup sum");
      f.values.tensors = [&](Values& v) {
        v.own(digit(side, 0))[0] += base;
        v.own(digit(side, 1))[0] -= 1;
      };
      expect_only(with(0), f, "w1 " + side + " digit 0", "lookup sum");
    }
    for (const std::string& id : relation_.constraint_ids()) {
      known("constraint", "weight ranges > " + id, proof::bits(kProfile));
      EXPECT_TRUE(attacked_.contains(id)) << "no attack on " << id;
    }
    for (const std::string& id : range_check_ids(c_))
      EXPECT_TRUE(attacked_.contains(id) || id.starts_with("lookup ") || id.starts_with("sacrifice ")) << "no attack on " << id;
  }

  void honest_setup_refuses_them() {
    quantize::WeightStore w = c_.weights;
    w[0].narrow[0] = 16;
    proof::SliceSpec spec{c_.program, c_.key.inputs, c_.key.outputs};
    const auto compiled = proof::compile_slice(c_.key.profile, spec, c_.boundary, w, proof::testing::test_seed(1));
    ASSERT_FALSE(compiled.has_value());
    EXPECT_EQ(compiled.error().kind, ErrorKind::bad_input);
  }

  void ranges_are_bound_to_the_key() {  // another key's proof, also one of equal weights
    EXPECT_TRUE(proof::verify_ranges(c_.key));
    proof::SliceKey other = c_.key;
    other.program.weights[0].max_abs = 14;
    EXPECT_FALSE(proof::verify_ranges(other));
    other = c_.key;
    other.options.limb_bits = 7;
    EXPECT_FALSE(proof::verify_ranges(other)) << "the proof names the digest";
    other = c_.key;
    (*other.weight_root)[0] ^= 1;
    EXPECT_FALSE(proof::verify_ranges(other));
    other = c_.key;
    other.range_proof.clear();
    EXPECT_FALSE(proof::verify_ranges(other));
    EXPECT_EQ(proof::verify_ranges(other).where, "weight ranges");
  }

  void links_are_broken_alone() {
    const SliceCase& c = c_;
    const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
    proof::EpochLink link{*c.key.weight_root, *epoch.root(), 1, 0, {}};
    const auto prove = [&](const proof::WeightCommitment& e, const SliceForge<D>& f) {
      link.epoch = *e.root();
      link.proof = *proof::prove_link_forged<D>(c.key, link, c.weight_tree, e, f);
      return proof::verify_link(c.key, link);
    };
    EXPECT_TRUE(prove(epoch, {}));
    SliceForge<D> f;
    f.argument.hidden = [](std::string_view label, std::uint32_t, E& x) {
      EXPECT_EQ(label, "zero");
      x += E::one();
    };
    const auto breaks = [&](const std::string& check, const proof::WeightCommitment& e, const SliceForge<D>& lies) {
      const auto tried = [&] {
        Outcome o;
        o.checks = {check};
        o.verdict = prove(e, lies);
        return o;
      };
      expect_broken("epoch link", proof::bits(kProfile), tried, std::nullopt, {check});
    };
    known("check", "link zero", proof::bits(kProfile));
    known("check", "link", proof::bits(kProfile));
    breaks("link zero", epoch, f);
    // One weight differs, in any place; or two do, such that their sum does not.
    for (std::size_t w = 0; w < c.weights.size(); ++w)
      for (std::size_t i = 0; i < c.weights[w].size(); ++i) {
        quantize::WeightStore other = c.weights;
        if (w == 0)
          other[w].narrow[i] = static_cast<std::int16_t>(other[w].narrow[i] ^ 1);
        else
          other[w].wide[i] += 1;
        breaks("link", *proof::commit_weights(c.key, other, proof::testing::test_seed(6)), {});
      }
    quantize::WeightStore moved = c.weights;
    std::swap(moved[1].wide[0], moved[1].wide[1]);
    ASSERT_NE(moved[1].wide[0], moved[1].wide[1]);
    breaks("link", *proof::commit_weights(c.key, moved, proof::testing::test_seed(6)), {});
    // The link's messages and its last sumcheck.
    for (std::uint32_t i = 0; i < 8; ++i) {
      SliceForge<D> g;
      g.argument.last = [&](std::string_view, std::uint32_t k, E& x) {
        if (k == i) x += E::one();
      };
      EXPECT_EQ(prove(epoch, g).reason, "end check");
    }
  }

 private:
  SliceCase c_;
  Relation relation_;
  Ids attacked_;
};

template <class T>
class SetupOf : public ::testing::Test, public Setup<T::value> {};
using Degrees = ::testing::Types<std::integral_constant<int, 2>, std::integral_constant<int, 3>>;
TYPED_TEST_SUITE(SetupOf, Degrees);

TYPED_TEST(SetupOf, RangesAreBrokenAlone) { this->ranges_are_broken_alone(); }
TYPED_TEST(SetupOf, HonestSetupRefusesThem) { this->honest_setup_refuses_them(); }
TYPED_TEST(SetupOf, RangesAreBoundToTheKey) { this->ranges_are_bound_to_the_key(); }
TYPED_TEST(SetupOf, LinksAreBrokenAlone) { this->links_are_broken_alone(); }

}  // namespace
}  // namespace dsperse::soundness
