#include "valley/report/timeline.h"

#include <gtest/gtest.h>

namespace valley::timeline_test {
namespace {

Json span(int worker, const char* name, double begin, double seconds, int step = 0) {
  return {{"ph", "X"},         {"name", name},         {"pid", worker},           {"tid", 0},
          {"ts", 1e6 * begin}, {"dur", 1e6 * seconds}, {"args", {{"step", step}}}};
}

Json trace(std::vector<Json> events) { return {{"traceEvents", std::move(events)}}; }

TEST(TimelineOf, SecondsSharesAndWindow) {
  ReportLimits limits;
  limits.buckets = 4;
  const Json timeline =
      timeline_of(trace({span(0, "compute", 0, 4, 7), span(1, "compute", 0, 1, 7),
                         span(1, "wait", 1, 2.5, 7), span(1, "communicate", 3.5, 0.5, 7)}),
                  limits);
  EXPECT_EQ(timeline["seconds"], 4.0);
  EXPECT_EQ(timeline["dropped"], 0);
  EXPECT_EQ(timeline["workers"][1], Json::parse(R"({"compute":1.0,"communicate":0.5,"wait":2.5,
      "data":0.0,"evaluate":0.0})"));
  EXPECT_EQ(timeline["shares"]["seconds"], 1.0);
  EXPECT_EQ(timeline["shares"]["wait"], Json::parse("[[0.0,0.0,0.0,0.0],[0.0,1.0,1.0,0.5]]"));
  EXPECT_EQ(timeline["shares"]["communicate"][1], Json({0.0, 0.0, 0.0, 0.5}));
  EXPECT_EQ(timeline["window"]["begin"], 0.0);
  EXPECT_EQ(timeline["window"]["end"], 4.0);
  EXPECT_EQ(timeline["window"]["spans"][0], Json::parse("[0,0,0.0,4.0,7]"));
  EXPECT_EQ(timeline["window"]["spans"].size(), 4);
}

// Ten computations with an evaluation in the middle: the window lies beside it.
TEST(TimelineOf, WindowAvoidsEvaluations) {
  std::vector<Json> events;
  for (int i = 0; i < 10; ++i) events.push_back(span(0, "compute", i < 5 ? i : i + 3, 1, i));
  events.push_back(span(0, "evaluate", 5, 3));
  ReportLimits limits;
  limits.window = 3;
  const Json window = timeline_of(trace(events), limits)["window"];
  EXPECT_EQ(window["spans"].size(), 3);
  for (const Json& shown : window["spans"]) EXPECT_EQ(shown[1], 0);
  EXPECT_EQ(window["begin"], 2.0);
}

// The window lies beside a probe as well, and only who has probed is said to have.
TEST(TimelineOf, Probes) {
  std::vector<Json> events;
  for (int i = 0; i < 10; ++i) events.push_back(span(0, "compute", i < 5 ? i : i + 3, 1, i));
  events.push_back(span(0, "probe", 5, 3));
  events.push_back(span(1, "compute", 0, 1));
  ReportLimits limits;
  limits.window = 3;
  const Json timeline = timeline_of(trace(events), limits);
  EXPECT_EQ(timeline["workers"][0]["probe"], 3.0);
  EXPECT_FALSE(timeline["workers"][1].contains("probe"));
  EXPECT_EQ(timeline["window"]["begin"], 2.0);
}

TEST(TimelineOf, TellsOfDroppedSpansAndSkipsWhatItDoesNotKnow) {
  Json dropped = span(0, "not recorded", 2, 1);
  dropped["args"] = {{"spans", 17}};
  const Json timeline = timeline_of(trace({span(0, "compute", 0, 2),
                                           dropped,
                                           {{"ph", "M"}, {"name", "process_name"}, {"pid", 0}},
                                           span(0, "garbage", 0, 50),
                                           Json("text")}),
                                    {});
  EXPECT_EQ(timeline["dropped"], 17);
  EXPECT_EQ(timeline["seconds"], 2.0);
}

TEST(TimelineOf, DrawsTheFirstOfVeryManyWorkers) {
  std::vector<Json> events;
  for (int worker = 0; worker < 5; ++worker) events.push_back(span(worker, "compute", 0, 1));
  ReportLimits limits;
  limits.bar_workers = 2;
  const Json timeline = timeline_of(trace(events), limits);
  EXPECT_EQ(timeline["workers"].size(), 5);
  EXPECT_EQ(timeline["shares"]["wait"].size(), 2);
  EXPECT_EQ(timeline["window"]["spans"].size(), 2);
}

TEST(TimelineOf, NullWithoutSpans) {
  EXPECT_TRUE(timeline_of(Json::object(), {}).is_null());
  EXPECT_TRUE(timeline_of(trace({}), {}).is_null());
  EXPECT_TRUE(timeline_of({{"traceEvents", 3}}, {}).is_null());
}

TEST(StragglerSentence, NamesTheOneTheOthersWaitFor) {
  const std::vector<WorkerSeconds> workers = {
      {2.0, 0.1, 2.0, 0, 0}, {4.0, 0.1, 0.0, 0, 0}, {2.0, 0.1, 2.0, 0, 0}, {2.0, 0.1, 2.0, 0, 0}};
  EXPECT_EQ(straggler_sentence(workers),
            "Worker 1 is a straggler: it computed for 4.00 s, the median worker for 2.00 s, and "
            "the others waited 2.00 s each, 49 % of their training time.");
}

TEST(StragglerSentence, NamesSeveral) {
  std::vector<WorkerSeconds> workers(5, {2.0, 0, 2.0, 0, 0});
  workers[0] = {3.0, 0, 1.0, 0, 0};
  workers[3] = {4.0, 0, 0.0, 0, 0};
  EXPECT_EQ(straggler_sentence(workers),
            "Workers 0, 3 are stragglers: the slowest, 3, computed for 4.00 s, the median worker "
            "for 2.00 s, and the others waited 2.00 s each, 50 % of their training time.");
}

TEST(StragglerSentence, NobodyWhereNobodyWaits) {
  const std::string even =
      "No straggler: the workers' computing times lie between 2.00 s and 4.00 s, and waiting for "
      "each other took 0.0 % of their training time.";
  EXPECT_EQ(straggler_sentence({{2, 0, 0, 0, 0}, {2, 0, 0, 0, 0}, {4, 0, 0, 0, 0}}), even)
      << "slow, but nobody waits for it: a method without rounds";
  EXPECT_EQ(straggler_sentence({{2, 0, 0, 0, 9}, {2, 0, 0, 0, 9}}).substr(0, 14), "No straggler: ");
  EXPECT_EQ(straggler_sentence({{2, 0, 0, 0, 0}}), "");
  EXPECT_EQ(straggler_sentence({{}, {}}), "");
}

TEST(WorkerSeconds, ComeFromTheTimeline) {
  const auto workers = worker_seconds(timeline_of(trace({span(0, "data", 0, 3)}), {}));
  ASSERT_EQ(workers.size(), 1);
  EXPECT_EQ(workers[0].data, 3);
  EXPECT_TRUE(worker_seconds(nullptr).empty());
}

}  // namespace
}  // namespace valley::timeline_test
