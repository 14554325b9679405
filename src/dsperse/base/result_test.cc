#include "dsperse/base/result.h"

#include <gtest/gtest.h>

namespace dsperse {
namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return fail(ErrorKind::bad_input, "odd number", "half", "give an even one");
  return x / 2;
}

Result<int> quarter(int x) {
  DSPERSE_TRY(const int h, half(x));
  return half(h);
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  const auto bad = quarter(6);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text(), "odd number (half): give an even one");
  EXPECT_EQ(bad.error().within("file").where, "file > half");
}

}  // namespace
}  // namespace dsperse
