#include "valley/runs/finished_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/safetensors.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_lock.h"
#include "valley/record/run_state.h"
#include "valley/runs/testing/tiny_run.h"
#include "valley/runs/train_run.h"
#include "valley/train/checkpoint.h"
#include "valley/train/job.h"
#include "valley/train/model_file.h"

namespace valley::finished_run_test {
namespace {

namespace fs = std::filesystem;

std::string open_error(const std::string& folder) {
  return error_of<UsageError>([&] { FinishedRun::open(folder); });
}

std::string weights_error(const std::string& folder) {
  return error_of<UsageError>([&] {
    const FinishedRun run = FinishedRun::open(folder);
    run.load_weights(run.load_data());
  });
}

class AFinishedRun : public testing::Test {
 protected:
  void SetUp() override { train_or_resume(tiny_run(out), ""); }

  // A worker's file with another x.
  void replace_x(int worker, const at::Tensor& x) {
    const std::string file = worker_file(worker);
    TensorFile content = load_safetensors(file);
    for (auto& [name, tensor] : content.tensors) {
      if (name == "x") tensor = x;
    }
    save_safetensors(file, content.tensors, content.metadata);
    // A manifest without the checksums of its files, as earlier versions wrote it.
    const fs::path manifest = fs::path(file).parent_path() / "manifest.json";
    Json values = read_json(manifest);
    values.erase("files");
    write_json(manifest, values);
  }
  std::string worker_file(int worker) {
    const Manifest manifest = *Checkpoints(folder / "run" / "checkpoints").latest();
    return (Checkpoints(folder / "run" / "checkpoints").path_of(manifest.step) /
            fmt::format("worker-{}.safetensors", worker))
        .string();
  }

