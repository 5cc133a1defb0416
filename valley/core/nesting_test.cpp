#include "valley/core/nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace valley::nesting_test {
namespace {

TEST(Nesting, CountsBracketsOutsideOfTexts) {
  const std::string most(kDeepestJson, '['), half(kDeepestJson / 2, '{');
  EXPECT_FALSE(is_too_deep(most));
  EXPECT_TRUE(is_too_deep(most + "["));
  EXPECT_TRUE(is_too_deep(half + most));
  EXPECT_FALSE(is_too_deep(most + "]["));
  EXPECT_FALSE(is_too_deep(most + R"("[{\"[" )"));
  EXPECT_TRUE(is_too_deep(most + R"("\\"[)"));
  EXPECT_FALSE(is_too_deep(""));
}

}  // namespace
}  // namespace valley::nesting_test
