#include "valley/core/checksum.h"

#include <gtest/gtest.h>

#include "valley/core/testing/test_folder.h"

namespace valley::checksum_test {
namespace {

TEST(Checksum, AsText) {
  for (const uint32_t crc : {0u, 0x0000abcdu, 0xe3069283u, ~0u})
    EXPECT_EQ(parse_checksum(checksum_text(crc)), crc);
  EXPECT_EQ(checksum_text(0xabcd), "0000abcd");
  for (const char* text :
       {"", "e306928", "e30692833", "E3069283", "e306928g", "-3069283", "0x069283"})
    EXPECT_FALSE(parse_checksum(text)) << text;
}

TEST(Checksum, AFlippedKeyIsNoMissingOne) {
  EXPECT_TRUE(is_flipped("crc32b", "crc32c"));
  EXPECT_TRUE(is_flipped("Crc32b", "crc32c"));
  EXPECT_FALSE(is_flipped("crc32c", "crc32c"));
  EXPECT_FALSE(is_flipped("crc32", "crc32c"));
  EXPECT_FALSE(is_flipped("format", "crc32c"));
  EXPECT_FALSE(is_flipped("", "crc32c"));
}

TEST(Checksum, DamageIsNamed) {
  EXPECT_NO_THROW(require_checksum("a/b", 5, 5));
  EXPECT_EQ(error_of<DamagedFile>([] { require_checksum("a/b", 5, 0xabc); }),
            "a/b is damaged: its checksum is 00000005, that of its content 00000abc");
}

}  // namespace
}  // namespace valley::checksum_test
