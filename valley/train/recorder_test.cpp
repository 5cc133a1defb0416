#include "valley/train/recorder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/train/testing/small_training.h"

namespace valley::recorder_test {
namespace {

namespace fs = std::filesystem;

bool has_events(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) {
      return fs::file_size(entry.path()) > 100;
    }
  }
  return false;
}

TEST(Recorder, NamesOnceAWorkerWhoseLossRunsAwayFromTheOthers) {
  const TestFolder folder;
  std::vector<std::string> told;
  run_threads(3, [&](Communicator& comm) {
    Recorder recorder(comm, folder.path().string(), -1);
    const auto after = [&](int64_t step, std::vector<double> losses) {
      recorder.epoch(step, 1, losses[static_cast<size_t>(comm.rank())], 0.1);
      recorder.flush();
      const std::string text = recorder.take_stray();
      if (comm.rank() == 0) told.push_back(text);
      EXPECT_TRUE(comm.rank() == 0 || text.empty());
    };
    after(4, {0.5, 1.5, 0.6});  // not three times the median of 0.5 and 0.6
    after(8, {0.5, 0.6, 2});
    after(12, {0.5, 0.6, 3});  // told already
  });
  EXPECT_EQ(told,
            (std::vector<std::string>{
                "", "worker 2's mean loss is 2 at step 8, the median of the others' 0.6", ""}));
}

TEST(Recorder, KeepsWhatWorkerZeroDoesNotHaveYetForTheNextGroup) {
  const TestFolder folder;
  KeptRecord kept[2];
  run_threads(2, [&](Communicator& comm) {
    KeptRecord& mine = kept[comm.rank()];
    {
      Recorder recorder(comm, folder.path().string(), -1, &mine);
      recorder.epoch(4, 1, 0.5, 0.1);
      recorder.flush();
      recorder.epoch(8, 2, 0.4, 0.1);
      recorder.epoch(12, 3, 0.3, 0.1);  // is taken back
      recorder.start_trace();
      recorder.trace()->add(Phase::kCompute, now_seconds(), now_seconds(), 11);
    }
    EXPECT_EQ(mine.notes.size(), 3u);  // the first may not have been written
    comm.barrier();
    Recorder recorder(comm, folder.path().string(), 8, &mine);
    recorder.group(8, 2, 2);
    recorder.start_trace();
    recorder.trace()->mark("another group");
    recorder.trace()->add(Phase::kCompute, now_seconds(), now_seconds(), 12);
    recorder.finish();
  });
  std::vector<std::string> events;
  double last = 0;
  const Json trace = read_json(folder / "trace.json");
  for (const Json& event : trace.at("traceEvents")) {
    if (event["ph"] == "M") continue;
    events.push_back(
        fmt::format("{}: {}", event["pid"].get<int>(), event["name"].get<std::string>()));
    last = std::max(last, event["ts"].get<double>());
    EXPECT_GE(event["ts"].get<double>(), 0);
  }
  EXPECT_THAT(events,
              testing::UnorderedElementsAre("0: compute", "0: another group", "0: compute",
                                            "1: compute", "1: another group", "1: compute"));
  EXPECT_GT(last, 0);
  std::vector<std::string> lines;
  for (const Json& record : read_metrics(folder / "metrics.jsonl")) lines.push_back(record.dump());
  EXPECT_EQ(lines,
            (std::vector<std::string>{R"({"step":4,"epoch":1.0,"worker":0,"loss":0.5,"lr":0.1})",
                                      R"({"step":4,"epoch":1.0,"worker":1,"loss":0.5,"lr":0.1})",
                                      R"({"step":8,"epoch":2.0,"worker":0,"loss":0.4,"lr":0.1})",
                                      R"({"step":8,"epoch":2.0,"worker":1,"loss":0.4,"lr":0.1})",
                                      R"({"step":8,"epoch":2.0,"worker":"mean","workers":2})"}));
}

TEST(Recorder, BringsTheWorkersNotesTogether) {
  const TestFolder folder;
  run_threads(3, [&](Communicator& comm) {
    Recorder recorder(comm, folder.path().string(), -1);
    EXPECT_TRUE(recorder.active());
    for (int64_t step = 2; step <= 4; step += 2) {
      recorder.round(step, step / 4.0, step / 2, 2, 0.1,
                     {.distance = double(step * 10 + comm.rank()),
                      .figures = {{"pull", 0.5}, {"push", 1}, {"predicted_width", 2}}});
    }
    recorder.epoch(4, 1, 0.25 + comm.rank(), 0.1);
    recorder.mean({{"step", 4}, {"worker", "mean"}, {"test_loss", 0.5}});
    EXPECT_TRUE(comm.rank() != 0 || read_metrics(folder / "metrics.jsonl").empty());
    recorder.flush();
    recorder.flush();  // nothing twice
    recorder.trace()->add(Phase::kCompute, now_seconds(), now_seconds(), comm.rank());
    recorder.finish();
  });
  std::vector<std::string> lines;
  for (const Json& record : read_metrics(folder / "metrics.jsonl")) lines.push_back(record.dump());
  EXPECT_EQ(
      lines,
      (std::vector<std::string>{
          R"({"step":2,"epoch":0.5,"worker":"mean","round":1,"period":2,"lr":0.1,"pull":0.5,"push":1.0,"predicted_width":2.0,"distances":[20.0,21.0,22.0],"valley_width":21.0})",
          R"({"step":4,"epoch":1.0,"worker":"mean","round":2,"period":2,"lr":0.1,"pull":0.5,"push":1.0,"predicted_width":2.0,"distances":[40.0,41.0,42.0],"valley_width":41.0})",
          R"({"step":4,"epoch":1.0,"worker":0,"loss":0.25,"lr":0.1})",
          R"({"step":4,"epoch":1.0,"worker":1,"loss":1.25,"lr":0.1})",
          R"({"step":4,"epoch":1.0,"worker":2,"loss":2.25,"lr":0.1})",
          R"({"step":4,"worker":"mean","test_loss":0.5})"}));
  EXPECT_TRUE(has_events(folder.path()));
  std::set<int> workers;
  const Json trace = read_json(folder / "trace.json");
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("name") == "compute") workers.insert(event.at("pid").get<int>());
  }
  EXPECT_EQ(workers, (std::set<int>{0, 1, 2}));
}

