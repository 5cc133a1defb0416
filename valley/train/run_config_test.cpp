#include "valley/train/run_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "valley/algorithms/dppf.h"
#include "valley/comm/backend_table.h"
#include "valley/core/error.h"
#include "valley/core/testing/another_value.h"
#include "valley/core/testing/test_folder.h"

namespace valley::run_config_test {
namespace {

SettingValue value_of(RunConfig config, const std::string& key) {
  for (const Setting& setting : settings_of(config)) {
    if (setting.key == key) return setting.get();
  }
  throw std::logic_error("no setting " + key);
}

RunConfig with_algorithm(const std::string& name) {
  RunConfig config;
  config.algorithm = name;
  config.workers = 2;
  return config;
}

TEST(RunConfig, EverySettingSurvivesTheFile) {
  const Config before = to_config(RunConfig());
  RunConfig config;
  std::vector<std::string> keys;
  for (const Setting& setting : settings_of(config)) {
    setting.set(another_value(setting));
    if (!setting.has(kUnrecorded)) keys.push_back(setting.key);
  }
  const Config values = to_config(config);
  ASSERT_EQ(values.size(), keys.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i].first, keys[i]);
    EXPECT_NE(values[i].second, before[i].second) << values[i].first;
  }
  RunConfig read;
  apply_config(parse_config(config_text(values), "run.toml"), "run.toml", read);
  EXPECT_EQ(to_config(read), values);
}

// A run that uses no younger setting is recorded as it always was, and its folder may lack them.
TEST(RunConfig, YoungerFieldsAreRecordedOnlyWhereTheyAreUsed) {
  const auto has = [](const Config& values, const std::string& key) {
    return std::any_of(values.begin(), values.end(),
                       [&](const auto& value) { return value.first == key; });
  };
  EXPECT_TRUE(has(to_config({}), "replicas"));
  EXPECT_FALSE(has(to_recorded_config({}), "replicas"));
  RunConfig config;
  set(config, "replicas", "zero");
  EXPECT_TRUE(has(to_recorded_config(config), "replicas"));
}

// --momentum, where nobody gives one, is the algorithm's own; the record has the number.
TEST(RunConfig, TheMomentumNobodyGaveIsTheAlgorithmsOwn) {
  for (const AlgorithmEntry& entry : algorithms()) {
    RunConfig config = with_algorithm(entry.name);
    EXPECT_EQ(resolved(config).optimizer.momentum, entry.name == "qg-dsgdm" ? 0 : 0.9)
        << entry.name;
    for (const Config& values : {to_config(config), to_recorded_config(config)}) {
      const auto value = std::find_if(values.begin(), values.end(),
                                      [](const auto& v) { return v.first == "momentum"; });
      EXPECT_EQ(std::get<double>(value->second), resolved(config).optimizer.momentum) << entry.name;
    }
    config.optimizer.momentum = 0.25;
    EXPECT_EQ(resolved(config).optimizer.momentum, 0.25) << entry.name;
  }
  EXPECT_EQ(to_train_options(with_algorithm("qg-dsgdm")).optimizer.momentum, 0);
  EXPECT_EQ(to_train_options(with_algorithm("dpsgd")).optimizer.momentum, 0.9);
}

// A run that does not use a younger setting is recorded as it was before there was one.
TEST(RunConfig, YoungerFieldsAreRecordedWhereTheyAreUsed) {
  const auto recorded = [](const RunConfig& config, const std::string& key) {
    for (const auto& [name, value] : to_recorded_config(config)) {
      if (name == key) return true;
    }
    return false;
  };
  EXPECT_FALSE(recorded({}, "output"));
  EXPECT_FALSE(recorded({}, "auxiliary"));
  EXPECT_TRUE(recorded({}, "data-seed"));
  RunConfig config;
  config.output = "1";
  config.auxiliary = 0.25;
  EXPECT_TRUE(recorded(config, "output"));
  RunConfig read;
  apply_config(to_recorded_config(config), "run.toml", read);
  EXPECT_EQ(to_config(read), to_config(config));
}

RunConfig of_text() {
  RunConfig config = with_algorithm("local-sgd");
  config.data = "text:book";
  config.model = "gpt-2-64";
  return config;
}

TEST(RunConfig, TheTaskOfTextIsLanguage) {
  EXPECT_EQ(resolved(of_text()).task, "language");
  EXPECT_EQ(to_train_options(of_text()).task, "language");
  EXPECT_EQ(resolved(RunConfig()).task, "classification");
}

