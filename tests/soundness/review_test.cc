// Attacks of a reviewer who owns the prover, or the key, or both: keys that make the verifier crash or work for days, rounding at
// the very bounds that a key may have, cells of a tree that no check looks at. Each was tried first and is kept.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "dsperse/crypto/poly/verifier_math.h"
#include "dsperse/ops/constrain.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/quantize/limits.h"
#include "dsperse/quantize/table.h"
#include "dsperse/relation/rounding.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using crypto::Ext;
using crypto::Fp;
using proof::ModelKey;
using quantize::Function;
using quantize::Program;
using quantize::Requant;
using quantize::TensorId;
using quantize::Window;
using quantize::testing::Builder;
using quantize::testing::simple_requant;
using relation::Kind;
using relation::Relation;

// ---- A key is bytes from elsewhere.

/// b with a b = n mod 2^64, for odd a: dimensions whose product wraps around to n.
std::int64_t cofactor(std::uint64_t a, std::uint64_t n) {
  std::uint64_t inverse = a;
  for (int i = 0; i < 6; ++i) inverse *= 2 - a * inverse;
  return static_cast<std::int64_t>(n * inverse);
}

TEST(HostileKey, NothingOfItIndexesOutsideOfTheUsersTensors) {
  const proof::testing::ModelCase m = proof::testing::make_model(proof::testing::skip_model());
  const auto refused = [&](const std::string& why, const std::function<void(ModelKey&)>& change) {
    ModelKey key = m.key;
    change(key);
    const auto decoded = proof::decode_model_key(proof::encode_model_key(key));
    ASSERT_FALSE(decoded.has_value()) << why;
    EXPECT_NE(decoded.error().what.find(why), std::string::npos) << decoded.error().what;
  };
  const std::string mapping = "input or output mapping";
  // Six elements by wrapping: storage_index divided by a zero stride here, or indexed by the huge one.
  const std::int64_t b = cofactor(5, 6);
  ASSERT_EQ(static_cast<std::uint64_t>(b) * 5, 6U);
  refused(mapping, [&](ModelKey& k) { k.edges[0].io->logical_shape = {5, b}; });
  refused(mapping, [&](ModelKey& k) { k.edges[1].io->logical_shape = {b, 5}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->logical_shape = {-2, -3}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->logical_shape = {2, 0}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->logical_shape = {2, 4}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->logical_shape = {}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->perm = {0, 0}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->perm = {0, 2}; });
  refused(mapping, [](ModelKey& k) { k.edges[0].io->perm = {0}; });
  refused("preprocessing has another number of channels", [](ModelKey& k) { k.edges[0].io->scale = {1, 2}; });
  refused("preprocessing is no number", [](ModelKey& k) { k.edges[0].io->bias = {std::numeric_limits<float>::quiet_NaN()}; });
  refused("preprocessing is no number", [](ModelKey& k) { k.edges[0].io->scale = {std::numeric_limits<float>::infinity()}; });
  // The tensor that the user calls x would be laid out as another one.
  refused("mapping of another tensor", [](ModelKey& k) { k.edges[0].io->name = "another"; });
  // An input that no slice reads: no port says what its chunk may be.
  const auto lonely = [](ModelKey& k, proof::Chunk chunk) {
    k.edges.push_back(
        {"lonely", {static_cast<std::uint32_t>(k.chunks.size())}, true, false, quantize::IoMapping{"lonely", {1}, {0}, {}, {}}});
    k.chunks.push_back(std::move(chunk));
  };
  ModelKey harmless = m.key;
  lonely(harmless, {"lonely", {1}, 0, -1, 1, true});
  EXPECT_TRUE(proof::check_model_key(harmless).has_value());
  refused("shape of a chunk", [&](ModelKey& k) { lonely(k, {"lonely", {3, cofactor(3, 1)}, 0, -1, 1, true}); });
  refused("shape of a chunk", [&](ModelKey& k) { lonely(k, {"lonely", {}, 0, -1, 1, true}); });
  refused("shape of a chunk", [&](ModelKey& k) { lonely(k, {"lonely", {-1}, 0, -1, 1, true}); });
  refused("range or exponent of a chunk", [&](ModelKey& k) { lonely(k, {"lonely", {1}, 0, -1, INT64_MAX, true}); });
  refused("range or exponent of a chunk", [&](ModelKey& k) { lonely(k, {"lonely", {1}, INT32_MIN, -1, 1, true}); });
  // Parts of one tensor that are read differently: all would be read as the first one.
  for (const proof::Chunk& more :
       {proof::Chunk{"more", {1}, 1, -1, 1, true}, {"more", {1}, 0, -2, 1, true}, {"more", {1}, 0, -1, 1, false}})
    refused("chunks of an edge do not fit each other", [&](ModelKey& k) {
      lonely(k, {"lonely", {1}, 0, -1, 1, true});
      k.edges.back().chunks.push_back(static_cast<std::uint32_t>(k.chunks.size()));
      k.chunks.push_back(more);
    });
}

