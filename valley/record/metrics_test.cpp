#include "valley/record/metrics.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <regex>

#include "valley/core/checksum.h"
#include "valley/core/crc32c.h"
#include "valley/core/testing/test_folder.h"

namespace valley::metrics_test {
namespace {

// The lines without their checksums, which each must have as its last member.
std::string without_checksums(const std::filesystem::path& path) {
  static const std::regex member(",?\"crc32c\":\"[0-9a-f]{8}\"\\}\n");
  return std::regex_replace(slurp(path), member, "}\n");
}

TEST(Metrics, OneObjectALineInTheOrderOfTheKeys) {
  TestFolder folder;
  MetricsWriter metrics(folder / "m");
  metrics.append({{"step", 1}, {"loss", 0.1}, {"worker", "mean"}});
  EXPECT_EQ(slurp(folder / "m"),
            fmt::format("{{\"step\":1,\"loss\":0.1,\"worker\":\"mean\",\"crc32c\":\"{:08x}\"}}\n",
                        crc32c("{\"step\":1,\"loss\":0.1,\"worker\":\"mean\"}")));
  metrics.append({{"step", 2}, {"loss", 1.0}, {"worker", 3}});
  metrics.sync();
  EXPECT_EQ(without_checksums(folder / "m"),
            "{\"step\":1,\"loss\":0.1,\"worker\":\"mean\"}\n"
            "{\"step\":2,\"loss\":1.0,\"worker\":3}\n");
  const auto records = read_metrics(folder / "m");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1], (Json{{"step", 2}, {"loss", 1.0}, {"worker", 3}}));
}

TEST(Metrics, WhatJsonCannotHoldBecomesNull) {
  TestFolder folder;
  MetricsWriter metrics(folder / "m");
  const double infinity = std::numeric_limits<double>::infinity();
  metrics.append({{"a", std::nan("")}, {"b", infinity}, {"c", {-infinity, 1}}, {"d", "x\xff"}});
  EXPECT_EQ(without_checksums(folder / "m"),
            "{\"a\":null,\"b\":null,\"c\":[null,1],\"d\":\"x\xEF\xBF\xBD\"}\n");
}

TEST(Metrics, AResumedFileEqualsTheUninterruptedOne) {
  TestFolder folder;
  const auto write = [](MetricsWriter& metrics, int from, int to) {
    for (int step = from; step <= to; ++step) {
      metrics.append({{"step", step}, {"worker", 0}, {"loss", 1.0 / step}});
      metrics.append({{"step", step}, {"worker", "mean"}, {"loss", 1.0 / step}});
    }
  };
  MetricsWriter whole(folder / "whole");
  whole.append({{"event", "begin"}});
  write(whole, 1, 10);

  for (const char* torn : {"", "{\"step\":8,\"wor", "{", "\n", "7"}) {
    MetricsWriter first(folder / "m");
    first.append({{"event", "begin"}});
    write(first, 1, 7);
    spill(folder / "m", slurp(folder / "m") + torn);
    MetricsWriter second = MetricsWriter::resume(folder / "m", 5);
    write(second, 6, 10);
    EXPECT_EQ(slurp(folder / "m"), slurp(folder / "whole")) << torn;
    std::filesystem::remove(folder / "m");
  }
}

TEST(Metrics, AWholeLastLineWithoutItsNewlineStays) {
  TestFolder folder;
  spill(folder / "m", "{\"step\":1}\n{\"step\":2}");
  MetricsWriter::resume(folder / "m", 2).append({{"step", 3}});
  EXPECT_EQ(without_checksums(folder / "m"), "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

TEST(Metrics, ResumeWithoutAFileBeginsOne) {
  TestFolder folder;
  MetricsWriter::resume(folder / "m", 5).append({{"step", 6}});
  EXPECT_EQ(without_checksums(folder / "m"), "{\"step\":6}\n");
}

TEST(Metrics, ReadLeavesOutATornLastLine) {
  TestFolder folder;
  spill(folder / "m", "{\"step\":1}\n{\"st");
  EXPECT_EQ(read_metrics(folder / "m").size(), 1u);
  spill(folder / "m", "");
  EXPECT_EQ(read_metrics(folder / "m").size(), 0u);
}

TEST(Metrics, ABrokenLineInTheMiddleIsNamed) {
  TestFolder folder;
  const auto path = folder / "m";
  spill(path, "{\"step\":1}\n{\"st\n{\"step\":3}\n");
  EXPECT_EQ(error_of<UsageError>([&] { read_metrics(path); }),
            path.string() + ":2 is no JSON object");
  spill(path, "{}\n{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}\n{}\n");
  EXPECT_EQ(error_of<UsageError>([&] { read_metrics(path); }),
            path.string() + ":2 nests lists more than 100 deep");
  EXPECT_EQ(MetricsWriter::resume(path, 4).damaged_lines(), 1);
}

TEST(Metrics, AFlippedBitIsFound) {
  TestFolder folder;
  const auto path = folder / "m";
  MetricsWriter(path).append({{"step", 1}, {"loss", 0.1}});
  const std::string whole = slurp(path) + "{\"step\":2}\n";  // of a version without checksums
  for (size_t bit = 0; bit < 8 * (whole.find('\n') + 1); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    spill(path, bytes);
    const std::string text = error_of<DamagedFile>([&] { read_metrics(path); });
    EXPECT_TRUE(text.starts_with(path.string() + ":1 ") || text.starts_with(path.string() + ":2 "))
        << bit << " " << text;
  }
}

// They are not needed to go on.
TEST(Metrics, ResumePutsDamagedLinesAside) {
  TestFolder folder;
  const auto path = folder / "m";
  MetricsWriter metrics(path);
  for (int step = 1; step <= 4; ++step) metrics.append({{"step", step}});
  EXPECT_EQ(MetricsWriter::resume(path, 4).damaged_lines(), 0);
  std::string bytes = slurp(path);
  bytes[bytes.find("2,")] = '3';
  bytes.insert(bytes.find("{\"step\":4"), "what\n");
  spill(path, bytes);
  EXPECT_EQ(MetricsWriter::resume(path, 3).damaged_lines(), 2);
  EXPECT_EQ(without_checksums(path), "{\"step\":1}\n{\"step\":3}\n");
  EXPECT_EQ(without_checksums(path.string() + ".damaged"), "{\"step\":3}\nwhat\n");
  EXPECT_EQ(MetricsWriter::resume(path, 3).damaged_lines(), 0);
  // Something else by that name is left alone.
  spill(path, "1\n2\n");
  EXPECT_EQ(error_of<UsageError>([&] { MetricsWriter::resume(path, 1); }),
            path.string() + ":1 is no JSON object");
  EXPECT_EQ(slurp(path), "1\n2\n");
}

TEST(Metrics, AFullDiskIsAnIoErrorAndLeavesWholeLines) {
  TestFolder folder;
  const auto path = folder / "m";
  MetricsWriter metrics(path);
  metrics.append({{"step", 1}});
  {
    const FileSizeLimit limit(40);
    EXPECT_EQ(error_of<IoError>([&] {
                metrics.append({{"step", 2}});
              }),
              "cannot write " + path.string() + ": File too large");
  }
  EXPECT_EQ(without_checksums(path), "{\"step\":1}\n");
}

}  // namespace
}  // namespace valley::metrics_test
