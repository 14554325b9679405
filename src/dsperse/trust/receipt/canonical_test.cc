#include "dsperse/trust/receipt/canonical.h"

#include <gtest/gtest.h>

#include <optional>

#include "dsperse/trust/receipt/base64.h"
#include "dsperse/trust/receipt/testing/sample.h"

namespace dsperse::trust {
namespace {

using testing::bytes_of;

TEST(Base64, KnownAnswers) {  // RFC 4648, section 10
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : known) {
    EXPECT_EQ(to_base64(bytes_of(plain)), coded);
    Bytes back;
    EXPECT_TRUE(from_base64(coded, back));
    EXPECT_EQ(back, bytes_of(plain));
  }
}

TEST(Base64, EveryByteReturns) {
  for (std::size_t length = 0; length < 70; ++length) {
    Bytes bytes;
    for (std::size_t i = 0; i < length; ++i) bytes.push_back(static_cast<std::uint8_t>(251 * i + 7 * length));
    Bytes back;
    EXPECT_TRUE(from_base64(to_base64(bytes), back));
    EXPECT_EQ(back, bytes);
  }
}

TEST(Base64, OneTextAValue) {
  for (const char* text : {"Zh==", "Zm9=", "Zg=", "Zg", "Zg===", "=", "====", "Z===", "Zm9vZ", "Zm9v\n", "Zm 9v", "Zm-v", "Zm_v",
                           "Zg==Zg==", "Z=g="}) {
    Bytes out;
    EXPECT_FALSE(from_base64(text, out)) << text;
    EXPECT_TRUE(out.empty());
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  const Bytes bytes = bytes_of(text);
  CanonicalReader in(bytes);
  const std::uint64_t value = in.number();
  return in.finished() ? std::optional(value) : std::nullopt;
}

TEST(Canonical, Numbers) {
  EXPECT_EQ(number("0"), 0U);
  EXPECT_EQ(number("7"), 7U);
  EXPECT_EQ(number("9007199254740991"), kMaxNumber);
  for (const char* text : {"", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "9007199254740992", "18446744073709551617",
                           "99999999999999999999999999999999", "0x1", "null"})
    EXPECT_FALSE(number(text)) << text;
}

TEST(Canonical, Words) {
  const auto word = [](std::string_view text, std::size_t limit) {
    const Bytes bytes = bytes_of(text);
    CanonicalReader in(bytes);
    const std::string value = in.word(limit);
    return in.finished() ? std::optional(value) : std::nullopt;
  };
  EXPECT_EQ(word("\"\"", 0), "");
  EXPECT_EQ(word("\"abc\"", 3), "abc");
  for (const char* text :
       {"\"abcd\"", "\"a", "a\"", "\"a\\n\"", "\"\\u0041\"", "\"\t\"", "\"\x7f\"", "\"\xc3\xa4\"", "abc", "'a'", ""})
    EXPECT_FALSE(word(text, 3)) << text;
}

TEST(Canonical, Digests) {
  const std::string hex(64, 'a');
  const auto good = [](const std::string& text) {
    const Bytes bytes = bytes_of(text);
    CanonicalReader in(bytes);
    (void)in.digest();
    return in.finished();
  };
  EXPECT_TRUE(good("\"" + hex + "\""));
  for (const std::string& text :
       {hex.substr(1), hex + "a", hex + "aa", std::string(64, 'A'), std::string(63, 'a') + "g", std::string()})
    EXPECT_FALSE(good("\"" + text + "\"")) << text;
}

TEST(Canonical, AfterAnErrorNothingIsRead) {
  const Bytes bytes = bytes_of("5\"abc\"");
  CanonicalReader in(bytes);
  in.literal("6");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.number(), 0U);
  EXPECT_EQ(in.word(10), "");
  EXPECT_FALSE(in.take_if("5"));
  EXPECT_EQ(in.where(), "byte 0");
}

}  // namespace
}  // namespace dsperse::trust