/// A certificate that no decoder made: weights where the key has none.
TEST(HostileKey, ACertificateNeedNotComeFromTheDecoder) {
  proof::testing::ModelCase m = proof::testing::make_model(proof::testing::skip_model());
  for (proof::SliceKey& s : m.key.slices) EXPECT_TRUE(s.weight_root.has_value());
  proof::Certificate c = m.certificate;
  c.slices[0].weights.reset();
  EXPECT_FALSE(m.verify(c, m.user).verdict);
  Builder b;
  b.sum({{false, b.input({2, 3}, -31, 31, 4), 1}}, {2, 3}, simple_requant(1, Function::identity, 6, 4));
  proof::testing::ModelSpec spec;
  spec.slices = {{b.done(), {"x"}, {"y"}}};
  spec.chunks = {"x", "y"};
  spec.edges = {{"x", {0}, true, false, {}}, {"y", {1}, false, true, {}}};
  spec.publics = {"x", "y"};
  const proof::testing::ModelCase bare = proof::testing::make_model(spec);
  EXPECT_TRUE(bare.verify(bare.certificate, bare.user).verdict);
  c = bare.certificate;
  c.slices[0].weights = Digest{};
  EXPECT_EQ(bare.verify(c, bare.user).verdict.reason, "weights");
  c.slices[0].links.push_back({Digest{}, Digest{1}, 1, 0, Bytes{1}});
  EXPECT_EQ(bare.verify(c, bare.user).verdict.reason, "epoch link without weights");
}

/// A few bytes that ask the verifier for days of work or for all memory: refused before either.
TEST(HostileKey, ConstraintsThatCostTooMuchAreRefusedAtOnce) {
  const auto start = std::chrono::steady_clock::now();
  const auto refused = [&](const Program& p) {
    if (!quantize::check_program(p)) return;  // when the key is read
    const auto relation = ops::constrain(p, {}, {});
    ASSERT_FALSE(relation.has_value());
    EXPECT_EQ(relation.error().kind, ErrorKind::unsupported) << relation.error().text();
  };
  constexpr std::int64_t k = 1 << 20;
  Builder conv;  // one axis of 2^20 taps and 2^20 places, most of them in the padding
  conv.conv(conv.input({1, 1, 1, 1}, -1, 1), 1, Window{{k, 1}, {1, 1}, {1, 1}, {k - 1, 0}, {k - 1, 0}},
            simple_requant(8, Function::identity, 6), 1, false, 1);
  refused(conv.done());
  Builder maximum;  // every tap reads all maxima before it
  maximum.maximum(maximum.input({1, 1, 1, 1}, -1, 1), Window{{k, 1}, {1, 1}, {1, 1}, {k - 1, 0}, {0, 0}});
  refused(maximum.done());
  Builder average;  // one term for each pair of counts
  average.average(average.input({1, 4096, 4096, 1}, -1, 1), Window{{4096, 4096}, {1, 1}, {1, 1}, {4095, 4095}, {0, 0}}, false,
                  {0, 0}, simple_requant(16, Function::identity, 6));
  refused(average.done());
  Builder rows;  // a table of its own for each weight tensor
  rows.sum({{false, rows.input({1}, -1, 1), 1}}, {1}, simple_requant(0, Function::identity, 6));
  for (int i = 0; i < 3000; ++i) rows.weight({1}, 32767 - i);
  EXPECT_FALSE(proof::range_relation(rows.done()).has_value());
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 20.0);
}

