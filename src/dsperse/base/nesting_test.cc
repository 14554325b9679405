#include "dsperse/base/nesting.h"

#include <gtest/gtest.h>

namespace dsperse {
namespace {

bool fits(std::string_view text, std::size_t limit) {
  return nests_at_most({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, limit);
}

TEST(Nesting, CountsBracketsOutsideOfStrings) {
  EXPECT_TRUE(fits("", 0));
  EXPECT_TRUE(fits("[]", 1));
  EXPECT_FALSE(fits("[[]]", 1));
  EXPECT_TRUE(fits("[{},{},[]]", 2));
  EXPECT_FALSE(fits("{\"a\":[{}]}", 2));
  EXPECT_TRUE(fits("[\"[[[{{{\"]", 1));
  EXPECT_TRUE(fits("[\"\\\"[[[\"]", 1));
  EXPECT_FALSE(fits("[\"\\\\\"[[]]", 2));  // the string ends before the brackets
}

TEST(Nesting, HostileTexts) {
  EXPECT_FALSE(fits(std::string(1U << 20, '['), kMaxNesting));
  EXPECT_TRUE(fits(std::string(1U << 20, ']'), 0));  // nonsense, but not deep
}

}  // namespace
}  // namespace dsperse
