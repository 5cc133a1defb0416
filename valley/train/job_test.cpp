#include "valley/train/job.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/models/safetensors.h"
#include "valley/models/scripted.h"
#include "valley/models/state_dict.h"
#include "valley/record/run_folder.h"
#include "valley/core/testing/test_folder.h"

namespace valley {
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
  config.lr = 0.1;
  config.push = 0.05;
  config.threads = 1;
  return config;
}

std::vector<Summary> run(const RunConfig& config) {
  std::vector<Summary> summaries(config.workers);
  const DataSplits data = load_job_data(config);
  run_threads(static_cast<int>(config.workers), [&](Communicator& comm) {
    summaries[comm.rank()] = run_job(config, data, comm, {});
  });
  return summaries;
}

TEST(Job, TrainsWhatIsConfigured) {
  const TestFolder folder;
  RunConfig config = xor_config();
  config.out = folder.path().string();
  const Summary summary = run(config)[0];
  EXPECT_EQ(summary.steps, 60);
  EXPECT_EQ(summary.model, "mlp");
  EXPECT_EQ(summary.data, "xor");
  EXPECT_GT(summary.test_accuracy, 0.95);
  EXPECT_TRUE(std::filesystem::exists(folder / "model.safetensors"));
  EXPECT_FALSE(std::filesystem::exists(folder / "model.pt"));
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
  EXPECT_EQ(message([](RunConfig& c) { c.warmup_steps = 61; }),
            "--warmup-steps must be between 0 and the run's 60 steps, got 61");
  EXPECT_EQ(message([](RunConfig& c) { c.crop_padding = 1; }),
            "--crop-padding must be in [0, 1) for images of 1 x 1, got 1");
  EXPECT_TRUE(message([](RunConfig& c) {
                c.model = "mpl";
              }).starts_with("unknown model 'mpl'; did you mean 'mlp'?"));
  EXPECT_EQ(message([](RunConfig& c) { c.model = "missing.pt"; }),
            "cannot read missing.pt: No such file or directory");
  EXPECT_TRUE(message([](RunConfig& c) { c.data = "xro"; }).starts_with("unknown data set 'xro'"));
}

// A TorchScript file with dropout and BatchNorm: the same bits in every run, and back as model.pt.
TEST(Job, ATorchScriptFileIsTrainedReproducibly) {
  const TestFolder folder;
  spill(folder / "export.py", R"(
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Flatten(), nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3),
                    nn.Linear(16, 2))
torch.jit.script(net).save("net.pt")
)");
  const std::string command =
      "cd " + folder.path().string() + " && OMP_NUM_THREADS=1 /usr/bin/python3 export.py";
  ASSERT_EQ(std::system(command.c_str()), 0);

  RunConfig config = xor_config();
  config.model = (folder / "net.pt").string();
  config.workers = 3;
  for (const std::string name : {"a", "b", "c"}) {
    std::filesystem::create_directories(folder / name);
    config.out = (folder / name).string();
    config.seed = name == "c" ? 1 : 0;
    EXPECT_EQ(run(config)[0].status, "finished");
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
}

}  // namespace
}  // namespace valley
