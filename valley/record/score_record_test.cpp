#include "valley/record/score_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace valley::score_record_test {
namespace {

const ScoreSheet kSquares = {
    .task = "squares",
    .scores = {{.name = "loss"},
               {.name = "mse"},
               {.name = "hits", .more_is_better = true, .is_share = true, .short_name = "h"}},
    .headline = 1,
    .chance = "the mean alone"};

TEST(ScoreRecord, SaysWhatTheScoresAre) {
  Json record = {{"step", 4}};
  add_sheet(record, kSquares);
  add_scores(record, kSquares, "test", {{{"loss", 0.5}, {"mse", 1}, {"hits", 0.25}}});
  EXPECT_EQ(record["test_mse"], 1);
  const ScoreSheet read = sheet_of(Json::parse(record.dump()));
  EXPECT_EQ(read.task, "squares");
  EXPECT_EQ(read.chance, "the mean alone");
  ASSERT_EQ(read.scores.size(), 3u);
  EXPECT_EQ(read.main().name, "mse");
  EXPECT_FALSE(read.main().more_is_better);
  EXPECT_TRUE(read.scores[2].more_is_better);
  EXPECT_TRUE(read.scores[2].is_share);
  EXPECT_EQ(read.scores[2].short_name, "h");
}

// There was no other task when the first records were written, and they stay as they were.
TEST(ScoreRecord, ThoseOfClassificationSayNothing) {
  Json record = Json::object();
  add_sheet(record, classification_scores());
  EXPECT_TRUE(record.empty());
  EXPECT_EQ(sheet_of(record).main().name, "accuracy");
}

TEST(ScoreRecord, WhatIsNotWholeCountsAsNothing) {
  for (const char* text : {R"([])", R"({"task":3})", R"({"task":{"name":"a"}})",
                           R"({"task":{"name":"a","headline":"b","scores":[]}})",
                           R"({"task":{"name":"a","headline":"b","scores":[{"name":"b"}]}})"}) {
    EXPECT_EQ(sheet_of(Json::parse(text)).task, "classification") << text;
  }
}

}  // namespace
}  // namespace valley::score_record_test
