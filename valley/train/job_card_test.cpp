#include "valley/train/job_card.h"

#include <ATen/ops/add.h>
#include <gtest/gtest.h>

#include <set>

#include "valley/core/testing/another_value.h"
#include "valley/train/job.h"

namespace valley::job_card_test {
namespace {

RunConfig tiny() {
  RunConfig config;
  config.data = "xor";
  config.train_samples = 40;
  config.test_samples = 20;
  config.model = "mlp-4-3";
  return config;
}

std::string difference(const RunConfig& a, const DataSplits& of_a, const RunConfig& b,
                       const DataSplits& of_b) {
  return first_difference(
      {job_card(a, *make_job_model(a, of_a), of_a), job_card(b, *make_job_model(b, of_b), of_b)});
}

TEST(JobCard, EqualRunsAgree) {
  const RunConfig config = tiny();
  EXPECT_EQ(difference(config, load_job_data(config), config, load_job_data(config)), "");
}

TEST(JobCard, NamesWhatDiffersInTheModel) {
  const RunConfig config = tiny();
  const DataSplits data = load_job_data(config);
  RunConfig other = config;
  other.model = "mlp-5-3";
  const std::string text = difference(config, data, other, data);
  EXPECT_TRUE(text.starts_with("parameter ")) << text;
  EXPECT_NE(text.find("[4, 2] float32 on rank 0, [5, 2] float32 on rank 1"), std::string::npos)
      << text;
}

TEST(JobCard, OneChangedExampleIsSeenUnlessThatIsAskedFor) {
  RunConfig config = tiny();
  config.launch = Launch::kProcesses;  // threads share their data
  const DataSplits data = load_job_data(config);
  for (const bool inputs : {true, false}) {
    auto changed = std::make_shared<Dataset>(*data.train);
    at::Tensor& part = inputs ? changed->inputs : changed->targets;
    part = part.clone();
    part.select(0, 7).add_(1);
    config.own_data = false;
    const std::string text = difference(config, data, config, {changed, data.test});
    EXPECT_TRUE(text.starts_with("training data, checksum: ")) << text;
    config.own_data = true;
    EXPECT_EQ(difference(config, data, config, {changed, data.test}), "");
  }
  RunConfig fewer = config;
  fewer.train_samples = 39;
  EXPECT_EQ(difference(config, data, fewer, load_job_data(fewer)),
            "training examples: 40 on rank 0, 39 on rank 1; the workers of a run must agree on it");
}

TEST(JobCard, SettingsAreComparedButForAWorkersOwnAffairs) {
  const std::set<std::string> own = {
      "launch",  "backend",      "timeout",      "threads",    "device", "interface", "run-id",
      "elastic", "metrics-file", "metrics-port", "token-file", "out",    "init"};
  RunConfig defaults;
  for (const Setting& declared : settings_of(defaults)) {
    RunConfig config;
    for (const Setting& setting : settings_of(config)) {
      if (setting.key == declared.key) setting.set(another_value(setting));
    }
    const std::string text = first_difference({settings_card(RunConfig()), settings_card(config)});
    EXPECT_EQ(text.empty(), own.count(declared.key) == 1) << declared.key << ": " << text;
    EXPECT_TRUE(text.empty() || text.starts_with(declared.key + ": ")) << text;
  }
}

TEST(JobCard, PathsMayDiffer) {
  RunConfig a, b;
  a.data = "mnist:/here", b.data = "mnist:/there";
  a.model = "/here/net.pt", b.model = "net.pt";
  EXPECT_EQ(first_difference({settings_card(a), settings_card(b)}), "");
  b.data = "cifar10:/here";
  EXPECT_EQ(first_difference({settings_card(a), settings_card(b)}),
            "data: mnist on rank 0, cifar10 on rank 1; the workers of a run must agree on it");
}

}  // namespace
}  // namespace valley::job_card_test