/// Exponents at the ends of their ranges: the smallest grid shifted by the width of its type.
TEST(HostileKey, GridsAtTheirLimits) {
  for (const Function f : {Function::sigmoid, Function::tanh})
    for (const std::int32_t in : {-quantize::kMaxGridExponent, quantize::kMaxGridExponent}) {
      quantize::Activation a{f, in, 24, -65535, 65535, 0, 0};
      a.out_exponent = 15;
      const std::int64_t zero = quantize::activate(a, 0), one = quantize::activate(a, 1), minus = quantize::activate(a, -1);
      EXPECT_EQ(zero, f == Function::tanh ? 0 : 1 << 14);
      EXPECT_EQ(one, in < 0 ? 1 << 15 : zero);
      EXPECT_EQ(minus, in > 0 ? zero : f == Function::tanh ? -(1 << 15) : 0);
    }
}

// ---- Rounding at the bounds.

/// y -> number of ways, over all rows of the tables, in which limbs and top can be chosen for this accumulator.
std::map<std::int64_t, int> ways(const Relation& relation, Fp acc, std::int32_t s) {
  const relation::Table *activation = nullptr, *top = nullptr;
  for (const relation::Lookup& l : relation.lookups) {
    if (l.id.ends_with(" activation")) activation = &relation.tables[l.table];
    if (l.id.ends_with(" top")) top = &relation.tables[l.table];
  }
  const Fp half = s > 0 ? crypto::power_of_two(s - 1) : Fp(), up = crypto::power_of_two(s);
  const std::int32_t width = relation::top_width(relation.requantizations[0], 0), low = std::max(s, 0) - width;
  std::vector<Fp> tops{Fp()};
  if (top != nullptr) {
    tops.clear();
    for (const auto& row : top->rows)
      if (row[0] == Fp::from_signed(width)) tops.push_back(row[1]);
  }
  std::map<std::int64_t, int> out;
  for (const auto& row : activation->rows)
    for (const Fp t : tops) {
      const Fp r = acc + half - up * row[0] - crypto::power_of_two(s - width) * t;  // what the limbs would have to add up to
      if (r.v < (std::uint64_t{1} << low)) ++out[relation::to_signed(row[1])];
    }
  return out;
}

/// For every shift and form of table, at accumulators up to the largest: exactly one output, by exactly one choice of limbs and
/// top.
TEST(Rounding, HasOneSolutionUpToTheLargestBounds) {
  std::mt19937_64 rng(5);
  int accepted = 0, refused = 0, tight = 0;
  double closest = 0;
  for (std::int32_t s = quantize::kMinShift; s <= quantize::kMaxShift; ++s)
    for (int round = 0; round < 24; ++round) {
      const bool wide = round % 2 == 0;
      Requant r = simple_requant(s, round % 3 == 0 ? Function::relu : Function::identity, 1 + static_cast<unsigned>(round / 4));
      // Accumulators that reach a little or far beyond the clamp: the input times `times` coefficients.
      const int bits = std::min(60, std::max(1, s + static_cast<int>(r.clamp_bits) + static_cast<int>(rng() % 8) - 1));
      const std::int64_t hi = std::int64_t{1} << std::min(bits, 15);
      const int times = bits > 55 ? 1 << (bits - 55) : 1;
      const std::int64_t one = (std::int64_t{1} << std::clamp(bits - 15, 0, 40)) - (round % 5 == 0 && bits > 16 ? 1 : 0);
      const std::int64_t coef = one * times;
      Builder b;
      const TensorId in = b.input({1}, -hi, hi);
      b.sum(std::vector<quantize::Sum::Term>(static_cast<std::size_t>(times), {false, in, one}), {1}, r);
      const Program p = b.done();
      if (!quantize::check_program(p)) continue;
      const relation::Options options{static_cast<std::uint32_t>(1 + rng() % 16), wide ? 1U << 20 : 0U,
                                      static_cast<std::uint32_t>(round / 2 % 4), static_cast<std::uint32_t>(round % 7)};
      const auto relation = ops::constrain(p, {}, options);
      if (!relation) {
        EXPECT_EQ(relation.error().kind, ErrorKind::unsupported);
        ++refused;
        continue;
      }
      std::size_t pairs = 1;
      for (const auto& t : relation->tables)
        if (!t.name.starts_with("limbs")) pairs *= t.rows.size();
      if (pairs > 1U << 20) continue;
      ++accepted;
      const auto bound = *quantize::accumulator_bound(p, p.ops[0]);
      const std::int64_t v_max = quantize::rounded_bound(r, bound) + 1;
      const relation::Requantization& made = relation->requantizations[0];
      const double largest = made.block == 0
                                 ? static_cast<double>(v_max)
                                 : 2.0 * static_cast<double>(relation::saturation(v_max, made.middle, made.block).big) +
                                       static_cast<double>(made.middle + made.block);
      const double most = largest * std::ldexp(1.0, std::max(s, 0)) / (static_cast<double>(crypto::kP) / 2);
      closest = std::max(closest, most);
      tight += most > 0.25 ? 1 : 0;
      std::vector<std::int64_t> inputs{-hi, 1 - hi, -1, 0, 1, hi - 1, hi};
      for (int i = 0; i < 3; ++i)
        inputs.push_back(static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(2 * hi + 1)) - hi);
      // An exact half and its neighbours, where the input reaches one.
      if (s > 0 && std::abs((std::int64_t{1} << (s - 1)) / coef) < hi)
        for (const std::int64_t d : {-1, 0, 1})
          inputs.push_back((std::int64_t{1} << (s - 1)) / coef + d), inputs.push_back(-inputs.back());
      for (const std::int64_t x : inputs) {
        const std::int64_t acc = coef * x;
        const std::int64_t y = proof::testing::activated(r, proof::testing::rounded(r, acc, 0));
        const auto found = ways(*relation, Fp::from_signed(acc), s);
        ASSERT_EQ(found.size(), 1U) << "shift " << s << ", acc " << acc;
        ASSERT_EQ(found.begin()->first, y) << "shift " << s << ", acc " << acc;
        ASSERT_EQ(found.begin()->second, 1) << "shift " << s << ", acc " << acc;
      }
    }
  EXPECT_GT(accepted, 500);
  EXPECT_GT(refused, 0) << "no key came too near to p / 2";
  EXPECT_GT(tight, 0) << "no accepted key comes near to p / 2: closest " << closest;
}