TEST(RunConfig, TextGoesWithTextAlone) {
  const auto refusal = [](const auto& change) {
    RunConfig config = of_text();
    change(config);
    return error_of<UsageError>([&] { check(config); });
  };
  check(of_text());
  EXPECT_EQ(refusal([](RunConfig& c) { c.task = "regression"; }),
            "data text:book is text, of which task regression learns nothing: task language");
  EXPECT_EQ(refusal([](RunConfig& c) { c.data = "blobs", c.task = "language"; }),
            "task language needs text, but data blobs is none: text:PATH");
  EXPECT_EQ(refusal([](RunConfig& c) { c.model = "vit"; }),
            "model vit does not read text; lstm and gpt-L-W do, or a TorchScript file");
  EXPECT_EQ(refusal([](RunConfig& c) { c.data = "blobs"; }),
            "model gpt-2-64 reads text alone: data text:PATH");
  EXPECT_EQ(refusal([](RunConfig& c) { c.partition = parse_partition("shards:2"); }),
            "partition shards:2 deals out classes, and a text has none");
  EXPECT_EQ(refusal([](RunConfig& c) { c.augmentation.flip = true; }),
            "flip is for pictures, and data text:book is text");
}

TEST(RunConfig, PathsBecomeAbsolute) {
  const std::string here = std::filesystem::current_path().string();
  RunConfig config;
  config.data = "mnist:digits/./all";
  config.model = "exports/net";
  set(config, "topology", "edges:ring.txt");
  config = with_absolute_paths(config);
  EXPECT_EQ(config.data, "mnist:" + here + "/digits/all");
  EXPECT_EQ(config.model, here + "/exports/net");
  EXPECT_EQ(value_of(config, "topology"), SettingValue("edges:" + here + "/ring.txt"));
  EXPECT_EQ(model_title(config), "net");
  EXPECT_EQ(to_config(with_absolute_paths(config)), to_config(config));
  const RunConfig names = with_absolute_paths(RunConfig());
  EXPECT_EQ(to_config(names), to_config(RunConfig()));
  EXPECT_EQ(model_title(names), "lenet");
}

TEST(RunConfig, EverySettingIsExplained) {
  std::set<std::string> keys;
  RunConfig config;
  for (const Setting& setting : settings_of(config)) {
    EXPECT_FALSE(setting.help.empty()) << setting.key;
    EXPECT_FALSE(setting.group.empty()) << setting.key;
    EXPECT_TRUE(keys.insert(setting.key).second) << setting.key;
  }
}

// What a rule refuses is refused by check(), or as soon as it is set, with the key or the kind of
// name in front; algorithms' settings are tried with the rows that read them (tests/contract).
TEST(RunConfig, EveryValueOutOfRangeNamesItsSetting) {
  RunConfig config;
  int refused = 0;
  for (const Setting& setting : settings_of(config)) {
    for (const SettingValue& value : setting.refused) {
      const std::string error = error_of<UsageError>([&, given = config]() mutable {
        set(given, setting.key, value);
        check(given);
      });
      EXPECT_TRUE(error.starts_with(setting.key + " must be ") || error.starts_with("unknown "))
          << setting.key << " = " << plain_text(value) << ": " << error;
      ++refused;
    }
  }
  EXPECT_GT(refused, 60);
}

TEST(RunConfig, OnlyNamedSettingsChange) {
  RunConfig config;
  config.learning_rate.base = 0.5;
  apply_config({{"push", 0.25}, {"nesterov", true}}, "run.toml", config);
  EXPECT_EQ(value_of(config, "push"), SettingValue(0.25));
  EXPECT_TRUE(config.optimizer.nesterov);
  EXPECT_EQ(config.learning_rate.base, 0.5);
  EXPECT_EQ(value_of(config, "pull"), value_of(RunConfig(), "pull"));
}

TEST(RunConfig, WholeNumbersServeAsNumbersAndPeriods) {
  RunConfig config;
  apply_config(parse_config("period = 16\nlr = 1\n", "run.toml"), "run.toml", config);
  EXPECT_EQ(value_of(config, "period"), SettingValue("16"));
  EXPECT_EQ(config.learning_rate.base, 1.0);
  EXPECT_EQ(to_train_options(config).algorithm_options.as<DppfOptions>().period.base, 16);
}

TEST(RunConfig, WrongKeysAndTypesAreNamed) {
  const auto message = [](const std::string& line) {
    return error_of<UsageError>([&] {
      RunConfig config;
      apply_config(parse_config(line, "run.toml"), "run.toml", config);
    });
  };
  EXPECT_EQ(message("bach-size = 3"),
            "run.toml: unknown key 'bach-size'; did you mean 'batch-size'?");
  EXPECT_EQ(message("colour = 3"),
            "run.toml: unknown key 'colour'; `valley train --print-config` shows all");
  EXPECT_EQ(message("flip = 1"), "run.toml: flip must be true or false");
  EXPECT_EQ(message("epochs = 1.5"), "run.toml: epochs must be a whole number");
  EXPECT_EQ(message("epochs = \"3\""), "run.toml: epochs must be a whole number");
  EXPECT_EQ(message("lr = true"), "run.toml: lr must be a number");
  EXPECT_EQ(message("lr = \"fast\""), "run.toml: lr must be a number");
  EXPECT_EQ(message("model = 1.5"), "run.toml: model must be a text in quotes");
  EXPECT_EQ(message("period = 4.5"), "run.toml: period must be a text in quotes");
  EXPECT_EQ(message("model = true"), "run.toml: model must be a text in quotes");
}

