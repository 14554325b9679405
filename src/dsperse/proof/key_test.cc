// Keys: canonical bytes, every rule of the boundary graph broken once, digests that name everything.
#include "dsperse/proof/key.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include "dsperse/proof/testing/model.h"

namespace dsperse::proof {
namespace {

using testing::make_model;
using testing::ModelCase;

const ModelCase& skip() {
  static const ModelCase m = make_model(testing::skip_model());
  return m;
}
const ModelCase& chunks() {
  static const ModelCase m = make_model(testing::chunk_model());
  return m;
}

TEST(ModelKey, BoundaryGeometryIsTheSlices) {
  const testing::ModelCase m = testing::make_model(testing::chunk_model());
  ModelKey key = m.key;
  EXPECT_EQ(boundary_geometry_of(key), boundary_geometry(key.slices[0].params(), key.chunks));
  const Geometry other = solve_geometry(key.slices[0].params(), 100000, kBoundaryUses, Optimize::size);
  for (SliceKey& s : key.slices)
    if (s.boundary.t != 0) s.boundary = other;
  EXPECT_EQ(boundary_geometry_of(key), other);
  for (SliceKey& s : key.slices) s.boundary = {};
  EXPECT_EQ(boundary_geometry_of(key), boundary_geometry(key.slices[0].params(), key.chunks)) << "no slice has one";
}

TEST(ModelKey, BytesAreCanonical) {
  for (const ModelKey* key : {&skip().key, &chunks().key}) {
    const Bytes bytes = encode_model_key(*key);
    const auto again = decode_model_key(bytes);
    ASSERT_TRUE(again.has_value()) << again.error().text();
    EXPECT_EQ(encode_model_key(*again), bytes);
    EXPECT_EQ(again->id(), key->id());
    for (std::size_t i = 0; i < key->slices.size(); ++i) {
      EXPECT_EQ(again->slices[i].digest(), key->slices[i].digest());
      EXPECT_EQ(again->slices[i].range_proof, key->slices[i].range_proof);
      EXPECT_TRUE(verify_ranges(again->slices[i]));
    }
  }
}

TEST(ModelKey, TruncatedAndTrailingBytesAreRefused) {
  const Bytes bytes = encode_model_key(skip().key);
  for (std::size_t n = 0; n < bytes.size(); n += n < 3000 ? 1 : 1013)
    EXPECT_FALSE(decode_model_key(ByteView(bytes).first(n))) << n;
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_model_key(longer));
}

/// A flipped byte is refused, or names another model, or lies in a range proof, which then does not verify.
TEST(ModelKey, FlippedBytesAreSeen) {
  const Bytes bytes = encode_model_key(skip().key);
  std::mt19937_64 rng(7);
  for (std::size_t i = 0; i < bytes.size(); i += i < 1500 ? 1 : 2500) {
    Bytes bad = bytes;
    bad[i] ^= static_cast<std::uint8_t>(1U << rng() % 8);
    const auto key = decode_model_key(bad);
    if (!key || key->id() != skip().key.id()) continue;
    bool seen = false;
    for (const SliceKey& s : key->slices) seen = seen || !verify_ranges(s);
    EXPECT_TRUE(seen) << "byte " << i;
  }
}

/// Every field is in the model id.
TEST(ModelKey, IdNamesEverything) {
  using Change = std::function<void(ModelKey&)>;
  const std::vector<Change> changes{
      [](ModelKey& k) { k.slices[0].program.ops[0].name += "x"; },
      [](ModelKey& k) { k.slices[0].program.tensors[0].hi += 1; },
      [](ModelKey& k) { k.slices[0].program.weights[0].max_abs += 1; },
      [](ModelKey& k) { std::get<quantize::Gemm>(k.slices[0].program.ops[0].body).requant.shift[0] += 1; },
      [](ModelKey& k) { std::get<quantize::Gemm>(k.slices[0].program.ops[0].body).requant.clamp_bits += 1; },
      [](ModelKey& k) {
        std::get<quantize::Gemm>(k.slices[0].program.ops[0].body).requant.activation.f = quantize::Function::relu;
      },
      [](ModelKey& k) { k.slices[0].inputs[0].chunk = 2; },
      [](ModelKey& k) { k.slices[0].inputs[0].is_public = !k.slices[0].inputs[0].is_public; },
      [](ModelKey& k) { k.slices[0].outputs[0].chunk = 2; },
      [](ModelKey& k) { k.slices[0].options.limb_bits = 7; },
      [](ModelKey& k) { k.slices[0].options.wide_rows += 1; },
      [](ModelKey& k) { k.slices[0].options.top_bits += 1; },
      [](ModelKey& k) { k.slices[0].options.far_bits += 1; },
      [](ModelKey& k) { k.slices[0].weights.t += 1; },
      [](ModelKey& k) { k.slices[0].weights.code.r += 1; },
      [](ModelKey& k) { k.slices[0].boundary.code.log_n += 1; },
      [](ModelKey& k) { k.slices[0].witness.code.c += 1; },
      [](ModelKey& k) { k.slices[0].end.t += 1; },
      [](ModelKey& k) { (*k.slices[0].weight_root)[31] ^= 1; },
      [](ModelKey& k) { k.slices[0].profile = Profile::bits128; },
      [](ModelKey& k) { std::swap(k.slices[0], k.slices[1]); },
      [](ModelKey& k) { k.chunks[1].name += "x"; },
      [](ModelKey& k) { k.chunks[1].shape[0] += 1; },
      [](ModelKey& k) { k.chunks[1].exponent += 1; },
      [](ModelKey& k) { k.chunks[1].lo -= 1; },
      [](ModelKey& k) { k.chunks[1].hi -= 1; },
      [](ModelKey& k) { k.chunks[1].is_public = true; },
      [](ModelKey& k) { k.edges[2].name += "x"; },
      [](ModelKey& k) { k.edges[2].chunks = {1}; },
      [](ModelKey& k) { k.edges[1].is_output = false; },
      [](ModelKey& k) { k.edges[0].is_input = false; },
      [](ModelKey& k) { std::swap(k.edges[1], k.edges[2]); },
      [](ModelKey& k) { k.edges[0].io->name += "x"; },
      [](ModelKey& k) { k.edges[0].io->logical_shape[0] += 1; },
      [](ModelKey& k) { k.edges[0].io->perm = {1, 0}; },
      [](ModelKey& k) { k.edges[0].io->scale = {2.0F}; },
      [](ModelKey& k) { k.edges[0].io->bias = {2.0F}; },
      [](ModelKey& k) { k.labels[1] = "three"; }};
  const Digest id = skip().key.id();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    ModelKey key = skip().key;
    changes[i](key);
    EXPECT_NE(key.id(), id) << "change " << i;
  }
  ModelKey key = skip().key;
  key.slices[0].range_proof[50] ^= 1;
  EXPECT_EQ(key.id(), id) << "the range proof binds to the digest without itself";
}

