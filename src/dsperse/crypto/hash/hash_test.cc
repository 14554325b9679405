// BLAKE3 against its published vectors (input byte i is i mod 251), domains, and the stream's definition and uniformity.
#include "dsperse/crypto/hash/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "blake3.h"
#include "dsperse/crypto/hash/compress.h"

namespace dsperse::crypto {
namespace {

ByteView view(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }
Bytes counting(std::size_t n) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
  return out;
}
Digest vector_key() {
  Digest key;
  std::memcpy(key.data(), "whats the Elvish word for friend", 32);
  return key;
}

struct Vector {
  std::size_t length;
  const char* plain;
  const char* keyed;
};
constexpr Vector kVectors[] = {
    {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
     "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"},
    {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
     "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"},
    {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
     "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e"},
    {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
     "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4"},
    {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
     "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69"},
    {3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
     "68dede9bef00ba89e43f31a6825f4cf433389fedae75c04ee9f0cf16a427c95a"},
    {6144, "3e2e5b74e048f3add6d21faab3f83aa44d3b2278afb83b80b3c35164ebeca205",
     "3d6b6d21281d0ade5b2b016ae4034c5dec10ca7e475f90f76eac7138e9bc8f1d"},
};
// The extended output of the empty input, 131 bytes.
constexpr const char* kEmptyXof =
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262e00f03e7b69af26b7faaf09fcd333050338ddfe085b8cc869ca98b206c08"
    "243a"
    "26f5487789e8f660afe6c99ef9e0c52b92e7393024a80459cf91f476f9ffdbda7001c22e159b402631f277ca96f2defdf1078282314e763699a31c536316"
    "5421"
    "cce14d";

TEST(Blake3, MatchesPublishedVectors) {
  for (const Vector& v : kVectors) {
    const Bytes input = counting(v.length);
    EXPECT_EQ(to_hex(hash(input)), v.plain) << v.length;
    Hasher keyed(vector_key());
    for (std::size_t at = 0; at < input.size(); at += 100)
      keyed.update(ByteView(input).subspan(at, std::min<std::size_t>(100, input.size() - at)));
    EXPECT_EQ(to_hex(keyed.digest()), v.keyed) << v.length;
  }
}

TEST(Blake3, ExtendsItsOutput) {
  Bytes out(131);
  Hasher().output(0, out);
  EXPECT_EQ(to_hex(out), kEmptyXof);
  Bytes part(50);
  Hasher().output(70, part);
  EXPECT_EQ(to_hex(part), std::string(kEmptyXof).substr(140, 100));
}

TEST(Blake3, DerivesKeys) {
  constexpr std::string_view kContext = "BLAKE3 2019-12-27 16:29:52 test vectors context";
  EXPECT_EQ(to_hex(hash_tagged(kContext, {})), "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d");
  // Parts are length-prefixed: the same as the official hasher over u64 length and bytes.
  blake3_hasher h;
  blake3_hasher_init_derive_key(&h, "dsperse test");
  const std::uint8_t bytes[] = {3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0};
  blake3_hasher_update(&h, bytes, sizeof bytes);
  Digest expected;
  blake3_hasher_finalize(&h, expected.data(), expected.size());
  EXPECT_EQ(hash_tagged("dsperse test", {view("abc"), {}}), expected);
}

TEST(HashTagged, SeparatesContextsAndParts) {
  const std::set<Digest> all = {hash_tagged("a", {view("bc")}),           hash_tagged("ab", {view("c")}),
                                hash_tagged("a", {view("b"), view("c")}), hash_tagged("a", {view("bc"), {}}),
                                hash_tagged("a", {{}, view("bc")}),       hash_tagged("a", {})};
  EXPECT_EQ(all.size(), 6U);
}

TEST(CompressMany, PairsAreKeyedHashes) {
  const Digest key = vector_key();
  const Bytes input = counting(64 * 133);
  Bytes out(32 * 133);
  hash_pairs(key_words(key), input.data(), 133, out.data());
  for (std::size_t i = 0; i < 133; ++i) {
    Hasher h(key);
    h.update(ByteView(input).subspan(64 * i, 64));
    EXPECT_EQ(to_hex(h.digest()), to_hex(ByteView(out).subspan(32 * i, 32)));
  }
}

TEST(SeedStream, IsTheFirstHalfOfEachOutputBlock) {
  const Digest seed = hash(view("seed"));
  SeedStream stream(seed, "label", 7);
  Hasher h(stream.key());
  h.update(Bytes(64));
  Bytes out(32 * 200);
  stream.fill(out);
  for (std::size_t i = 0; i < 200; ++i) {
    Bytes block(32);
    h.output(64 * i, block);
    ASSERT_EQ(to_hex(block), to_hex(ByteView(out).subspan(32 * i, 32))) << "block " << i;
  }
  ByteWriter index;
  index.u64(7);
  EXPECT_EQ(stream.key(), hash_tagged("dsperse seed stream v1", {seed, view("label"), index.bytes()}));
}

TEST(SeedStream, DoesNotDependOnThePiecesReadOrSought) {
  const Digest seed = hash(view("pieces"));
  Bytes whole(20000);
  SeedStream(seed, "x").fill(whole);
  SeedStream stream(seed, "x");
  Bytes pieces(whole.size());
  for (std::size_t at = 0, step = 1; at < pieces.size(); at += step, step = step * 3 % 1009) {
    step = std::min(step, pieces.size() - at);
    stream.fill(std::span(pieces).subspan(at, step));
  }
  EXPECT_EQ(pieces, whole);
  for (const std::size_t at : {0UL, 1UL, 31UL, 32UL, 511UL, 512UL, 617UL}) {
    stream.seek(at);
    std::uint64_t x;
    std::memcpy(&x, whole.data() + at, 8);
    EXPECT_EQ(stream.u64(), x) << at;
    Bytes blocks(96);
    stream.blocks(at, blocks);
    EXPECT_TRUE(std::equal(blocks.begin(), blocks.end(), whole.begin() + static_cast<std::ptrdiff_t>(32 * at))) << at;
    std::memcpy(&x, whole.data() + at + 8, 8);
    EXPECT_EQ(stream.u64(), x) << "it goes on where it was";
  }
}

TEST(SeedStream, SeedsLabelsAndIndicesAreIndependent) {
  const Digest a = hash(view("a")), b = hash(view("b"));
  const std::set<std::uint64_t> first = {SeedStream(a, "x").u64(), SeedStream(b, "x").u64(), SeedStream(a, "y").u64(),
                                         SeedStream(a, "x", 1).u64()};
  EXPECT_EQ(first.size(), 4U);
}

TEST(SeedStream, ElementsAreTheWordsBelowP) {
  const Digest seed = hash(view("elements"));
  std::vector<Fp> bulk(3000);
  SeedStream(seed, "e").fill(std::span(bulk));
  SeedStream one(seed, "e"), words(seed, "e");
  for (const Fp x : bulk) {
    ASSERT_LT(x.v, kP);
    ASSERT_EQ(one.fp(), x);
    std::uint64_t w = words.u64();
    while (w >= kP) w = words.u64();
    ASSERT_EQ(w, x.v);
  }
}

TEST(SeedStream, BelowIsUniform) {
  // 3 2^62 rejects a quarter of all words: without rejection the lowest third would be twice as likely.
  SeedStream stream(hash(view("below")), "b");
  constexpr std::uint64_t kBound = 3ULL << 62;
  std::size_t count[3] = {};
  for (int i = 0; i < 30000; ++i) {
    const std::uint64_t x = stream.below(kBound);
    ASSERT_LT(x, kBound);
    ++count[x >> 62];
  }
  for (const std::size_t c : count) EXPECT_NEAR(static_cast<double>(c), 10000.0, 450.0);  // 5.5 standard deviations
  EXPECT_EQ(stream.below(1), 0U);
  std::size_t small[7] = {};
  for (int i = 0; i < 70000; ++i) ++small[stream.below(7)];
  for (const std::size_t c : small) EXPECT_NEAR(static_cast<double>(c), 10000.0, 520.0);
}

}  // namespace
}  // namespace dsperse::crypto
