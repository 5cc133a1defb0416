#include "valley/core/crc32c.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace valley::crc32c_test {
namespace {

// By the processor's instruction where there is one, and by tables.
void expect_both(std::string_view bytes, uint32_t expected) {
  EXPECT_EQ(crc32c(bytes), expected);
  EXPECT_EQ(crc32c_by_tables(bytes), expected);
}

TEST(Crc32c, KnownVectors) {
  expect_both("", 0);
  expect_both("123456789", 0xE3069283);
  // RFC 3720, B.4.
  expect_both(std::string(32, '\0'), 0x8A9136AA);
  expect_both(std::string(32, '\xff'), 0x62A8AB43);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising.push_back(static_cast<char>(i));
    falling.push_back(static_cast<char>(31 - i));
  }
  expect_both(rising, 0x46DD794E);
  expect_both(falling, 0x113FDB5C);
}

std::string some_bytes(size_t size) {
  std::string bytes;
  uint32_t state = 1;
  while (bytes.size() < size) {
    state = state * 1664525 + 1013904223;
    bytes.push_back(static_cast<char>(state >> 24));
  }
  return bytes;
}

TEST(Crc32c, InstructionAndTablesAgreeAtEveryLengthAndAlignment) {
  const std::string bytes = some_bytes(80);
  for (size_t from = 0; from < 9; ++from)
    for (size_t size = 0; size + from <= bytes.size(); ++size) {
      const auto part = std::string_view(bytes).substr(from, size);
      ASSERT_EQ(crc32c(part), crc32c_by_tables(part)) << from << " " << size;
    }
}

TEST(Crc32c, InPiecesIsAtOnce) {
  const std::string bytes = some_bytes(50);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto all = std::string_view(bytes);
    ASSERT_EQ(crc32c(all.substr(cut), crc32c(all.substr(0, cut))), crc32c(all));
    ASSERT_EQ(crc32c_by_tables(all.substr(cut), crc32c_by_tables(all.substr(0, cut))), crc32c(all));
  }
}

TEST(Crc32c, EveryFlippedBitChangesIt) {
  std::string bytes = some_bytes(40);
  const uint32_t whole = crc32c(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(crc32c(bytes), whole) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(Crc32c, MaskRotatesAndAdds) {
  const uint32_t crc = 0xE3069283u;
  EXPECT_EQ(masked_crc32c("123456789"), ((crc >> 15) | (crc << 17)) + 0xA282EAD8u);
}

}  // namespace
}  // namespace valley::crc32c_test