/// Rules of check_model_key, each broken once.
TEST(ModelKey, GraphRules) {
  using Change = std::function<void(ModelKey&)>;
  const auto refused = [](const ModelKey& base, const std::string& reason, const Change& change) {
    ASSERT_TRUE(check_model_key(base).has_value());
    ModelKey key = base;
    change(key);
    const Status s = check_model_key(key);
    ASSERT_FALSE(s.has_value()) << reason;
    EXPECT_NE(s.error().what.find(reason), std::string::npos) << s.error().what << ", not " << reason;
    EXPECT_FALSE(decode_model_key(encode_model_key(key)).has_value());
    // A certificate is not accepted under such a key either.
    EXPECT_FALSE(verify_certificate(key, skip().certificate, skip().user).verdict);
  };
  const ModelKey &s = skip().key, &c = chunks().key;
  EXPECT_FALSE(check_model_key(ModelKey{}).has_value());
  refused(s, "two edges have one name", [](ModelKey& k) { k.edges[2].name = "a"; });
  refused(s, "edge without chunks", [](ModelKey& k) { k.edges[2].chunks.clear(); });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io.reset(); });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[2].io = k.edges[0].io; });
  refused(s, "edges do not cover the chunks once", [](ModelKey& k) { k.edges[2].chunks = {1}; });
  refused(s, "edges do not cover the chunks once", [](ModelKey& k) { k.edges[2].chunks = {9}; });
  refused(s, "no output", [](ModelKey& k) {
    for (Edge& e : k.edges) e.is_output = false, e.io = e.is_input ? e.io : std::nullopt;
  });
  refused(s, "chunk belongs to no edge", [](ModelKey& k) { k.edges.erase(k.edges.begin() + 2); });
  refused(s, "chunk belongs to no edge", [](ModelKey& k) { k.chunks.push_back(k.chunks[1]); });
  refused(s, "empty range", [](ModelKey& k) { k.chunks[2].lo = k.chunks[2].hi + 1; });
  // Sizes that later arithmetic multiplies, also of chunks that no slice reads.
  refused(s, "shape of a chunk", [](ModelKey& k) { k.chunks[2].shape = {std::int64_t{1} << 62, std::int64_t{1} << 62}; });
  refused(s, "shape of a chunk", [](ModelKey& k) { k.chunks[2].shape = {-2, -3}; });
  refused(s, "shape of a chunk", [](ModelKey& k) { k.chunks[2].shape = {}; });
  refused(s, "shape of a chunk", [](ModelKey& k) {
    k.edges.push_back({"unread", {4}, true, false, k.edges[0].io});
    k.chunks.push_back(k.chunks[0]);
    k.chunks[4].shape = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  });
  refused(s, "range or exponent of a chunk", [](ModelKey& k) { k.chunks[2].hi = 1 << 16; });
  refused(s, "range or exponent of a chunk", [](ModelKey& k) { k.chunks[2].lo = std::numeric_limits<std::int64_t>::min(); });
  refused(s, "range or exponent of a chunk",
          [](ModelKey& k) { k.chunks[2].exponent = std::numeric_limits<std::int32_t>::min(); });
  refused(c, "chunks of an edge do not fit", [](ModelKey& k) { k.chunks[2].exponent += 1; });
  refused(c, "chunks of an edge do not fit", [](ModelKey& k) { k.chunks[2].shape = {2, 4}; });
  refused(c, "chunks of an edge do not fit", [](ModelKey& k) { k.chunks[2].shape = {2}; });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io->perm = {0, 0}; });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io->perm = {0, 2}; });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io->perm = {0}; });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io->logical_shape = {2, 4}; });
  refused(s, "input or output mapping", [](ModelKey& k) { k.edges[0].io->logical_shape = {std::int64_t{1} << 62, 6}; });
  refused(s, "two inputs of a slice are one chunk",
          [](ModelKey& k) { k.slices[2].inputs[1].chunk = k.slices[2].inputs[0].chunk; });
  refused(s, "a chunk is read before", [](ModelKey& k) { std::swap(k.slices[0], k.slices[1]); });
  refused(s, "a chunk is read before", [](ModelKey& k) { k.edges[0].is_input = false, k.edges[0].io.reset(); });
  refused(s, "a chunk has two producers", [](ModelKey& k) { k.edges[1].is_input = true; });
  refused(s, "a chunk has two producers", [](ModelKey& k) { k.slices[1].outputs[0].chunk = 1; });
  refused(c, "a chunk has two producers", [](ModelKey& k) { k.slices.push_back(k.slices[1]); });
  refused(c, "a chunk is read before", [](ModelKey& k) { k.slices.erase(k.slices.begin()); });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.chunks[1].exponent += 1; });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.chunks[1].shape = {3, 2}; });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.chunks[1].lo -= 1; });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.chunks[1].is_public = true; });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.slices[2].inputs[0].is_public = true; });
  refused(s, "port and chunk differ", [](ModelKey& k) { k.slices[2].program.tensors[0].hi -= 1; });
  refused(s, "port names no chunk", [](ModelKey& k) { k.slices[2].inputs[0].chunk = 77; });
  refused(s, "ports and the program's inputs", [](ModelKey& k) { std::swap(k.slices[2].inputs[0], k.slices[2].inputs[1]); });
  refused(s, "ports", [](ModelKey& k) { k.slices[2].inputs.pop_back(); });
  refused(s, "unknown security profile", [](ModelKey& k) { k.slices[0].profile = static_cast<Profile>(80); });
  refused(s, "slices of different security profiles", [](ModelKey& k) { k.slices[1].profile = Profile::bits128; });
  refused(s, "limb size", [](ModelKey& k) { k.slices[0].options.limb_bits = 0; });
  refused(s, "limb size", [](ModelKey& k) { k.slices[0].options.limb_bits = 17; });
  refused(s, "limb size", [](ModelKey& k) { k.slices[0].options.top_bits = 17; });
  refused(s, "limb size", [](ModelKey& k) { k.slices[0].options.far_bits = 21; });
  refused(s, "weight tree", [](ModelKey& k) { k.slices[0].weight_root.reset(); });
  refused(s, "weight tree", [](ModelKey& k) { k.slices[0].range_proof.clear(); });
  refused(s, "weight tree", [](ModelKey& k) { k.slices[0].weights.t = 0; });
  // A key below the profile: fewer queries, pads or columns than it needs, in every geometry.
  refused(s, "weight geometry below the profile", [](ModelKey& k) { --k.slices[0].weights.t; });
  refused(s, "weight geometry below the profile", [](ModelKey& k) { --k.slices[0].weights.code.r; });
  refused(s, "boundary geometry below the profile", [](ModelKey& k) { --k.slices[0].boundary.t; });
  refused(s, "boundary geometry", [](ModelKey& k) { k.slices[0].boundary = {}; });
  refused(s, "geometry below the profile", [](ModelKey& k) { --k.slices[0].witness.t; });
  refused(s, "geometry below the profile", [](ModelKey& k) { --k.slices[0].witness.code.r; });
  refused(s, "geometry below the profile", [](ModelKey& k) { --k.slices[0].end.t; });
  refused(s, "geometry below the profile", [](ModelKey& k) { --k.slices[0].witness.code.log_n; });
  refused(s, "slack or work", [](ModelKey& k) { --k.slices[0].slack; });
  refused(s, "slack or work", [](ModelKey& k) { k.slices[0].slack = 33; });
  refused(s, "slack or work", [](ModelKey& k) { k.slices[0].work = 21; });
  refused(s, "weight geometry below the profile", [](ModelKey& k) { ++k.slices[0].slack; });
  for (Geometry SliceKey::* g : {&SliceKey::range_witness, &SliceKey::range_end, &SliceKey::link_witness, &SliceKey::link_end})
    refused(s, "geometry of the range proof or link below the profile", [=](ModelKey& k) { --(k.slices[0].*g).t; });
  refused(s, "boundary geometries differ", [](ModelKey& k) {  // sound, but another code: one root could decode to two tensors
    k.slices[1].boundary = solve_geometry(k.slices[1].params(), 100000, kBoundaryUses);
    ASSERT_FALSE(k.slices[1].boundary == k.slices[0].boundary);
  });
}

TEST(ModelKey, FourReadersOfAChunk) {
  testing::ModelSpec spec = testing::skip_model();
  spec.slack = slack_of(6);
  ModelKey key = testing::make_model(spec).key;
  const SliceKey reader = key.slices[1];  // reads a (chunk 1)
  for (int extra = 0; extra < 3; ++extra) {
    EXPECT_TRUE(check_model_key(key).has_value());  // a is read by slices 1 and 2, then by more
    SliceKey s = reader;
    s.outputs[0].chunk = static_cast<std::uint32_t>(key.chunks.size());
    key.chunks.push_back(key.chunks[2]);
    key.edges.push_back({"extra " + std::to_string(extra), {s.outputs[0].chunk}, false, false, {}});
    key.slices.push_back(s);
  }
  const Status s = check_model_key(key);
  ASSERT_FALSE(s.has_value());
  EXPECT_NE(s.error().what.find("more than four slices"), std::string::npos);
}

}  // namespace
}  // namespace dsperse::proof
