#include "valley/train/job.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/data/partition.h"
#include "valley/models/safetensors.h"
#include "valley/models/scripted.h"
#include "valley/models/state_dict.h"
#include "valley/record/json_file.h"
#include "valley/record/metrics.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/task/classification.h"

namespace valley::job_test {
namespace {

RunConfig xor_config() {
  RunConfig config;
  config.data = "xor";
  config.train_samples = 200;
  config.test_samples = 100;
  config.model = "mlp";
  config.workers = 2;
  config.batch_size = 10;
  config.epochs = 6;
  config.learning_rate.base = 0.1;
  set(config, "push", 0.05);
  config.threads = 1;
  return config;
}

std::vector<Summary> run(const RunConfig& config, const JobContext& context = {}) {
  std::vector<Summary> summaries(config.workers);
  const DataSplits data = load_job_data(config);
  run_threads(static_cast<int>(config.workers), [&](Communicator& comm) {
    summaries[comm.rank()] = run_job(config, data, comm, context);
  });
  return summaries;
}

/// Keeps what is said.
class Listener : public Progress {
 public:
  void update(const ProgressState&) override {}
  void message(std::string_view text) override { messages.emplace_back(text); }
  void finish() override {}

  std::vector<std::string> messages;
};

TEST(Job, TrainsWhatIsConfigured) {
  const TestFolder folder;
  RunConfig config = xor_config();
  config.out = folder.path().string();
  const Summary summary = run(config)[0];
  EXPECT_EQ(summary.steps, 60);
  EXPECT_EQ(summary.model, "mlp");
  EXPECT_EQ(summary.data, "xor");
  EXPECT_GT(summary.test["accuracy"], 0.95);
  EXPECT_TRUE(std::filesystem::exists(folder / "model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder / "model.pt"));
}

TEST(Job, ADivergenceIsNotedInTheRunFolderUntilTheRunBeginsAnew) {
  const TestFolder folder;
  RunConfig config = xor_config();
  config.out = folder.path().string();
  spill(folder / "config.toml", "");
  const double lr = std::exchange(config.learning_rate.base, 1e30);
  EXPECT_NE(error_of<Diverged>([&] { run(config); }), "no error");
  const RunState state = run_state(RunFolder::open(folder.path()));
  EXPECT_EQ(state.kind, RunState::Kind::kDiverged);
  EXPECT_THAT(state.reason, testing::ContainsRegex("at step [0-9]+ on worker [01]$"));
  config.learning_rate.base = lr;
  run(config);
  EXPECT_TRUE(run_state(RunFolder::open(folder.path())).finished());
  EXPECT_FALSE(std::filesystem::exists(folder / "diverged.json"));
}

TEST(Job, WhatDoesNotGoTogetherIsSeenBeforeARunFolderIsMade) {
  const auto message = [](const std::function<void(RunConfig&)>& change) {
    RunConfig config = xor_config();
    change(config);
    return error_of<UsageError>([&] { load_job_data(config); });
  };
  EXPECT_EQ(message([](RunConfig&) {}), "no error");
  EXPECT_EQ(message([](RunConfig& c) { c.workers = 201; }),
            "more workers (201) than training samples (200)");
  EXPECT_EQ(message([](RunConfig& c) { set(c, "warmup-steps", int64_t{61}); }),
            "warmup-steps must be between 0 and the run's 60 steps, got 61");
  EXPECT_EQ(message([](RunConfig& c) { set(c, "partition", "shards:101"); }),
            "partition shards:101 of 2 workers is more shards than the 200 training samples");
  EXPECT_EQ(message([](RunConfig& c) {
              set(c, "partition", "dirichlet:0.3");
              c.train_samples = 1;
              c.workers = 1;
            }),
            "partition dirichlet:0.3 needs every class: class 1 has no training sample");
  EXPECT_EQ(message([](RunConfig& c) { set(c, "crop-padding", int64_t{1}); }),
            "crop-padding must be in [0, 1) for images of 1 x 1, got 1");
  EXPECT_TRUE(message([](RunConfig& c) {
                c.model = "mpl";
              }).starts_with("unknown model 'mpl'; did you mean 'mlp'?"));
  EXPECT_EQ(message([](RunConfig& c) { c.model = "missing.pt"; }),
            "cannot read missing.pt: No such file or directory");
  EXPECT_TRUE(message([](RunConfig& c) { c.data = "xro"; }).starts_with("unknown data set 'xro'"));
}

TEST(Job, APartitionIsKeptToShownAndRecorded) {
  const TestFolder folder;
  RunConfig config = xor_config();
  config.partition = parse_partition("shards:1");  // two workers, two classes: one each
  config.seed = 1;
  config.algorithm = "local-sgd";
  set(config, "period", "1000");
  config.out = folder.path().string();
  Listener listener;
  run(config, {.progress = &listener, .show_partition = true});
  const Json json = read_json(folder / "partition.json");
  EXPECT_EQ(json.at("partition"), "shards:1");
  EXPECT_EQ(json.at("seed"), 1);
  EXPECT_EQ(json.at("workers"), 2);
  const auto counts = json.at("class_counts").get<std::vector<std::vector<int64_t>>>();
  ASSERT_EQ(counts.size(), 2u);
  const bool first_has_0 = counts[0][0] == 100;
  EXPECT_EQ(counts[first_has_0 ? 0 : 1], (std::vector<int64_t>{100, 0}));
  EXPECT_EQ(counts[first_has_0 ? 1 : 0], (std::vector<int64_t>{0, 100}));
  EXPECT_EQ(listener.messages, std::vector{histogram_table({counts})});

  // Who sees one class only learns to name it whatever comes, which takes no loss at all.
  for (const Json& record : read_metrics(folder / std::string(RunFolder::kMetrics))) {
    if (record.contains("loss") && record.at("epoch") == 6.0) {
      EXPECT_LT(record.at("loss"), 0.02);
    }
  }
}

TEST(Job, APartitionIsNotMentionedUnasked) {
  const TestFolder folder;
  RunConfig config = xor_config();
  config.epochs = 1;
  Listener listener;
  config.out = folder / "iid";
  std::filesystem::create_directory(config.out);
  run(config, {.progress = &listener, .show_partition = true});
  EXPECT_FALSE(std::filesystem::exists(folder / "iid/partition.json"));
  config.partition = parse_partition("dirichlet:1");
  config.out = "";
  run(config, {.progress = &listener});
  EXPECT_TRUE(listener.messages.empty());
}

TEST(Job, ThePartitionHasTheSeedOfTheData) {
  const TestFolder folder;
  const auto counts = [&](int64_t seed, int64_t data_seed) {
    RunConfig config = xor_config();
    config.partition = parse_partition("dirichlet:0.3");
    config.steps = 1;
    config.seed = seed;
    set(config, "data-seed", data_seed);
    config.out = folder.path().string();
    run(config);
    return read_json(folder / "partition.json").at("class_counts");
  };
  const Json of_0 = counts(0, -1), of_5 = counts(5, -1);
  EXPECT_NE(of_5, of_0);
  EXPECT_EQ(counts(5, 0), of_0);
  EXPECT_EQ(counts(0, 5), of_5);
}

TEST(Job, TheDataMayHaveASeedOfItsOwn) {
  const auto inputs = [](int64_t seed, int64_t data_seed) {
    RunConfig config = xor_config();
    config.seed = seed;
    set(config, "data-seed", data_seed);  // as a file spells it: -1 is none
    return load_job_data(config).train->inputs;
  };
  EXPECT_TRUE(at::equal(inputs(1, 5), inputs(2, 5)));
  EXPECT_TRUE(at::equal(inputs(5, -1), inputs(2, 5)));
  EXPECT_FALSE(at::equal(inputs(1, 5), inputs(1, 6)));
  EXPECT_FALSE(at::equal(inputs(1, -1), inputs(2, -1)));
  EXPECT_FALSE(at::equal(inputs(1, 0), inputs(1, -1)));
}

// A TorchScript file with dropout and BatchNorm: the same bits in every run, and back as model.pt.
TEST(Job, ATorchScriptFileIsTrainedReproducibly) {
  const TestFolder folder;
  const std::string scripts = "tests/golden/scripts/dropout-";
  RunConfig config = xor_config();
  config.model = scripts + "train.pt";
  config.workers = 3;
  for (const std::string name : {"a", "b", "c"}) {
    std::filesystem::create_directories(folder / name);
    config.out = (folder / name).string();
    config.seed = name == "c" ? 1 : 0;
    EXPECT_EQ(run(config)[0].status, RunState::Kind::kFinished);
  }
  const std::string model(RunFolder::kModel);
  EXPECT_EQ(slurp(folder / "a" / model), slurp(folder / "b" / model));
  EXPECT_NE(slurp(folder / "a" / model), slurp(folder / "c" / model));

  const auto scripted = ScriptedModel::load((folder / "a" / "model.pt").string());
  const TensorFile file = load_safetensors((folder / "a" / model).string());
  const auto state = state_dict(*scripted);
  ASSERT_EQ(state.size(), file.tensors.size());
  for (size_t i = 0; i < state.size(); ++i) {
    EXPECT_EQ(state[i].name, file.tensors[i].name);
    EXPECT_TRUE(at::equal(state[i].tensor.detach(), file.tensors[i].tensor)) << state[i].name;
  }

  // Exported in evaluation mode it trains the same; a BatchNorm alone in that mode is frozen.
  config.seed = 0;
  for (const std::string name : {"eval", "frozen"}) {
    std::filesystem::create_directories(folder / name);
    config.model = scripts + name + ".pt";
    config.out = (folder / name).string();
    run(config);
  }
  const auto tensors_of = [&](const std::string& name) {
    return load_safetensors((folder / name / model).string()).tensors;
  };
  const auto eval = tensors_of("eval"), frozen = tensors_of("frozen");
  ASSERT_EQ(eval.size(), file.tensors.size());
  for (size_t i = 0; i < eval.size(); ++i) {
    EXPECT_TRUE(at::equal(eval[i].tensor, file.tensors[i].tensor)) << eval[i].name;
    if (frozen[i].name == "2.running_mean") {
      EXPECT_EQ(frozen[i].tensor.abs().max().item<float>(), 0);
    }
  }
}

// --- weights to begin with
// -------------------------------------------------------------------------

TEST(Job, BeginsWithTheWeightsOfARunAndAHeadOfItsOwn) {
  const TestFolder folder;
  RunConfig first = xor_config();
  first.out = (folder / "first").string();
  std::filesystem::create_directory(first.out);
  run(first);

  RunConfig second = xor_config();
  second.seed = 9;
  second.init = first.out;
  const DataSplits data = load_job_data(second);
  const std::vector<NamedTensor> there =
      load_safetensors((folder / "first/model.safetensors").string()).tensors;
  const auto same = make_job_model(second, data);
  for (const auto& [name, tensor] : state_dict(*same))
    for (const NamedTensor& other : there)
      EXPECT_TRUE(other.name != name || at::equal(tensor, other.tensor)) << name;

  // Of a network for three classes.
  std::vector<NamedTensor> other = there;
  for (NamedTensor& named : other)
    if (named.name.starts_with("fc3"))
      named.tensor = at::cat({named.tensor, named.tensor.narrow(0, 0, 1)});
  second.init = (folder / "three.safetensors").string();
  save_safetensors(second.init, other);
  second.out = (folder / "second").string();
  std::filesystem::create_directory(second.out);
  Listener listener;
  run(second, {.progress = &listener});
  ASSERT_FALSE(listener.messages.empty());
  EXPECT_TRUE(listener.messages[0].starts_with("begins with ")) << listener.messages[0];
  EXPECT_NE(listener.messages[0].find("; new, for it has another shape: fc3.weight [2, 64], there "
                                      "[3, 64], fc3.bias [2], there [3]"),
            std::string::npos)
      << listener.messages[0];

  second.model = "mlp-3-3";
  second.out.clear();
  const std::string error = error_of<UsageError>([&] { load_job_data(second); });
  EXPECT_TRUE(error.starts_with("init " + second.init + ": nothing in it fits the model: "))
      << error;
  second.init = (folder / "none").string();
  EXPECT_EQ(error_of<UsageError>([&] { load_job_data(second); }),
            "cannot read " + second.init + ": No such file or directory");
}

TEST(Job, FreezesByPatternBeforeAnybodyTrains) {
  RunConfig config = xor_config();
  const DataSplits data = load_job_data(config);
  const auto whole = make_job_model(config, data);
  const std::string first = whole->parameters()[0].name;
  config.freeze = first;
  const auto frozen = make_job_model(config, data);
  EXPECT_EQ(frozen->parameters().size() + 1, whole->parameters().size());
  config.freeze = "conv*";
  EXPECT_TRUE(error_of<UsageError>([&] {
                load_job_data(config);
              }).starts_with("freeze: no parameter is called 'conv*'; there are " + first));
  config.freeze = "*";
  EXPECT_EQ(error_of<UsageError>([&] { load_job_data(config); }),
            "freeze * leaves nothing to train");
}

// To a run with weights w_c = N / (C N_c) given by hand.
TEST(Job, BalancedClassWeightsAreThoseOfTheTrainingSet) {
  RunConfig config = xor_config();
  config.train_samples = 201;
  config.classification.class_weights = {.balanced = true};
  const DataSplits data = load_job_data(config);
  RunConfig by_hand = config;
  by_hand.classification =
      balanced_by(config.classification, data.train->targets, data.train->classes);
  EXPECT_NE(by_hand.classification.class_weights.values[0],
            by_hand.classification.class_weights.values[1]);
  EXPECT_EQ(run(config)[0].train.loss(), run(by_hand)[0].train.loss());
}

}  // namespace
}  // namespace valley::job_test
