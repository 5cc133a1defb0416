#include "valley/core/display_width.h"

#include <gtest/gtest.h>

namespace valley::display_width_test {
namespace {

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("dppf"), 4u);
  EXPECT_EQ(display_width("87.9 \u00b1 0.1"), 10u);
  EXPECT_EQ(display_width("\u03bb/\u03b1"), 3u);
  EXPECT_EQ(display_width("e\u0301"), 1u);         // a combining accent
  EXPECT_EQ(display_width("\u8c37"), 2u);          // a wide character
  EXPECT_EQ(display_width("a\xff\xe2\x82z"), 4u);  // broken sequences
}

}  // namespace
}  // namespace valley::display_width_test