TEST(RunConfig, BecomesOptions) {
  RunConfig c;
  apply_config(parse_config("period = 'post-local:2:8'\n"
                            "pull = 0.2\n"
                            "push = 0.7\n"
                            "push-schedule = 'decreasing'\n"
                            "push-variant = 'exact'\n"
                            "push-relative = true\n"
                            "steps = 40\n"
                            "partition = 'dirichlet:0.3'\n"
                            "optimizer = 'adamw'\n"
                            "seed = 9\n"
                            "data = 'xor'\n"
                            "model = 'mlp'\n",
                            "run.toml"),
               "run.toml", c);
  const TrainOptions o = to_train_options(c);
  EXPECT_EQ(o.algorithm, "dppf");
  const auto& dppf = o.algorithm_options.as<DppfOptions>();
  EXPECT_EQ(dppf.period, parse_period("post-local:2:8"));
  EXPECT_EQ(dppf.pull_push.pull, 0.2);
  EXPECT_EQ(dppf.pull_push.push, 0.7);
  EXPECT_EQ(dppf.pull_push.variant, PushVariant::kExact);
  EXPECT_TRUE(dppf.pull_push.push_relative);
  EXPECT_EQ(dppf.push_schedule, PushShape::kDecreasing);
  EXPECT_EQ(o.steps, 40);
  EXPECT_EQ(o.partition,
            (PartitionSpec{.kind = PartitionKind::kDirichlet, .alpha = 0.3, .seed = 9}));
  EXPECT_EQ(o.optimizer.kind, OptimizerKind::kAdamW);
  EXPECT_EQ(o.seed, 9u);
  EXPECT_EQ(o.data_name, "xor");
  EXPECT_EQ(o.model_name, "mlp");
  EXPECT_FALSE(o.resume);

  c = {};
  c.seed = INT64_MAX;
  c.partition = parse_partition("shards:3");
  c.data_seed = 4;
  const TrainOptions other = to_train_options(c);
  EXPECT_EQ(other.partition,
            (PartitionSpec{.kind = PartitionKind::kShards, .shards = 3, .seed = 4}));
  EXPECT_EQ(other.optimizer.momentum, 0.9);
  EXPECT_EQ(other.seed, uint64_t{INT64_MAX});
}

