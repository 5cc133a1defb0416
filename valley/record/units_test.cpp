#include "valley/record/units.h"

#include <gtest/gtest.h>

#include <limits>

namespace valley::units_test {
namespace {

TEST(Units, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1000), "1.00 kB");
  EXPECT_EQ(format_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(format_bytes(999'499), "999 kB");
  EXPECT_EQ(format_bytes(999'500), "1.00 MB");
  EXPECT_EQ(format_bytes(1'500'000'000), "1.50 GB");
  EXPECT_EQ(format_bytes(std::numeric_limits<int64_t>::max()), "9223 PB");
}

TEST(Units, Seconds) {
  EXPECT_EQ(format_seconds(0), "0 s");
  EXPECT_EQ(format_seconds(12.3e-9), "12.3 ns");
  EXPECT_EQ(format_seconds(850e-6), "850 us");
  EXPECT_EQ(format_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(format_seconds(0.9996), "1.00 s");
  EXPECT_EQ(format_seconds(4.56), "4.56 s");
  EXPECT_EQ(format_seconds(59.9), "59.9 s");
  EXPECT_EQ(format_seconds(59.96), "1 min 0 s");
  EXPECT_EQ(format_seconds(72), "1 min 12 s");
  EXPECT_EQ(format_seconds(3599.4), "59 min 59 s");
  EXPECT_EQ(format_seconds(3600), "1 h 0 min");
  EXPECT_EQ(format_seconds(2 * 3600 + 3 * 60 + 29), "2 h 3 min");
  EXPECT_EQ(format_seconds(4 * 86400 + 5 * 3600), "4 d 5 h");
  EXPECT_EQ(format_seconds(-72), "-1 min 12 s");
  EXPECT_EQ(format_seconds(std::numeric_limits<double>::infinity()), "?");
  EXPECT_EQ(format_seconds(1e300), "?");
}

TEST(Units, Counts) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(-123), "-123");
  EXPECT_EQ(format_count(-123456), "-123,456");
}

TEST(Units, Short) {
  EXPECT_EQ(format_short(0), "0");
  EXPECT_EQ(format_short(0.5123), "0.512");
  EXPECT_EQ(format_short(0.9999), "1.00");
  EXPECT_EQ(format_short(98.72), "98.7");
  EXPECT_EQ(format_short(12345), "12.3 k");
  EXPECT_EQ(format_short(4.56e6), "4.56 M");
  EXPECT_EQ(format_short(-4.56e6), "-4.56 M");
  EXPECT_EQ(format_short(std::numeric_limits<double>::infinity()), "inf");
}

}  // namespace
}  // namespace valley::units_test
