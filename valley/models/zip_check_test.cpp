#include "valley/models/zip_check.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "valley/core/checksum.h"
#include "valley/core/testing/test_folder.h"

namespace valley::zip_check_test {
namespace {

std::string bytes_of(uint64_t value, int size) {
  std::string bytes;
  for (int k = 0; k < size; ++k) bytes.push_back(static_cast<char>(value >> (8 * k)));
  return bytes;
}

std::string deflate_raw(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(compressBound(text.size()) + 16, '\0');
  std::string copy = text;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

struct Item {
  std::string name, content;
  bool packed = false;
  bool without_crc = false;
};

// A zip file of these members. `data` receives where their bytes begin.
std::string zip_of(const std::vector<Item>& items, std::vector<size_t>* data = nullptr) {
  std::string file, directory;
  for (const Item& item : items) {
    const std::string content = item.packed ? deflate_raw(item.content) : item.content;
    const uLong crc = item.without_crc
                          ? 0
                          : crc32(0, reinterpret_cast<const Bytef*>(item.content.data()),
                                  static_cast<uInt>(item.content.size()));
    const std::string common = bytes_of(0, 2) + bytes_of(item.packed ? 8 : 0, 2) + bytes_of(0, 4) +
                               bytes_of(crc, 4) + bytes_of(content.size(), 4) +
                               bytes_of(item.content.size(), 4) + bytes_of(item.name.size(), 2);
    const size_t begin = file.size();
    file += "PK\3\4" + bytes_of(20, 2) + common + bytes_of(3, 2) + item.name + "pad";
    if (data != nullptr) data->push_back(file.size());
    file += content;
    directory += "PK\1\2" + bytes_of(20, 2) + bytes_of(20, 2) + common + bytes_of(0, 12) +
                 bytes_of(begin, 4) + item.name;
  }
  const size_t offset = file.size();
  file += directory + "PK\5\6" + bytes_of(0, 4) + bytes_of(items.size(), 2) +
          bytes_of(items.size(), 2) + bytes_of(directory.size(), 4) + bytes_of(offset, 4) +
          bytes_of(0, 2);
  return file;
}

TEST(ZipCheck, EveryFlippedBitOfAMemberIsFound) {
  const TestFolder folder;
  const auto path = (folder / "m.pt").string();
  std::vector<size_t> data;
  const std::string text(3000, 'x');
  const std::string whole =
      zip_of({{"a", "some bytes"}, {"b/code.py", text, true}, {"empty", ""}}, &data);
  spill(path, whole);
  EXPECT_NO_THROW(check_zip(path));
  const auto flipped = [&](size_t bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    spill(path, bytes);
    return error_of<DamagedFile>([&] { check_zip(path); });
  };
  for (size_t bit = 8 * data[0]; bit < 8 * (data[0] + 10); ++bit)
    EXPECT_TRUE(flipped(bit).starts_with(path + " is damaged: the checksum of its member a is "));
  for (size_t bit = 8 * data[1]; bit < 8 * (data[1] + 4); ++bit)
    EXPECT_TRUE(
        flipped(bit).starts_with(path + " is damaged: the checksum of its member b/code.py"))
        << bit;
}

TEST(ZipCheck, LargeMembersArePassedInBlocks) {
  const TestFolder folder;
  const auto path = (folder / "m.pt").string();
  std::string large(3'000'000, '\0');
  uint32_t state = 1;
  for (char& c : large) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  spill(path, zip_of({{"stored", large},
                      {"packed", large, true},
                      {"flat", std::string(large.size(), 'a'), true}}));
  EXPECT_NO_THROW(check_zip(path));
}

TEST(ZipCheck, WhatClaimsNothingIsTaken) {
  const TestFolder folder;
  const auto path = (folder / "m.pt").string();
  spill(path, zip_of({{"a", "some bytes", false, /*without_crc=*/true}}));
  EXPECT_NO_THROW(check_zip(path));
  for (const std::string& other : {std::string(), std::string("no zip file"), zip_of({}),
                                   zip_of({{"a", "b"}}).substr(0, 40)}) {
    spill(path, other);
    EXPECT_NO_THROW(check_zip(path));
  }
  EXPECT_NO_THROW(check_zip((folder / "none").string()));
}

}  // namespace
}  // namespace valley::zip_check_test
