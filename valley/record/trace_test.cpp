#include "valley/record/trace.h"

#include <nlohmann/json.hpp>

#include "valley/core/testing/test_folder.h"
#include "valley/record/json_file.h"

namespace valley::trace_test {
namespace {

Json spans_of(const Json& trace, int worker) {
  Json spans = Json::array();
  for (const auto& event : trace["traceEvents"])
    if (event["ph"] == "X" && event["pid"] == worker) spans.push_back(event);
  return spans;
}

TEST(Trace, HoldsEveryWorkersSpansInMicroseconds) {
  TestFolder folder;
  TraceRecorder a(0), b(1);
  const double start = now_seconds();
  a.restart_clock();
  const double offset = now_seconds() - start;
  ASSERT_GE(offset, 0);
  a.add(Phase::kCompute, start + 1, start + 1.5, 12);
  a.add(Phase::kWait, start + 1.5, start + 1.75);
  b.add(Phase::kCommunicate, start, start + 0.001, 3);
  write_trace(folder / "trace.json", {a.serialize(), b.serialize()});

  const Json trace = read_json(folder / "trace.json");
  const Json first = spans_of(trace, 0);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0]["name"], "compute");
  EXPECT_EQ(first[0]["tid"], 0);
  EXPECT_EQ(first[0]["args"]["step"], 12);
  EXPECT_NEAR(first[0]["ts"].get<double>(), 1e6, offset * 1e6 + 0.01);
  EXPECT_NEAR(first[0]["dur"].get<double>(), 5e5, 0.01);
  EXPECT_EQ(first[1]["name"], "wait");
  EXPECT_EQ(first[1]["tid"], 1);
  EXPECT_FALSE(first[1].contains("args"));
  const Json second = spans_of(trace, 1);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0]["name"], "communicate");
  EXPECT_NEAR(second[0]["dur"].get<double>(), 1000, 0.01);

  std::vector<std::string> names;
  for (const auto& event : trace["traceEvents"])
    if (event["ph"] == "M" && event["name"] == "process_name")
      names.push_back(event["args"]["name"]);
  EXPECT_EQ(names, (std::vector<std::string>{"worker 0", "worker 1"}));
}

TEST(Trace, KeepsTheFirstAndTheLastSpansAndCountsTheRest) {
  TraceRecorder recorder(0, 3, 4);
  const double start = now_seconds();
  recorder.restart_clock();
  for (int i = 0; i < 100; ++i) {
    recorder.add(Phase::kCompute, start + i, start + i + 1, i);
    EXPECT_EQ(recorder.dropped(), std::max(0, i + 1 - 7));
  }
  const Json spans = spans_of(Json::parse(trace_json({recorder.serialize()})), 0);
  ASSERT_EQ(spans.size(), 8u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(spans[i]["args"]["step"], i);
  EXPECT_EQ(spans[3]["name"], "not recorded");
  EXPECT_EQ(spans[3]["args"]["spans"], 93);
  EXPECT_NEAR(spans[3]["dur"].get<double>(), 93e6, 1);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spans[4 + i]["args"]["step"], 96 + i);
}

TEST(Trace, NothingDroppedAndNothingRecorded) {
  TraceRecorder recorder(0, 2, 2);
  EXPECT_EQ(spans_of(Json::parse(trace_json({recorder.serialize()})), 0).size(), 0u);
  for (int i = 0; i < 4; ++i) recorder.add(Phase::kData, 0, 1, i);
  const Json spans = spans_of(Json::parse(trace_json({recorder.serialize()})), 0);
  ASSERT_EQ(spans.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spans[i]["args"]["step"], i);
  EXPECT_EQ(Json::parse(trace_json({}))["traceEvents"].size(), 0u);
}

TEST(Trace, ItsZeroAndItsWorkerMayBeOthers) {
  TraceRecorder recorder(3);
  recorder.add(Phase::kCompute, 101, 102, 7);
  recorder.set_worker(1);
  recorder.set_label("a clock of its own");
  const double before = now_seconds();
  recorder.mark("a group of 2");
  const Json trace = Json::parse(trace_json({recorder.serialize(100)}));
  const Json spans = spans_of(trace, 1);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_NEAR(spans[0]["ts"].get<double>(), 1e6, 0.01);
  std::vector<std::string> others;
  for (const auto& event : trace["traceEvents"]) {
    if (event["name"] == "process_labels") others.push_back(event["args"]["labels"]);
    if (event["ph"] != "i") continue;
    others.push_back(event["name"]);
    EXPECT_EQ(event["pid"], 1);
    EXPECT_GE(event["ts"].get<double>(), (before - 100) * 1e6 - 0.01);
  }
  EXPECT_EQ(others, (std::vector<std::string>{"a clock of its own", "a group of 2"}));
}

TEST(Trace, AScopeIsASpan) {
  TraceRecorder recorder(2);
  { const TraceScope scope(&recorder, Phase::kEvaluate, 5); }
  { const TraceScope scope(nullptr, Phase::kEvaluate); }
  const Json spans = spans_of(Json::parse(trace_json({recorder.serialize()})), 2);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0]["name"], "evaluate");
  EXPECT_GE(spans[0]["ts"].get<double>(), 0);
}

TEST(Trace, PhasesHaveNames) {
  EXPECT_EQ(name(Phase::kCompute), "compute");
  EXPECT_EQ(name(Phase::kCommunicate), "communicate");
  EXPECT_EQ(name(Phase::kWait), "wait");
  EXPECT_EQ(name(Phase::kData), "data");
  EXPECT_EQ(name(Phase::kEvaluate), "evaluate");
  EXPECT_EQ(name(Phase::kProbe), "probe");
}

}  // namespace
}  // namespace valley::trace_test