// ---- Programs that no compiler makes, but check_program lets pass.

std::vector<Program> odd_programs() {
  std::vector<Program> out;
  const Requant r = simple_requant(3, Function::identity, 8);
  Builder twice;  // one tensor under several views of one op, coefficients that cancel
  const TensorId x = twice.input({2, 3}, -40, 40), row = twice.input({1, 3}, -5, 5);
  const quantize::WeightId w = twice.weight({3}, 9);
  twice.sum({{false, x, 3}, {false, x, -2}, {false, row, 1}, {false, row, 7}, {true, w, 1}, {true, w, -4}}, {2, 3}, r);
  twice.sum({{false, x, 5}, {false, x, -5}}, {2, 3}, r);
  out.push_back(twice.done());
  Builder shared;  // one weight tensor in two products and as an operand
  const TensorId m = shared.input({2, 3}, -20, 20);
  shared.gemm(shared.gemm(m, 3, 3, r, true, 7), 3, 3, r, true, 7);
  const quantize::Gemm first = std::get<quantize::Gemm>(shared.program.ops[0].body);
  auto& second = std::get<quantize::Gemm>(shared.program.ops[1].body);
  second.w = first.w, second.bias = first.bias;
  const TensorId tall = shared.rearrange({0, {3, 3}, 2, {{m, {2, 3}, {{0, {{0, 1}}}, {0, {{1, 1}}}}}}}, {3, 3}, -20, 20);
  shared.sum({{false, tall, 1}, {true, first.w, 2}}, {3, 3}, r);
  out.push_back(shared.done());
  Builder windows;  // padding beyond the kernel, dilation beyond the image, places that read nothing but padding
  const TensorId image = windows.input({1, 3, 2, 2}, -9, 9);
  Requant mixed = r;
  mixed.shift = {-1, 0, 2, 9};
  windows.conv(image, 4, Window{{2, 3}, {1, 2}, {4, 1}, {5, 4}, {3, 2}}, mixed, 2, true, 7);
  windows.average(image, Window{{2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, true, {0, 1}, simple_requant(16, Function::identity, 8));
  windows.maximum(image, Window{{2, 3}, {2, 1}, {2, 1}, {1, 2}, {1, 2}});
  out.push_back(windows.done());
  Builder copies;  // a letter that a piece does not read (broadcast), one tensor in two pieces, a flipped one, single elements
  const TensorId v = copies.input({3}, -9, 9), one = copies.input({1}, -3, 3);
  copies.rearrange({0, {4, 3}, -7, {{v, {3}, {{0, {{1, 1}}}}}}}, {4, 3}, -9, 9);
  copies.rearrange({0, {8}, 5, {{v, {3}, {{0, {{0, 1}}}}}, {v, {3}, {{7, {{0, -1}}}}}}}, {8}, -9, 9);
  copies.sum({{false, one, 1}}, {1, 1, 1}, simple_requant(-2, Function::leaky_relu, 8));
  out.push_back(copies.done());
  return out;
}

/// Any change of one element of any op's output, everything else recomputed, breaks a constraint; the honest trace breaks none.
TEST(Programs, EveryOtherTraceBreaksAConstraint) {
  quantize::testing::Rng rng(3);
  std::vector<Program> programs = odd_programs();
  const std::size_t odd = programs.size();
  for (int i = 0; i < 8; ++i) programs.push_back(quantize::testing::random_program(rng, 5));
  std::size_t tried = 0;
  for (std::size_t n = 0; n < programs.size(); ++n) {
    const Program& p = programs[n];
    SCOPED_TRACE("program " + std::to_string(n));
    ASSERT_TRUE(quantize::check_program(p).has_value()) << quantize::check_program(p).error().text();
    const auto relation = ops::constrain(p, p.inputs, {static_cast<std::uint32_t>(1 + n % 8), n % 2 == 0 ? 1U << 16 : 0U});
    if (!relation) {
      EXPECT_EQ(relation.error().kind, ErrorKind::unsupported) << relation.error().text();
      continue;
    }
    const quantize::WeightStore weights = quantize::testing::random_weights(p, rng);
    const quantize::TensorStore inputs = quantize::testing::random_inputs(p, rng);
    const auto broken = [&](const proof::testing::Force& force) {
      quantize::TensorStore trace = inputs;
      proof::testing::evaluate(p, weights, trace, force);
      return relation::testing::broken(*relation, relation::testing::assignment_of(relation::Values(*relation, weights, trace)));
    };
    EXPECT_EQ(broken({}), Ids{});
    for (std::uint32_t op = 0; op < p.ops.size(); ++op) {
      const quantize::TensorSpec& y = p.tensors[quantize::op_output(p.ops[op])];
      const auto size = static_cast<std::size_t>(quantize::elements(y.shape));
      for (std::size_t e = 0; e < size; e += 1 + size / (n < odd ? size : 3))
        for (const std::int64_t step : {-1, 1}) {
          bool changed = false;
          const Ids ids = broken([&](std::uint32_t at, quantize::IntTensor& values) {
            if (at != op || values[e] + step < y.lo || values[e] + step > y.hi) return;
            values[e] += static_cast<std::int32_t>(step);
            changed = true;
          });
          EXPECT_EQ(changed, !ids.empty()) << p.ops[op].onnx_type << " element " << e << ", step " << step;
          tried += changed ? 1 : 0;
        }
    }
  }
  EXPECT_GT(tried, 200U);
}

// ---- Cells of the trees.

template <int D>
class RandomChannel final : public crypto::Channel<D> {
 public:
  Ext<D> challenge(std::string_view) override { return any(); }
  Ext<D> hidden(std::string_view, std::uint32_t, const Ext<D>&) override { return any(); }
  Ext<D> last(std::string_view, std::uint32_t, const Ext<D>&) override { return any(); }
  Ext<D> clear(std::string_view, std::uint32_t, const crypto::Form<D>&) override { return any(); }
  Ext<D> any() {
    Ext<D> e;
    for (Fp& limb : e.c) limb = Fp(rng_() % crypto::kP);
    return e;
  }

 private:
  std::mt19937_64 rng_{11};
};

/// The verifier's functional, cell by cell: no cell of a tensor, pad or slot is without weight (nothing could be changed unseen),
/// and nothing else has any (nothing outside of the tensors helps).
template <int D>
void functional_covers(const NamedSlice& slice) {
  const SliceCase c = *make_case(slice.program, slice.options);
  const Relation relation = *proof::slice_relation(c.key);
  const auto spec = proof::slice_spec(c.key, relation);
  const proof::Layout layout = proof::slice_layout<D>(spec, relation);
  RandomChannel<D> channel;
  crypto::Party<D> party(channel, crypto::Party<D>::Role::verify);
  relation::run_schedule<D>(party, relation, proof::public_tensors(c.key, relation, c.statement), nullptr);
  ASSERT_EQ(party.pads(), layout.pads);
  const crypto::Folded<D> folded = party.fold_checks();
  ASSERT_LE(layout.vars, 22U);
  std::vector<Ext<D>> dense(std::size_t{1} << layout.vars);
  for (const auto& [v, x] : folded.coef)
    for (int l = 0; l < D; ++l) dense[layout.address(v) + static_cast<std::uint64_t>(l)] += x * Ext<D>::basis(l);
  for (const auto& claim : folded.claims) {
    std::vector<Ext<D>> all{claim.scalar};
    for (const auto& axis : claim.functional->vectors) {
      std::vector<Ext<D>> next;
      for (const Ext<D>& a : all)
        for (const Ext<D>& x : axis) next.push_back(a * x);
      all = std::move(next);
    }
    const proof::Placed& placed = layout.placed[claim.id];
    ASSERT_EQ(all.size(), placed.elements()) << relation.tensors[claim.id].name;
    for (std::uint64_t i = 0; i < all.size(); ++i) dense[layout.offset_of(claim.id) + placed.address(i)] += all[i];
  }
  std::vector<Ext<D>> point;
  for (unsigned k = 0; k < layout.vars; ++k) point.push_back(channel.any());
  const std::vector<Ext<D>> eq = crypto::eq_values<D>(std::span<const Ext<D>>(point));
  EXPECT_EQ(crypto::inner<D>(std::span<const Ext<D>>(eq), std::span<const Ext<D>>(dense)),
            proof::evaluate_functional<D>(layout, folded, point))
      << "the functional weighs other cells than the claims do";

  std::vector<bool> real(dense.size(), false);
  const auto own = [&](std::uint64_t address, const std::string& what) {
    ASSERT_FALSE(real[address]) << what << " overlaps";
    real[address] = true;
    EXPECT_FALSE(dense[address] == Ext<D>::zero()) << what << " has a cell that nothing checks";
  };
  const auto ports = c.key.ports();
  for (std::uint32_t ref = 0; ref < relation.tensors.size(); ++ref) {
    const relation::Tensor& t = relation.tensors[ref];
    const bool is_public = t.kind == Kind::value && std::any_of(ports.begin(), ports.end(), [&](const proof::Port& p) {
                             return p.is_public && p.tensor == t.index;
                           });
    if (is_public) continue;
    for (std::uint64_t i = 0; i < layout.placed[ref].elements(); ++i)
      own(layout.offset_of(ref) + layout.placed[ref].address(i), t.name);
  }
  for (std::uint32_t i = 0; i < layout.pads; ++i)
    for (std::uint64_t l = 0; l < D; ++l) own(layout.address(crypto::pad_var(i)) + l, "pad");
  for (std::uint32_t i = 0; i < layout.slots.size(); ++i)
    for (std::uint32_t part = 0; part < 4; ++part)
      for (std::uint64_t l = 0; l < D; ++l) own(layout.address(crypto::slot_var(i, part)) + l, "slot");
  for (std::uint64_t a = 0; a < dense.size(); ++a)
    if (!real[a]) {
      ASSERT_TRUE(dense[a] == Ext<D>::zero()) << "address " << a << " is no tensor's, and counts";
    }
}

TEST(Cells, TheFunctionalCoversTheTensorsAndNothingElse) {
  for (const NamedSlice& s : attack_slices()) {
    SCOPED_TRACE(s.name);
    if (s.options.profile == proof::Profile::bits100)
      functional_covers<2>(s);
    else
      functional_covers<3>(s);
  }
}

/// A product of a form that is no fresh hidden value would go through the slot of another's pad.
TEST(Cells, OnlyFreshValuesAreMultiplied) {
  RandomChannel<2> channel;
  crypto::Party<2> party(channel, crypto::Party<2>::Role::verify);
  const auto a = party.hide("a"), b = party.hide("b");
  (void)party.mul(a, b);
  EXPECT_FALSE(party.aborted());
  for (const auto& form : {a + b, a * Ext<2>::one(), a + Ext<2>::one(), crypto::Form<2>(Ext<2>::one()), party.mul(a, b)}) {
    crypto::Party<2> other(channel, crypto::Party<2>::Role::verify);
    const auto fresh = other.hide("a");
    (void)other.mul(fresh, form);
    EXPECT_TRUE(other.aborted()) << "a verifier rejects such a run";
    EXPECT_TRUE(other.slots().empty());
  }
}

}  // namespace
}  // namespace dsperse::soundness
