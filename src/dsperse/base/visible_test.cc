#include "dsperse/base/visible.h"

#include <gtest/gtest.h>

namespace dsperse {
namespace {

using std::string_literals::operator""s;

TEST(Visible, WhatCanBeReadStays) {
  for (const char* text : {"", "conv1 > w", "größe", "画像", "😀", "a\\x41", "Ω\xC2\xA0x"}) EXPECT_EQ(visible(text), text);
}

TEST(Visible, NothingMovesTheCursor) {
  EXPECT_EQ(visible("\x1b[2K\raccepted"), "\\x1B[2K\\x0Daccepted");
  EXPECT_EQ(visible("a\nb\tc\x7f\0d"s), "a\\x0Ab\\x09c\\x7F\\x00d");
  EXPECT_EQ(visible("\xC2\x9B"
                    "31m"),
            "\\u{9B}31m");  // the one-character form of escape and bracket
}

TEST(Visible, NothingTurnsOrHidesText) {
  EXPECT_EQ(visible("\xE2\x80\xAEtpecca"), "\\u{202E}tpecca");
  EXPECT_EQ(visible("a\xE2\x80\x8B"
                    "b\xEF\xBB\xBF\xF3\xA0\x81\x81"),
            "a\\u{200B}b\\u{FEFF}\\u{E0041}");
}

TEST(Visible, WhatIsNoUtf8IsShownByteByByte) {
  EXPECT_EQ(visible("\x80"), "\\x80");
  EXPECT_EQ(visible("\xC0\xAF"), "\\xC0\\xAF");                    // too long an encoding
  EXPECT_EQ(visible("\xE2\x82"), "\\xE2\\x82");                    // cut off
  EXPECT_EQ(visible("\xED\xA0\x80"), "\\xED\\xA0\\x80");           // a surrogate
  EXPECT_EQ(visible("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");  // beyond the last character
  EXPECT_EQ(visible("\xFFz"), "\\xFFz");
}

}  // namespace
}  // namespace dsperse