TEST(RunConfig, OptionsOutOfRangeNameThemselves) {
  const auto message = [](const std::string& line) {
    return error_of<UsageError>([&] {
      RunConfig config;
      apply_config(parse_config(line, "run.toml"), "run.toml", config);
      check(config);
    });
  };
  EXPECT_EQ(message(""), "no error");
  EXPECT_EQ(message("algorithm = 'local_sgd'").substr(0, 70),
            "unknown algorithm 'local_sgd'; did you mean 'local-sgd'? known: ssgd, ");
  EXPECT_EQ(message("pull = 0"), "pull must be in (0, 1], got 0");
  EXPECT_EQ(message("pull = 1.5"), "pull must be in (0, 1], got 1.5");
  EXPECT_EQ(message("push = -1"), "push must be at least 0, got -1");
  EXPECT_EQ(message("push-variant = 'exakt'"),
            "unknown push variant 'exakt'; did you mean 'exact'? known: simple, exact");
  EXPECT_TRUE(message("push-schedule = 'constnt'").starts_with("unknown push schedule 'constnt'"));
  EXPECT_EQ(message("period = 'often'"),
            "period must be N, post-local:EPOCH:N or qsr:BASE:COEF, got 'often'");
  EXPECT_TRUE(message("period = 0").starts_with("period")) << message("period = 0");
  EXPECT_EQ(message("algorithm = 'ssgd'\nbucket-bytes = 0"),
            "bucket-bytes must be at least 1, got 0");
  EXPECT_EQ(message("epochs = 0"), "epochs must be at least 1, got 0");
  EXPECT_EQ(message("steps = -4"), "steps must be at least 0, got -4");
  EXPECT_EQ(message("batch-size = 0"), "batch-size must be at least 1, got 0");
  EXPECT_EQ(message("tail = 'kepe'"),
            "unknown tail 'kepe'; did you mean 'keep'? known: drop, keep");
  EXPECT_EQ(message("partition = 'shard:2'"),
            "unknown partition 'shard'; did you mean 'shards'? known: iid, dirichlet, shards, "
            "origin");
  EXPECT_EQ(message("partition = 'dirichlet:0'"),
            "partition dirichlet:ALPHA needs a number ALPHA above 0, got '0'");
  EXPECT_EQ(message("data-seed = -2"),
            "data-seed must be at least 0, or -1 for that of seed, got -2");
  EXPECT_EQ(message("crop-padding = -1"), "crop-padding must be at least 0, got -1");
  EXPECT_EQ(message("optimizer = 'adam'"),
            "unknown optimizer 'adam'; did you mean 'adamw'? known: sgd, adamw, lars, lamb");
  EXPECT_EQ(message("momentum = 1"), "momentum must be in [0, 1), got 1");
  EXPECT_EQ(message("momentum = -0.5"), "momentum must be in [0, 1), got -0.5");
  const std::string method = "algorithm = \"qg-dsgdm\"\n";
  EXPECT_EQ(message(method + "momentum = 0.9"),
            "momentum 0.9 beside the momentum 0.9 of qg-dsgdm itself diverges: their sum must be "
            "below 1 (momentum 0 is the method as its authors have it)");
  EXPECT_EQ(message(method + "momentum = 0.5\nquasi-momentum = 0.4"), "no error");
  EXPECT_EQ(message(method + "momentum = 0.9\nquasi-momentum = 0.0"), "no error");
  EXPECT_EQ(message(method + "momentum = 0.9\noptimizer = \"adamw\""), "no error");
  EXPECT_EQ(message("replicas = \"none\""),
            "unknown start of the replicas 'none'; known: initial, zero");
  EXPECT_EQ(message("nesterov = true\nmomentum = 0"), "nesterov needs momentum above 0");
  EXPECT_EQ(message("weight-decay = -0.5"), "weight-decay must be at least 0, got -0.5");
  EXPECT_EQ(message("decay = 'none'"), "unknown decay 'none'; known: all, matrices");
  EXPECT_EQ(message("lr = 0"), "lr must be above 0, got 0");
  EXPECT_TRUE(
      message("lr-schedule = 'cosin'").starts_with("unknown learning-rate schedule 'cosin'"));
  EXPECT_EQ(message("warmup-steps = -1"), "warmup-steps must be at least 0, got -1");
  EXPECT_EQ(message("warmup-steps = 9\nsteps = 8"),
            "warmup-steps must be between 0 and the run's 8 steps, got 9");
  EXPECT_EQ(message("seed = -1"), "seed must be at least 0, got -1");
  EXPECT_EQ(message("workers = 0"), "workers must be at least 1, got 0");
  EXPECT_EQ(message("timeout = 0"), "timeout must be above 0, got 0");
  EXPECT_EQ(message("timeout = inf"), "timeout must be at most 1000000, got inf");
  EXPECT_EQ(message("threads = -1"), "threads must be at least 0, got -1");
  EXPECT_EQ(message("launch = 'thread'"),
            "unknown launch 'thread'; did you mean 'threads'? known: threads, processes");
  EXPECT_TRUE(message("backend = 'pigeon'").starts_with("unknown backend 'pigeon'"));
  EXPECT_EQ(message("launch = 'processes'\nbackend = 'nccl'\ndevice = 'cuda:1'"),
            backend_table().back().name == "nccl"
                ? "device cuda:1 would be the GPU of all workers, and backend nccl needs one for "
                  "each: device cuda"
                : "backend nccl needs NCCL, and this LibTorch has none");
  EXPECT_EQ(message("launch = 'processes'\nbackend = 'thread'"),
            "backend thread needs launch threads: processes share no memory");
  EXPECT_EQ(message("evaluate-every = -1"), "evaluate-every must be at least 0, got -1");
  EXPECT_EQ(message("checkpoint-every = -1"), "checkpoint-every must be at least 0, got -1");
  EXPECT_EQ(message("keep-checkpoints = 0"), "keep-checkpoints must be at least 1, got 0");
  EXPECT_EQ(message("probe = -1"), "probe must be at least 0, got -1");
  EXPECT_EQ(message("probe-samples = -1"), "probe-samples must be at least 0, got -1");
  EXPECT_EQ(message("probe-draws = 1"), "probe-draws must be 0 or at least 2, got 1");
  EXPECT_EQ(message("probe = 5\nprobe-draws = 0"), "no error");
  EXPECT_EQ(message("probe = 5\nalgorithm = 'ad-psgd'"),
            "probe would change a run of ad-psgd, whose workers do not wait for each other; "
            "`valley dynamics` measures its end");
}

}  // namespace
}  // namespace valley::run_config_test
