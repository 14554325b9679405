// Blobs: what comes back, what is refused, what is noticed.
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/engine/testing/suite.h"

namespace dsperse::engine::testing {
namespace {

constexpr std::uint64_t kAny = std::uint64_t{1} << 40;

TEST_P(EngineSuite, BlobsComeBackByTheirDigest) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, std::size_t{kBlobLimit}}) {
    Bytes blob(size);
    for (std::size_t i = 0; i < size; ++i) blob[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    const Digest digest = crypto::hash(blob);
    EXPECT_FALSE(value(blobs().has(digest)));
    EXPECT_EQ(value(blobs().put(blob)), digest);
    EXPECT_EQ(value(blobs().put(blob)), digest) << "idempotent";
    EXPECT_TRUE(value(blobs().has(digest)));
    bench_->restart();
    EXPECT_EQ(value(blobs().get(digest, kAny)), blob);
    EXPECT_TRUE(value(blobs().remove(digest)));
    EXPECT_FALSE(value(blobs().remove(digest)));
    EXPECT_FALSE(value(blobs().has(digest)));
    bench_->restart();
    EXPECT_FALSE(value(blobs().has(digest)));
  }
}

TEST_P(EngineSuite, BlobsHaveLimits) {
  EXPECT_EQ(blobs().limit_bytes(), kBlobLimit);
  const Bytes large(kBlobLimit + 1);
  EXPECT_EQ(kind_of(blobs().put(large)), ErrorKind::resource);
  EXPECT_FALSE(value(blobs().has(crypto::hash(large))));
  const Digest digest = value(blobs().put(Bytes(1000)));
  EXPECT_EQ(kind_of(blobs().get(digest, 999)), ErrorKind::resource);
  EXPECT_EQ(value(blobs().get(digest, 1000)), Bytes(1000));
}

TEST_P(EngineSuite, MissingAndDamagedBlobsAreSaidToBe) {
  const auto missing = blobs().get(id(1), kAny);
  ASSERT_EQ(kind_of(missing), ErrorKind::bad_input);
  EXPECT_NE(missing.error().what.find("missing"), std::string::npos);

  const Bytes blob = bytes("some bytes that matter");
  const Digest digest = value(blobs().put(blob)), other = value(blobs().put(bytes("a neighbour")));
  bench_->damage_blob(digest);
  const auto damaged = blobs().get(digest, kAny);
  ASSERT_EQ(kind_of(damaged), ErrorKind::bad_input);
  EXPECT_NE(damaged.error().what.find("damaged"), std::string::npos);
  EXPECT_NE(damaged.error().where.find(to_hex(digest)), std::string::npos);
  EXPECT_EQ(value(blobs().get(other, kAny)), bytes("a neighbour"));
  EXPECT_EQ(value(blobs().put(blob)), digest) << "putting it again mends it";
  EXPECT_EQ(value(blobs().get(digest, kAny)), blob);
}

}  // namespace
}  // namespace dsperse::engine::testing
