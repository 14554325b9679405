#include <gtest/gtest.h>

#include "dsperse/quantize/program.h"
#include "dsperse/quantize/testing/programs.h"

namespace dsperse::quantize {
namespace {

TEST(ProgramBytes, RoundTrip) {
  testing::Rng rng(7);
  for (int i = 0; i < 100; ++i) {
    const Program p = testing::random_program(rng, 6);
    const Bytes bytes = encode_program(p);
    const auto back = decode_program(bytes);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, p);
    EXPECT_EQ(encode_program(*back), bytes);
  }
}

/// Every prefix is refused; every changed byte is refused or decodes to another program with exactly those bytes.
TEST(ProgramBytes, OnlyCanonicalBytes) {
  testing::Rng rng(8);
  const Program p = testing::random_program(rng, 6);
  const Bytes bytes = encode_program(p);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_program(ByteView(bytes).first(n)));
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int flip : {1, 2, 0x10, 0x80, 0xFF}) {
      Bytes changed = bytes;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
      if (const auto back = decode_program(changed)) {
        EXPECT_NE(*back, p);
        EXPECT_EQ(encode_program(*back), changed) << "byte " << i;
      }
    }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_program(longer));
}

TEST(ProgramBytes, TablesAreKeptWhole) {
  testing::Builder b;
  Requant r = testing::table_requant(0, [](double v) { return 1 - v; }, 4, 1);
  r.activation.label = "one less";
  b.sum({{false, b.input({2}, -9, 9), 1}}, {2}, r);
  const Program p = b.done();
  const Bytes bytes = encode_program(p);
  const auto back = decode_program(bytes);
  ASSERT_TRUE(back) << back.error().text();
  const Activation& a = std::get<Sum>(back->ops[0].body).requant.activation;
  EXPECT_EQ(a.label, "one less");
  EXPECT_EQ(a.values, r.activation.values);
  EXPECT_EQ(a.values.size(), 16U);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_program(ByteView(bytes).first(n)));
}

TEST(ProgramBytes, ForeignBytesAndVersions) {
  EXPECT_NE(decode_program(Bytes{1, 2, 3}).error().what.find("not an integer program"), std::string::npos);
  testing::Rng rng(9);
  Bytes bytes = encode_program(testing::random_program(rng, 1));
  bytes[4] = 2;
  EXPECT_EQ(decode_program(bytes).error().kind, ErrorKind::unsupported);
  Bytes huge{0x44, 0x53, 0x50, 0x4D, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF};
  EXPECT_FALSE(decode_program(huge));
}

TEST(ProgramBytes, RandomBytesNeverCrash) {
  testing::Rng rng(10);
  const Bytes bytes = encode_program(testing::random_program(rng, 4));
  for (int i = 0; i < 2000; ++i) {
    Bytes changed = bytes;
    for (int k = 0; k < 4; ++k) changed[8 + rng() % (changed.size() - 8)] = static_cast<std::uint8_t>(rng());
    (void)decode_program(changed);
  }
}

}  // namespace
}  // namespace dsperse::quantize
