#include "valley/report/curves_data.h"

#include <gtest/gtest.h>

namespace valley::curves_data_test {
namespace {

TEST(CurvesOf, SortsRecordsIntoRoundsEpochsAndEvaluations) {
  const std::vector<Json> records = {
      {{"epoch", 0.5},
       {"worker", "mean"},
       {"distances", {1.0, 3.0}},
       {"valley_width", 2.0},
       {"predicted_width", 5.0},
       {"period", 4},
       {"lr", 0.1}},
      {{"epoch", 1.0}, {"worker", 0}, {"loss", 2.0}, {"lr", 0.1}},
      {{"epoch", 1.0}, {"worker", 1}, {"loss", 4.0}, {"lr", 0.1}},
      {{"epoch", 1.0}, {"worker", "mean"}, {"test_accuracy", 0.5}, {"comm_bytes", 400}}};
  const Json curves = curves_of(records, classification_scores(), {});
  EXPECT_EQ(curves["rounds"], Json::parse(R"({"epoch":[0.5],"highest":[3.0],"lowest":[1.0],
      "lr":[0.1],"period":[4.0],"predicted":[5.0],"width":[2.0]})"));
  EXPECT_EQ(curves["epochs"], Json::parse(R"({"epoch":[1.0],"highest":[4.0],"loss":[3.0],
      "lowest":[2.0],"lr":[0.1]})"));
  EXPECT_EQ(curves["evaluations"],
            Json::parse(R"({"comm_bytes":[400.0],"epoch":[1.0],"test_accuracy":[0.5]})"));
  EXPECT_TRUE(curves["kept"].empty());
}

TEST(CurvesOf, GapsWhereARecordHasNoNumber) {
  const std::vector<Json> records = {
      {{"epoch", 1.0}, {"worker", 0}, {"loss", 2.0}},
      {{"epoch", 1.0}, {"worker", 1}, {"loss", nullptr}},
      {{"epoch", 1.0}, {"worker", "mean"}, {"test_loss", 1.5}},
      {{"epoch", 2.0}, {"worker", "mean"}, {"test_accuracy", 0.25}},
      {{"epoch", nullptr}, {"worker", "mean"}, {"test_accuracy", 0.75}},
      {{"note", "not a measurement"}}};
  const Json curves = curves_of(records, classification_scores(), {});
  EXPECT_FALSE(curves["epochs"].contains("loss")) << "no mean of some of the workers";
  EXPECT_EQ(curves["epochs"]["lowest"], Json({2.0}));
  EXPECT_EQ(curves["evaluations"]["test_loss"], Json({1.5, nullptr}));
  EXPECT_EQ(curves["evaluations"]["test_accuracy"], Json({nullptr, 0.25}));
}

TEST(CurvesOf, ThinsLongCurvesAndSaysSo) {
  std::vector<Json> records;
  for (int i = 0; i <= 100; ++i) {
    records.push_back({{"epoch", i}, {"worker", "mean"}, {"test_loss", 2.0 * i}});
  }
  ReportLimits limits;
  limits.points = 5;
  const Json curves = curves_of(records, classification_scores(), limits);
  EXPECT_EQ(curves["evaluations"]["epoch"], Json({0.0, 25.0, 50.0, 75.0, 100.0}));
  EXPECT_EQ(curves["evaluations"]["test_loss"], Json({0.0, 50.0, 100.0, 150.0, 200.0}));
  EXPECT_EQ(curves["kept"], Json::parse(R"({"evaluations":[101,5]})"));
}

TEST(CurvesOf, ProbesBySteps) {
  const std::vector<Json> records = {
      Json::parse(R"({"step":4,"epoch":1,"worker":"mean","probe":{"width":1.5,"distances":[1,2],
          "rate":{"total":{"value":0.5,"standard_error":0.25}},"note":"a word"}})"),
      Json::parse(R"({"step":8,"epoch":2,"worker":"mean","test_loss":3,"probe":{"width":null,
          "rate":{"total":{"value":0.75,"standard_error":null}},"late":7}})"),
      Json::parse(R"({"epoch":3,"worker":"mean","probe":{"width":2}})")};
  const Json curves = curves_of(records, classification_scores(), {});
  EXPECT_EQ(curves["probes"], Json::parse(R"({
      "late":{"step":[8.0],"value":[7.0]},
      "rate/total":{"error":[0.25,null],"step":[4.0,8.0],"value":[0.5,0.75]},
      "width":{"step":[4.0,8.0],"value":[1.5,null]}})"));
  EXPECT_EQ(curves["evaluations"], Json::parse(R"({"epoch":[2.0],"test_loss":[3.0]})"))
      << "a record of a probe alone is no evaluation";
}

TEST(CurvesOf, ProbesAreThinnedMore) {
  std::vector<Json> records;
  for (int i = 0; i <= 100; ++i) {
    records.push_back(
        {{"step", i}, {"epoch", i}, {"worker", "mean"}, {"probe", {{"width", 2.0 * i}}}});
  }
  ReportLimits limits;
  limits.points = 12;
  const Json curves = curves_of(records, classification_scores(), limits);
  EXPECT_EQ(curves["probes"]["width"]["step"], Json({0.0, 50.0, 100.0}));
  EXPECT_EQ(curves["kept"], Json::parse(R"({"probe/width":[101,3]})"));
}

TEST(CurvesOf, NothingFromNothing) {
  EXPECT_EQ(curves_of({}, classification_scores(), {}),
            Json::parse(R"({"rounds":{},"epochs":{},"evaluations":{},"kept":{}})"));
}

}  // namespace
}  // namespace valley::curves_data_test
