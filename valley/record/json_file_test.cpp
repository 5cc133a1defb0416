#include "valley/record/json_file.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "valley/core/checksum.h"
#include "valley/core/crc32c.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/json_checksum.h"

namespace valley::json_file_test {
namespace {

Json example() {
  return {{"status", "finished"},
          {"loss", 0.1},
          {"steps", 12},
          {"big", 1e300},
          {"seconds", {{"total", -0.0}, {"list", {1, 2.5, nullptr, true}}}},
          {"text", "\"ü\n"},
          {"empty", Json::object()}};
}

TEST(JsonFile, AnObjectHasAChecksumAndComesBackWithout) {
  const TestFolder folder;
  const auto path = folder / "a.json";
  write_json(path, example());
  const Json raw = Json::parse(slurp(path));
  EXPECT_EQ(raw.back(), fmt::format("{:08x}", crc32c(to_line(example()))));
  EXPECT_EQ(to_line(read_json(path)), to_line(example()));
  // Another program may indent it anew, and it may be written again.
  spill(path, raw.dump());
  EXPECT_EQ(to_line(read_json(path)), to_line(example()));
  write_json(path, raw);
  EXPECT_EQ(to_line(read_json(path)), to_line(example()));
  write_json(path, Json::object());
  EXPECT_EQ(read_json(path), Json::object());
}

TEST(JsonFile, WhatJsonCannotHoldHasTheChecksumOfWhatStandsInItsPlace) {
  const TestFolder folder;
  const auto path = folder / "a.json";
  write_json(path, {{"a", std::nan("")}, {"b", "x\xff"}});
  EXPECT_EQ(to_line(read_json(path)), "{\"a\":null,\"b\":\"x\xEF\xBF\xBD\"}");
}

TEST(JsonFile, AFlippedBitIsFoundOrChangesNothing) {
  const TestFolder folder;
  const auto path = folder / "a.json";
  write_json(path, example());
  const std::string whole = slurp(path);
  int found = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    spill(path, bytes);
    try {
      EXPECT_EQ(to_line(read_json(path)), to_line(example())) << bit;
    } catch (const DamagedFile&) {
      ++found;
    }
  }
  EXPECT_GT(found, 7 * static_cast<int>(whole.size()) / 2);
}

TEST(JsonFile, DamageIsNamed) {
  const TestFolder folder;
  const auto path = folder / "a.json";
  const auto error = [&](const std::string& text) {
    spill(path, text);
    return error_of<DamagedFile>([&] { read_json(path); });
  };
  const std::string name = path.string();
  EXPECT_EQ(error("{\"a\":1,\"crc32c\":\"00000000\"}"),
            fmt::format("{} is damaged: its checksum is 00000000, that of its content {:08x}", name,
                        crc32c("{\"a\":1}")));
  EXPECT_EQ(error("{\"a\":1,\"crc32c\":3}"), name + " is damaged: its checksum is 3");
  EXPECT_EQ(error("{\"a\":1,\"crc32b\":\"00000000\"}"),
            name + " is damaged: 'crc32b' stands for crc32c");
  EXPECT_EQ(error("{\"a\":1e999}"), name + " is not JSON: it holds a number that is too large");
  EXPECT_EQ(error("{\"crc32c\":" + std::string(1'000'000, '[')),
            name + " nests lists more than 100 deep");
  EXPECT_EQ(error("{"), name + " is not JSON: it breaks at byte 2 of 1");
}

TEST(JsonFile, WithoutAChecksumNothingIsClaimed) {
  const TestFolder folder;
  const auto path = folder / "a.json";
  for (const char* text : {"{\"a\":1}", "[1,2]", "3", "{}"}) {
    spill(path, text);
    EXPECT_EQ(read_json(path), Json::parse(text));
  }
  write_json(path, Json::array({1, 2}));
  EXPECT_EQ(read_json(path), Json::array({1, 2}));
}

}  // namespace
}  // namespace valley::json_file_test
