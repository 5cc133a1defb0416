#include "valley/record/metrics.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "valley/core/testing/test_folder.h"

namespace valley {
namespace {

TEST(Metrics, OneObjectALineInTheOrderOfTheKeys) {
  TestFolder folder;
  MetricsWriter metrics(folder / "m");
  metrics.append({{"step", 1}, {"loss", 0.1}, {"worker", "mean"}});
  EXPECT_EQ(slurp(folder / "m"), "{\"step\":1,\"loss\":0.1,\"worker\":\"mean\"}\n");
  metrics.append({{"step", 2}, {"loss", 1.0}, {"worker", 3}});
  metrics.sync();
  EXPECT_EQ(slurp(folder / "m"),
            "{\"step\":1,\"loss\":0.1,\"worker\":\"mean\"}\n"
            "{\"step\":2,\"loss\":1.0,\"worker\":3}\n");
  const auto records = read_metrics(folder / "m");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1]["worker"], 3);
}

TEST(Metrics, WhatJsonCannotHoldBecomesNull) {
  TestFolder folder;
  MetricsWriter metrics(folder / "m");
  const double infinity = std::numeric_limits<double>::infinity();
  metrics.append({{"a", std::nan("")}, {"b", infinity}, {"c", {-infinity, 1}}, {"d", "x\xff"}});
  EXPECT_EQ(slurp(folder / "m"),
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
  EXPECT_EQ(slurp(folder / "m"), "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n");
}

TEST(Metrics, ResumeWithoutAFileBeginsOne) {
  TestFolder folder;
  MetricsWriter::resume(folder / "m", 5).append({{"step", 6}});
  EXPECT_EQ(slurp(folder / "m"), "{\"step\":6}\n");
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
  spill(path, "1\n{}\n");
  EXPECT_EQ(error_of<UsageError>([&] { MetricsWriter::resume(path, 1); }),
            path.string() + ":1 is no JSON object");
}

TEST(Metrics, AFullDiskIsAnIoErrorAndLeavesWholeLines) {
  TestFolder folder;
  const auto path = folder / "m";
  MetricsWriter metrics(path);
  metrics.append({{"step", 1}});
  {
    const FileSizeLimit limit(15);
    EXPECT_EQ(error_of<IoError>([&] {
                metrics.append({{"step", 2}});
              }),
              "cannot write " + path.string() + ": File too large");
  }
  EXPECT_EQ(slurp(path), "{\"step\":1}\n");
}

}  // namespace
}  // namespace valley
