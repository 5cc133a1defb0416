#include "valley/train/probe.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/rand.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "valley/analysis/live_probe.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/instruments/figures_json.h"
#include "valley/models/safetensors.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/train/testing/small_training.h"

namespace valley::probe_test {
namespace {

namespace fs = std::filesystem;

// The real one, on the small data; and it draws of LibTorch's random numbers, which it may.
class SmallProbe : public Probe {
 public:
  SmallProbe(Communicator& comm, const std::function<std::unique_ptr<Model>()>& make,
             const DataSplits& data, int64_t draws)
      : probe_(comm, make, {.data = data.train, .partition = {}}, *data.train,
               {.draws = draws, .batch_size = 4, .seed = 11}) {}

  ProbeResult measure(const ProbePoint& point) override {
    at::rand({5});
    rates.push_back(point.learning_rate);
    return {.figures = to_json(probe_.measure({.x = point.x,
                                               .average = point.average,
                                               .learning_rate = point.learning_rate,
                                               .pull = point.pull,
                                               .push = point.push,
                                               .buffers = point.buffers})),
            .text = "seen",
            .passes = probe_.passes()};
  }

  std::vector<double> rates;

 private:
  LiveProbe probe_;
};

struct Run {
  std::string algorithm = "dppf";
  SmallModel model = SmallModel::kBatchNorm;
  int workers = 3;
  int64_t probe = 0, draws = 2, checkpoint = 10;
  fs::path out;
  bool resume = false;
  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;
};

std::vector<Summary> train(const Run& run) {
  fs::create_directories(run.out);
  const DataSplits data = small_data(kSmallExamples * run.workers);
  std::vector<Summary> summaries(static_cast<size_t>(run.workers));
  run_threads(run.workers, [&](Communicator& comm) {
    at::set_num_threads(1);
    const auto make = [&] { return small_model(run.model, 3); };
    const auto model = make();
    TrainOptions options = small_options(run.algorithm);
    options.checkpoint_every = run.checkpoint;
    options.keep_checkpoints = 100;
    options.out = run.out.string();
    options.resume = run.resume;
    SmallProbe probe(comm, make, data, run.draws);
    Trainer trainer(comm, *model, data, options);
    trainer.set_progress(run.progress);
    trainer.set_stop_flag(run.stop);
    trainer.set_probe(&probe, run.probe);
    summaries[static_cast<size_t>(comm.rank())] = trainer.run();
  });
  return summaries;
}

// Everything a run left that is not about probes or time: weights, optimizers, generators, records.
std::map<std::string, std::string> left_by(const fs::path& out) {
  std::map<std::string, std::string> left;
  left["model"] = slurp(out / RunFolder::kModel);
  for (const auto& file : fs::recursive_directory_iterator(out / RunFolder::kCheckpoints)) {
    if (file.path().extension() != ".safetensors") continue;
    const TensorFile state = load_safetensors(file.path().string());
    std::string& bytes = left[fs::relative(file.path(), out).string()];
    for (const auto& [name, tensor] : state.tensors) {
      bytes += name + ":";
      bytes.append(static_cast<const char*>(tensor.contiguous().data_ptr()), tensor.nbytes());
    }
    Json values = Json::parse(state.metadata.at("state"));
    values["meters"].erase("seconds");
    values["meters"].erase("probes");
    bytes += values.dump();
  }
  for (const std::string& line : metrics_without_seconds(out)) {
    if (!Json::parse(line).contains("probe")) left["metrics"] += line + "\n";
  }
  Json summary = read_json(out / RunFolder::kSummary);
  for (const char* key : {"seconds", "samples_per_second", "peak_rss_bytes", "probes"}) {
    summary.erase(key);
  }
  left["summary"] = summary.dump();
  return left;
}

// The records of probes, without the seconds.
std::vector<Json> probes_of(const fs::path& out) {
  std::vector<Json> probes;
  for (Json& record : read_metrics(out / RunFolder::kMetrics)) {
    if (!record.contains("probe")) continue;
    EXPECT_GT(record["probe"]["seconds"], 0);
    record["probe"].erase("seconds");
    probes.push_back(record);
  }
  return probes;
}

std::vector<int64_t> steps_of(const std::vector<Json>& records) {
  std::vector<int64_t> steps;
  for (const Json& record : records) steps.push_back(record["step"]);
  return steps;
}

class ProbedRun : public testing::TestWithParam<std::string> {};

TEST_P(ProbedRun, HasTheBitsOfTheOther) {
  const TestFolder folder;
  for (const SmallModel model : {SmallModel::kBatchNorm, SmallModel::kDropout}) {
    const std::string name = model == SmallModel::kBatchNorm ? "norm" : "dropout";
    train({.algorithm = GetParam(), .model = model, .out = folder / (name + "-a")});
    train({.algorithm = GetParam(), .model = model, .probe = 7, .out = folder / (name + "-b")});
    const auto expected = left_by(folder / (name + "-a")), actual = left_by(folder / (name + "-b"));
    ASSERT_EQ(actual.size(), expected.size());
    EXPECT_EQ(actual.size(), 9u);
    for (const auto& [what, content] : expected) {
      EXPECT_TRUE(actual.at(what) == content) << name << ": " << what;
    }
    EXPECT_EQ(steps_of(probes_of(folder / (name + "-b"))), (std::vector<int64_t>{7, 14, 20}));
    EXPECT_TRUE(probes_of(folder / (name + "-a")).empty());
  }
}

std::vector<std::string> those_that_wait() {
  std::vector<std::string> names;
  for (const AlgorithmEntry& entry : algorithms()) {
    if (!entry.asynchronous) names.push_back(entry.name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ProbedRun, testing::ValuesIn(those_that_wait()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Probes, AreTheSameInARunThatWasResumed) {
  const TestFolder folder;
  train({.probe = 3, .checkpoint = 5, .out = folder / "whole"});
  const auto whole = probes_of(folder / "whole");
  for (const int64_t s : {5, 10, 15}) {
    const fs::path resumed = folder / fmt::format("resumed-{}", s);
    const fs::path checkpoint = fs::path(RunFolder::kCheckpoints) / fmt::format("step-{:08}", s);
    fs::create_directories(resumed / RunFolder::kCheckpoints);
    fs::copy(folder / "whole" / checkpoint, resumed / checkpoint);
    fs::copy(folder / "whole" / RunFolder::kMetrics, resumed / RunFolder::kMetrics);
    const Summary summary = train({.probe = 3, .out = resumed, .resume = true})[0];
    EXPECT_EQ(probes_of(resumed), whole);
    EXPECT_EQ(summary.probes.count, 7);
  }
}

TEST(Probes, CostIsCountedApart) {
  const TestFolder folder;
  RecordingProgress progress;
  const Summary without = train({.out = folder / "a"})[0];
  const Summary with = train({.probe = 10, .out = folder / "b", .progress = &progress})[0];
  EXPECT_EQ(with.comm_bytes_per_worker, without.comm_bytes_per_worker);
  EXPECT_EQ(without.probes.count, 0);
  EXPECT_EQ(without.seconds.probe, 0);
  EXPECT_GT(with.seconds.probe, 0);
  EXPECT_GT(with.seconds.total, with.seconds.probe);
  const auto probes = probes_of(folder / "b");
  ASSERT_EQ(probes.size(), 2u);
  double passes = 0;
  int64_t bytes = 0;
  for (const Json& record : probes) {
    passes += record["probe"]["passes"].get<double>();
    bytes += record["probe"]["bytes"].get<int64_t>();
  }
  // 1 + 3 + M + 6 M B / n draws + 3 + 3 M + 5 draws, and 2 M for BatchNorm at the workers
  EXPECT_DOUBLE_EQ(passes, 2 * (4 + 3 + 6 * 3 * 4 * 2 / 72.0 + 3 + 9 + 10 + 6));
  EXPECT_EQ(with.probes.count, 2);
  EXPECT_EQ(with.probes.passes, passes);
  EXPECT_EQ(with.probes.bytes, bytes);
  ASSERT_EQ(progress.messages.size(), 2u);
  EXPECT_TRUE(progress.messages[0].starts_with("probe at step 10: seen; 37 passes, "))
      << progress.messages[0];
  EXPECT_TRUE(progress.messages[0].ends_with(" sent")) << progress.messages[0];

  bool probed = false;
  const Json trace = read_json(folder / "b" / RunFolder::kTrace);
  for (const Json& event : trace["traceEvents"]) {
    probed = probed || event["name"] == "probe";
  }
  EXPECT_TRUE(probed);
  std::string tags;
  for (const auto& file : fs::directory_iterator(folder / "b")) {
    if (file.path().filename().string().starts_with("events.")) tags += slurp(file.path());
  }
  EXPECT_NE(tags.find("mean/probe/effective_rate/alpha_e_over_alpha/value"), std::string::npos);
}

// Of the run: the weights of the last checkpoint, the rate and the forces in force.
TEST(Probes, SeeTheWorkersAsTheyAre) {
  const TestFolder folder;
  train({.probe = 7, .draws = 0, .out = folder / "a"});
  const auto probes = probes_of(folder / "a");
  EXPECT_EQ(steps_of(probes), (std::vector<int64_t>{7, 14, 20}));
  for (const Json& record : probes) EXPECT_EQ(record["probe"]["passes"], 0);
  std::vector<at::Tensor> workers;
  for (int m = 0; m < 3; ++m) {
    const std::string file = fmt::format("checkpoints/step-00000020/worker-{}.safetensors", m);
    for (const auto& [name, tensor] : load_safetensors((folder / "a" / file).string()).tensors) {
      if (name == "x") workers.push_back(tensor);
    }
  }
  const at::Tensor average = (workers[0] + workers[1] + workers[2]) / 3;
  const Json& last = probes.back()["probe"];
  for (size_t m = 0; m < 3; ++m) {
    EXPECT_NEAR(last["distances"][m].get<double>(), (workers[m] - average).norm().item<double>(),
                1e-5);
  }
  const double width = last["width"];
  EXPECT_NEAR(width, read_json(folder / "a" / RunFolder::kSummary)["valley_width"], 1e-5);
  Json round;
  for (const Json& record : read_metrics(folder / "a" / RunFolder::kMetrics)) {
    if (record.contains("distances")) round = record;
  }
  EXPECT_DOUBLE_EQ(last["pull_length"], round["pull"].get<double>() * width);
  EXPECT_EQ(last["push_length"], round["push"]);
  EXPECT_FALSE(last.contains("loss"));
}

TEST(Probes, AreRefused) {
  const DataSplits data = small_data(48);
  run_threads(2, [&](Communicator& comm) {
    const auto model = small_model(SmallModel::kPlain);
    Trainer trainer(comm, *model, data, small_options("dppf"));
    EXPECT_EQ(error_of<UsageError>([&] { trainer.set_probe(nullptr, -1); }),
              "probe must be at least 0, got -1");
  });
  run_threads(2, [&](Communicator& comm) {
    const auto model = small_model(SmallModel::kPlain);
    Trainer trainer(comm, *model, data, small_options("ad-psgd"));
    trainer.set_probe(nullptr, 0);
    EXPECT_EQ(error_of<UsageError>([&] { trainer.set_probe(nullptr, 3); }),
              "probe would change a run of ad-psgd, whose workers do not wait for each other; "
              "`valley dynamics` measures its end");
  });
}

}  // namespace
}  // namespace valley::probe_test
