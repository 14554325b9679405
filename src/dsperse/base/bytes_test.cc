#include "dsperse/base/bytes.h"

#include <gtest/gtest.h>

namespace dsperse {
namespace {

TEST(Bytes, RoundTrip) {
  ByteWriter w;
  w.u8(7);
  w.u32(0x01020304);
  w.u64(~std::uint64_t{0});
  w.i64(-5);
  const std::array<std::uint64_t, 3> words{1, ~std::uint64_t{0} - 1, 0x0102030405060708};
  w.u64s(words);
  w.text("abc");
  ByteReader r(w.bytes());
  EXPECT_EQ(r.u8(), 7);
  EXPECT_EQ(r.u32(), 0x01020304U);
  EXPECT_EQ(r.u64(), ~std::uint64_t{0});
  EXPECT_EQ(r.i64(), -5);
  std::array<std::uint64_t, 3> read{};
  r.u64s(read);
  EXPECT_EQ(read, words);
  EXPECT_EQ(r.text(3), "abc");
  EXPECT_TRUE(r.finished());
}

TEST(Bytes, EveryTruncationIsSeen) {
  ByteWriter w;
  w.u32(5);
  w.text("hello");
  for (std::size_t n = 0; n < w.bytes().size(); ++n) {
    ByteReader r(ByteView(w.bytes()).first(n));
    (void)r.u32();
    (void)r.text(100);
    EXPECT_FALSE(r.finished()) << n;
    ByteReader words(ByteView(w.bytes()).first(n));
    std::array<std::uint64_t, 2> read{1, 1};
    words.u64s(read);
    EXPECT_FALSE(words.ok()) << n;
    EXPECT_EQ(read, (std::array<std::uint64_t, 2>{})) << n;
  }
}

TEST(Bytes, CountsAreBoundedByLimitAndByWhatIsLeft) {
  ByteWriter w;
  w.u32(1000);
  w.u64(0);
  ByteReader a(w.bytes()), b(w.bytes());
  EXPECT_EQ(a.count(999, 0), 0U);
  EXPECT_FALSE(a.ok());
  EXPECT_EQ(b.count(100000, 1), 0U);
  EXPECT_FALSE(b.ok());
}

TEST(Bytes, Hex) {
  Bytes out;
  EXPECT_TRUE(from_hex("00fFa0", out));
  EXPECT_EQ(to_hex(out), "00ffa0");
  EXPECT_FALSE(from_hex("0", out));
  EXPECT_FALSE(from_hex("0g", out));
}

}  // namespace
}  // namespace dsperse