  const TestFolder folder;
  const std::string out = (folder / "run").string();
};

TEST_F(AFinishedRun, SaysWhatToDoAboutADamagedSummary) {
  const std::string remedy =
      "; valley train --resume " + out + " writes it anew from the last checkpoint";
  const fs::path file = folder / "run" / "summary.json";
  Json json = read_json(file);
  json.erase("steps");
  write_json(file, json);
  EXPECT_EQ(open_error(out), "the summary of the run is damaged: key 'steps' not found" + remedy);
  spill(file, "{");
  EXPECT_EQ(open_error(out), file.string() + " is not JSON: it breaks at byte 2 of 1" + remedy);
}

TEST_F(AFinishedRun, GivesBackWhatItEndedWith) {
  const FinishedRun run = FinishedRun::open(out);
  EXPECT_EQ(run.folder(), out);
  EXPECT_EQ(run.workers(), 3);
  RunConfig trained = run.config(), expected = trained;
  set(expected, "push", 0.2);
  EXPECT_EQ(to_config(trained), to_config(expected));
  EXPECT_EQ(run.decay_rule(), DecayRule::kMatrices);
  const DataSplits data = run.load_data();
  EXPECT_EQ(data.train->size(), 120);

  const RunWeights weights = run.load_weights(data);
  ASSERT_EQ(weights.workers.size(), 3u);
  EXPECT_TRUE(at::allclose(at::stack(weights.workers).mean(0), weights.average, 1e-5, 1e-7));
  double width = 0;
  for (const auto& x : weights.workers) width += (x - weights.average).norm().item<double>() / 3;
  EXPECT_NEAR(width, run.summary().valley_width, 1e-5 * width);
  EXPECT_GT(width, 0.1);
  EXPECT_EQ(weights.ranges.front().name.substr(weights.ranges.front().name.size() - 6), "weight");

  RunConfig untrained = tiny_run("");
  const auto fresh = make_job_model(untrained, data);
  EXPECT_TRUE(at::equal(
      weights.initial,
      FlatParameters(fresh->parameters(), fresh->buffers(), DecayRule::kMatrices).values()));

  const auto model = run.make_model(data);
  const FlatParameters parameters(model->parameters(), model->buffers(), run.decay_rule());
  EXPECT_TRUE(at::equal(parameters.values(), weights.average));
  const auto solo = make_solo();
  EXPECT_NEAR(evaluate(*model, data.train, *data.train, *solo).loss(), run.summary().train.loss(),
              1e-6);
}

TEST_F(AFinishedRun, IsRefusedWhereSomethingIsMissing) {
  const fs::path run = folder / "run";
  EXPECT_EQ(weights_error(out), "no error");

  Json summary = read_json(run / "summary.json");
  summary["status"] = "interrupted";
  write_json(run / "summary.json", summary);
  EXPECT_EQ(open_error(out), fmt::format("{} is not finished, it was interrupted after step {}; "
                                         "valley train --resume {} goes on",
                                         out, summary["steps"].get<int64_t>(), out));
  summary["status"] = "finished";
  summary["steps"] = 1000;
  write_json(run / "summary.json", summary);
  EXPECT_EQ(open_error(out), out +
                                 " has no checkpoint of its last step, 1000: every worker's own "
                                 "weights were there");
  fs::rename(run / "summary.json", run / "elsewhere.json");
  const int64_t step = Checkpoints(run / "checkpoints").latest()->step;
  EXPECT_EQ(open_error(out),
            fmt::format("{} is not finished, it broke off: killed, or something failed; valley "
                        "train --resume {} goes on from step {}",
                        out, out, step));
  note_divergence(out, 1, "the loss is nan at step 4 on worker 1; and so on");
  EXPECT_EQ(open_error(out),
            out + " diverged: the loss is nan at step 4 on worker 1; a smaller lr may help");
  {
    const RunLock lock(out);
    EXPECT_EQ(open_error(out), out + " is not finished, it is being trained now");
  }
  forget_divergence(out);
  fs::remove_all(run / "checkpoints");
  EXPECT_EQ(open_error(out), out +
                                 " is not finished, it broke off: killed, or something failed; "
                                 "valley train --resume " +
                                 out + " begins again");
  fs::rename(run / "config.toml", run / "elsewhere.toml");
  EXPECT_EQ(open_error(out), out + " is no run folder: config.toml is missing");
  EXPECT_EQ(open_error(out + "-not"), out + "-not is no run folder: there is no such folder");
}

TEST_F(AFinishedRun, NeedsItsModel) {
  fs::remove(folder / "run" / "model.safetensors");
  EXPECT_EQ(open_error(out), out + " has no model.safetensors");
  save_safetensors((folder / "run" / "model.safetensors").string(), {});
  EXPECT_TRUE(weights_error(out).starts_with(out + "/model.safetensors: ")) << weights_error(out);
  spill(folder / "run" / "model.safetensors", "short");
  EXPECT_TRUE(weights_error(out).starts_with(out + "/model.safetensors is cut short"))
      << weights_error(out);
}

TEST_F(AFinishedRun, NeedsWeightsThatAreNumbersAndFit) {
  const FinishedRun run = FinishedRun::open(out);
  const at::Tensor average = run.load_weights(run.load_data()).average;
  replace_x(1, at::full_like(average, std::numeric_limits<float>::quiet_NaN()));
  EXPECT_EQ(weights_error(out), out + ": the weights of worker 1 are not finite, it diverged");
  replace_x(1, average.slice(0, 1));
  EXPECT_EQ(weights_error(out), out + ": the checkpoint of worker 1 is of another model");
  replace_x(1, average);
  fs::remove(worker_file(2));
  const std::string error = weights_error(out);
  EXPECT_TRUE(error.starts_with("cannot read " + worker_file(2))) << error;
  EXPECT_TRUE(
      error.ends_with("; train it again: valley train --config " + out + "/config.toml --out NEW"))
      << error;
}

TEST_F(AFinishedRun, OfATorchScriptFileNeedsNoFile) {
  const std::string script = (folder / "net.pt").string();
  fs::copy_file("tests/golden/scripts/linear.pt", script);
  RunConfig config = tiny_run((folder / "scripted").string());
  config.model = script;
  train_or_resume(config, "");

  const FinishedRun run = FinishedRun::open(config.out);
  const DataSplits data = run.load_data();
  const RunWeights before = run.load_weights(data);
  EXPECT_GT((before.initial - before.average).norm().item<double>(), 0);
  fs::remove(script);
  for (const char* copy : {kInitialModel, kInitialRecord}) fs::remove(fs::path(config.out) / copy);
  const RunWeights after = run.load_weights(data);
  EXPECT_TRUE(at::equal(after.average, before.average));
  EXPECT_FALSE(after.initial.defined());  // a folder of a time without copies

  fs::copy_file(folder / "scripted" / "model.pt", script);  // any network of this shape
  keep_model_file(config);
  fs::remove(script);
  fs::rename(folder / "scripted", folder / "moved");
  const FinishedRun moved = FinishedRun::open((folder / "moved").string());
  EXPECT_TRUE(at::equal(moved.load_weights(data).initial, before.average));
  fs::rename(folder / "moved", folder / "scripted");
  fs::remove(folder / "scripted" / "model.pt");
  EXPECT_EQ(open_error(config.out), config.out + " has no model.pt");
}

TEST(RunFolders, AreTheRunsOfAFolderOfRuns) {
  const TestFolder folder;
  for (const char* name : {"b", "a", "none"}) fs::create_directory(folder / name);
  spill(folder / "a" / "config.toml", "");
  spill(folder / "b" / "config.toml", "");
  const std::string all = folder.path().string(), a = (folder / "a").string(),
                    b = (folder / "b").string(), none = (folder / "none").string();
  EXPECT_EQ(run_folders({b, all}), (std::vector<std::string>{b, a, b}));
  EXPECT_EQ(error_of<UsageError>([&] { run_folders({none}); }),
            none + " is no run folder: config.toml is missing");
  EXPECT_EQ(error_of<UsageError>([&] { run_folders({a + "/config.toml"}); }),
            a + "/config.toml is no run folder: there is no such folder");
}

TEST_F(AFinishedRun, IsOpenedOnce) {
  EXPECT_EQ(open_runs({out}).runs.size(), 1u);
  EXPECT_EQ(error_of<UsageError>([&] { open_runs({out, out + "/"}); }), out + "/ is given twice");
  EXPECT_EQ(error_of<UsageError>([] { open_runs({}); }), "give the folders of finished runs");
}

TEST_F(AFinishedRun, StandsAmongOthersThatAreLeftOut) {
  fs::create_directory(folder / "other");
  fs::copy_file(folder / "run" / "config.toml", folder / "other" / "config.toml");
  const OpenedRuns opened = open_runs({folder.path().string()}, RunsAre::kRead);
  ASSERT_EQ(opened.runs.size(), 1u);
  EXPECT_EQ(opened.runs[0].folder(), out);
  EXPECT_EQ(opened.left_out,
            std::vector<std::string>{(folder / "other").string() + " is broken off"});
}

}  // namespace
}  // namespace valley::finished_run_test
