// Proofs under another statement, and bytes that are not those of a proof.
#include <gtest/gtest.h>

#include <random>

#include "dsperse/proof/slice_argument.h"
#include "slices.h"
#include "tally.h"

namespace dsperse::soundness {
namespace {

class Replay : public ::testing::TestWithParam<proof::Profile> {
 protected:
  [[nodiscard]] SliceCase two(std::set<quantize::TensorId> publics = {}, std::uint64_t seed = 1) const {
    return *make_case(two_layers(),
                      {.profile = GetParam(), .publics = std::move(publics), .constraints = {3, 1U << 20}, .seed = seed});
  }
  /// The smallest proof that has every section.
  [[nodiscard]] SliceCase small_case() const {
    quantize::testing::Builder b;
    b.gemm(b.input({1, 2}, -3, 3), 2, 2, quantize::testing::simple_requant(1, quantize::Function::identity, 4), false, 3);
    return *make_case(b.done(), {.profile = GetParam(), .constraints = {3, 1U << 20}, .work = proof::kWorkBits});
  }
  static void tally(const std::string& id, std::uint64_t tried, std::uint64_t survived) {
    known("bytes", id, proof::bits(GetParam()));
    attacked("bytes", id, proof::bits(GetParam()), tried, survived);
  }
};
INSTANTIATE_TEST_SUITE_P(Profiles, Replay, ::testing::Values(proof::Profile::bits100, proof::Profile::bits128),
                         [](const auto& p) { return std::to_string(proof::bits(p.param)); });

TEST_P(Replay, EveryFieldOfTheStatementIsBound) {
  const SliceCase c = two({2});
  const Bytes proof = *c.prove();
  ASSERT_TRUE(c.verify(proof));
  const std::vector<std::function<void(proof::Statement&)>> changes{
      [](proof::Statement& s) { s.key[0] ^= 1; },
      [](proof::Statement& s) { (*s.weights)[0] ^= 1; },
      [](proof::Statement& s) { s.weights.reset(); },
      [](proof::Statement& s) { s.opening = 2; },
      [](proof::Statement& s) { s.opening = 0; },
      [](proof::Statement& s) { s.opening = proof::kWeightBudget; },
      [](proof::Statement& s) { s.run_id[31] ^= 0x80; },
      [](proof::Statement& s) { s.slice = 1; },
      [](proof::Statement& s) { (*s.boundaries[0].root)[5] ^= 1; },
      [](proof::Statement& s) { s.boundaries[0].values = {1}; },
      [](proof::Statement& s) { s.boundaries[0].root.reset(); },
      [](proof::Statement& s) { s.boundaries[1].values[0] ^= 1; },
      [](proof::Statement& s) { s.boundaries[1].values[0] = 1000; },
      [](proof::Statement& s) { s.boundaries[1].values.pop_back(); },
      [](proof::Statement& s) { s.boundaries[1].values.push_back(0); },
      [](proof::Statement& s) { s.boundaries[1].root = Digest{}; },
      [](proof::Statement& s) { s.boundaries[0].chunk = 1; },
      [](proof::Statement& s) { std::swap(s.boundaries[0], s.boundaries[1]); },
      [](proof::Statement& s) { s.boundaries.pop_back(); },
      [](proof::Statement& s) { s.boundaries.push_back(s.boundaries[0]); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    proof::Statement s = c.statement;
    changes[i](s);
    const Verdict v = proof::verify_slice(c.key, s, proof);
    EXPECT_FALSE(v) << "change " << i;
    tally("statement", 1, v ? 1 : 0);
  }
}

TEST_P(Replay, ProofsOfTwoRunsAreNotExchanged) {
  SliceCase c = two();
  const Bytes first = *c.prove();
  const proof::Statement before = c.statement;
  c.trace[0][0] += c.trace[0][0] < 20 ? 1 : -1;  // another input
  c.run();
  c.restate();
  const Bytes second = *c.prove();
  EXPECT_TRUE(c.verify(second));
  EXPECT_FALSE(c.verify(first));
  EXPECT_TRUE(proof::verify_slice(c.key, before, first));
  EXPECT_FALSE(proof::verify_slice(c.key, before, second));
  // The same program with other weights is another key.
  const SliceCase other = two({}, 2);
  EXPECT_FALSE(other.verify(first));
  EXPECT_FALSE(proof::verify_slice(other.key, before, first));
}

TEST_P(Replay, KeysOfEqualShapeAreNotExchanged) {  // one attribute differs: shift, function, range
  const SliceCase c = two();
  const Bytes proof = *c.prove();
  for (const auto& change : std::vector<std::function<void(quantize::Program&)>>{
           [](quantize::Program& p) {
             std::get<quantize::Gemm>(p.ops[1].body).requant.activation.f = quantize::Function::identity;
           },
           [](quantize::Program& p) { p.ops[0].name = "another"; }, [](quantize::Program& p) { p.tensors[0].exponent += 1; }}) {
    proof::SliceKey key = c.key;
    change(key.program);
    proof::Statement s = c.statement;
    EXPECT_FALSE(proof::verify_slice(key, s, proof)) << "old digest";
    s.key = key.digest();
    EXPECT_FALSE(proof::verify_slice(key, s, proof)) << "new digest";
  }
}

TEST_P(Replay, FlippedBytes) {
  const SliceCase c = small_case();
  const Bytes proof = *c.prove();
  ASSERT_TRUE(c.verify(proof));
  std::mt19937_64 rng(1);
  const auto flip = [&](std::size_t i) {
    Bytes bad = proof;
    bad[i] ^= static_cast<std::uint8_t>(1U << rng() % 8);
    const Verdict v = c.verify(bad);
    EXPECT_FALSE(v) << "byte " << i;
    tally("proof, flipped", 1, v ? 1 : 0);
  };
  if (exhaustive()) {
    for (std::size_t i = 0; i < proof.size(); ++i) flip(i);
    return;
  }
  // Magic, roots and the first messages byte by byte; then a byte in every few dozen, down to the last path.
  for (std::size_t i = 0; i < 200; ++i) flip(i);
  for (std::size_t i = 200; i < proof.size(); i += 1 + rng() % (proof.size() / 700)) flip(i);
  for (std::size_t i = proof.size() - 100; i < proof.size(); ++i) flip(i);
}

TEST_P(Replay, LengthAndCanonicalForm) {
  const SliceCase c = small_case();
  const Bytes proof = *c.prove();
  const auto reason = [&](const Bytes& b) {
    const Verdict v = c.verify(b);
    EXPECT_FALSE(v);
    tally("proof, other lengths and elements", 1, v ? 1 : 0);
    return v.reason;
  };
  EXPECT_EQ(reason({}), "proof length");
  Bytes longer = proof;
  longer.push_back(0);
  EXPECT_EQ(reason(longer), "trailing bytes");
  Bytes twice = proof;
  twice.insert(twice.end(), proof.begin(), proof.end());
  EXPECT_FALSE(c.verify(twice));
  for (std::size_t n = 0; n < proof.size(); n += 1 + proof.size() / 300)
    EXPECT_FALSE(c.verify(Bytes(proof.begin(), proof.begin() + static_cast<std::ptrdiff_t>(n))));
  EXPECT_FALSE(c.verify(Bytes(proof.begin(), proof.end() - 1)));
  Bytes magic = proof;
  magic[7] = '9';
  EXPECT_EQ(reason(magic), "proof magic");
  // Elements: p itself, and all ones, are not canonical spellings of 0 and 2^32 - 2.
  const auto relation = proof::slice_relation(c.key).value();
  const proof::ArgumentSpec spec = proof::slice_spec(c.key, relation);
  const proof::Layout layout =
      GetParam() == proof::Profile::bits100 ? proof::slice_layout<2>(spec, relation) : proof::slice_layout<3>(spec, relation);
  const std::size_t element = 8 * static_cast<std::size_t>(layout.degree());
  const std::size_t elements = 8 + 32 * (layout.groups.size() + 1) + 16;
  // Nonces: another one is good once in 2^12, and then the challenges differ; none lies beyond 2^48.
  for (const std::size_t at : {elements - 16, elements - 8}) {
    Bytes bad = proof;
    bad[at] ^= 1;
    (void)reason(bad);
    bad = proof;
    bad[at + 7] ^= 1;
    EXPECT_EQ(reason(bad), "proof of work");
  }
  for (const std::uint64_t x : {std::uint64_t{crypto::kP}, ~std::uint64_t{0}})
    for (const std::size_t at : {elements, elements + 8 * 5, elements + element * (layout.pads + 1)}) {
      Bytes bad = proof;
      for (std::size_t k = 0; k < 8; ++k) bad[at + k] = static_cast<std::uint8_t>(x >> (8 * k));
      EXPECT_EQ(reason(bad), "element not canonical");
    }
  // A path length beyond its bound is refused before anything is allocated.
  std::size_t at = elements + element * (layout.pads + 2 * layout.slots.size() + 2 * layout.vars + layout.groups.size() + 1 +
                                         layout.end.code.k());
  for (const auto& g : layout.groups) at += element * g.geometry.code.k();
  at += layout.groups[0].geometry.t * (8 * layout.groups[0].trees[0].rows + 32);
  Bytes huge = proof;
  for (std::size_t k = 0; k < 4; ++k) huge[at + k] = 0xFF;
  EXPECT_EQ(reason(huge), "proof truncated");
}

}  // namespace
}  // namespace dsperse::soundness