TEST(Recorder, WithoutAFolderItDoesNothing) {
  const auto comm = make_solo();
  Recorder recorder(*comm, "", -1);
  EXPECT_FALSE(recorder.active());
  EXPECT_EQ(recorder.trace(), nullptr);
  recorder.round(1, 1, 1, 1, 0.1, {});
  recorder.epoch(1, 1, 1, 0.1);
  recorder.mean({{"step", 1}, {"worker", "mean"}});
  recorder.flush();
  recorder.finish();
}

TEST(Recorder, AfterResumeLaterRecordsAreGone) {
  const TestFolder folder;
  const auto comm = make_solo();
  const auto record = [](int64_t step) {
    return Json{{"step", step}, {"worker", "mean"}, {"test_loss", 0.5}};
  };
  {
    Recorder recorder(*comm, folder.path().string(), -1);
    for (const int64_t step : {5, 10, 15}) recorder.mean(record(step));
    recorder.finish();
  }
  Recorder recorder(*comm, folder.path().string(), 10);
  recorder.mean(record(10));  // there already: a run resumed at its end
  recorder.mean(record(20));
  recorder.finish();
  std::vector<int64_t> steps;
  for (const Json& line : read_metrics(folder / "metrics.jsonl")) steps.push_back(line.at("step"));
  EXPECT_EQ(steps, (std::vector<int64_t>{5, 10, 20}));
}

// What a training leaves: rounds of all, losses of each, scores of the average.
TEST(Recorder, ARunIsRecorded) {
  const TestFolder folder;
  SmallTraining training{.workers = 3, .options = small_options("dppf")};
  training.set("pull", 0.25);
  training.set("push", 0.5);
  training.options.out = folder.path().string();
  const Summary summary = train(training).summaries[0];

  std::vector<int64_t> rounds, evaluations;
  std::map<int, std::vector<int64_t>> losses;
  int64_t last = 0;
  for (const Json& record : read_metrics(folder / "metrics.jsonl")) {
    const int64_t step = record.at("step");
    EXPECT_GE(step, last);  // in order
    last = step;
    EXPECT_DOUBLE_EQ(record.at("epoch"), step / 6.0);
    if (record.contains("distances")) {
      rounds.push_back(step);
      EXPECT_EQ(record.at("round"), static_cast<int64_t>(rounds.size()));
      EXPECT_EQ(record.at("period"), 4);
      EXPECT_EQ(record.at("pull"), 0.25);
      EXPECT_EQ(record.at("push"), 0.5);
      EXPECT_EQ(record.at("predicted_width"), 2);
      ASSERT_EQ(record.at("distances").size(), 3u);
      double sum = 0;
      for (const double distance : record.at("distances")) {
        EXPECT_GT(distance, 0);
        sum += distance;
      }
      EXPECT_DOUBLE_EQ(record.at("valley_width"), sum / 3);
    } else if (record.contains("loss")) {
      losses[record.at("worker")].push_back(step);
      EXPECT_GT(record.at("loss").get<double>(), 0);
    } else {
      evaluations.push_back(step);
      EXPECT_EQ(record.at("worker"), "mean");
    }
  }
  EXPECT_EQ(rounds, (std::vector<int64_t>{4, 8, 12, 16, 20}));
  EXPECT_EQ(evaluations, (std::vector<int64_t>{6, 12, 18, 20}));
  ASSERT_EQ(losses.size(), 3u);
  for (const auto& [worker, steps] : losses) EXPECT_EQ(steps, evaluations) << worker;

  const Json final = read_metrics(folder / "metrics.jsonl").back();
  EXPECT_EQ(final.at("test_accuracy"), summary.test["accuracy"]);
  EXPECT_EQ(final.at("train_loss"), summary.train.loss());
  EXPECT_EQ(final.at("valley_width"), summary.valley_width);
  EXPECT_EQ(final.at("predicted_width"), 2);
  EXPECT_EQ(final.at("comm_bytes"), summary.comm_bytes_per_worker);
  EXPECT_EQ(final.at("rounds"), 5);
  for (const char* phase : {"compute", "communicate", "wait", "data", "evaluate"}) {
    EXPECT_GE(final.at(fmt::format("seconds_{}", phase)).get<double>(), 0) << phase;
  }

  EXPECT_EQ(read_json(folder / "summary.json"), summary.to_json());
  EXPECT_TRUE(has_events(folder.path()));
  std::map<std::string, std::set<int>> workers_of;
  const Json trace = read_json(folder / "trace.json");
  for (const Json& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    workers_of[event.at("name")].insert(event.at("pid").get<int>());
    EXPECT_GE(event.at("ts").get<double>(), 0);
  }
  for (const char* phase : {"compute", "data", "communicate", "wait", "evaluate"}) {
    EXPECT_EQ(workers_of[phase], (std::set<int>{0, 1, 2})) << phase;
  }
}

}  // namespace
}  // namespace valley::recorder_test
