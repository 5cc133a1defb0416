// Every row of the tasks' table, trained by every row of the algorithms'.

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/algorithms/table.h"
#include "valley/comm/group.h"
#include "valley/models/registry.h"
#include "valley/task/task.h"
#include "valley/task/task_names.h"
#include "valley/train/rehearsal.h"
#include "valley/train/trainer.h"

namespace valley::tasks_test {
namespace {

constexpr int kWorkers = 2;

// y = 3 a - 2 b, or whether that is above 0; as labels also whether a is.
std::shared_ptr<const Dataset> plane(int64_t examples, double shift, const TaskName& task) {
  auto data = std::make_shared<Dataset>();
  const at::Tensor a = at::linspace(-1, 1, examples), b = (5 * a + shift).sin();
  const at::Tensor y = 3 * a - 2 * b;
  data->inputs = at::stack({a, b}, 1).view({examples, 2, 1, 1});
  data->targets = task.real_targets  ? y.view({examples, 1})
                  : task.many_labels ? at::stack({y.gt(0), a.gt(0)}, 1).to(at::kFloat)
                                     : y.gt(0).to(at::kLong);
  data->classes = task.real_targets ? 1 : 2;
  data->mean = {0, 0};
  data->stddev = {1, 1};
  return data;
}

// "abcabc...", as text:PATH would have it.
std::shared_ptr<const Dataset> alphabet(int64_t examples) {
  constexpr int64_t kContext = 6, kLetters = 5;
  const at::Tensor text = at::arange(examples * kContext + 1).remainder(kLetters).to(at::kByte);
  auto data = std::make_shared<Dataset>();
  data->inputs = text.narrow(0, 0, examples * kContext).view({examples, kContext});
  data->targets = text.narrow(0, 1, examples * kContext).view({examples, kContext});
  data->classes = data->vocabulary = kLetters;
  return data;
}

DataSplits splits_for(const TaskName& task) {
  if (task.of_text) return {alphabet(48), alphabet(20)};
  return {plane(48, 0, task), plane(20, 1, task)};
}

std::unique_ptr<Model> model_for(const Dataset& data) {
  if (!data.is_text()) return make_model("mlp-4-4", {.input = {2, 1, 1}, .classes = data.classes});
  return make_model("gpt-1-4", {.input = {1, 1, data.inputs.size(1)},
                                .classes = data.classes,
                                .vocabulary = data.vocabulary});
}

Summary train(const TaskName& task, const std::string& algorithm) {
  const DataSplits data = splits_for(task);
  TrainOptions options;
  options.task = task.name;
  options.algorithm = algorithm;
  options.epochs = 2;
  options.batch_size = 8;
  options.learning_rate.base = 0.01;
  Summary summary;
  run_threads(kWorkers, [&](Communicator& comm) {
    const auto model = model_for(*data.train);
    if (comm.rank() == 0) rehearse(*model, data, options, kWorkers);
    Trainer trainer(comm, *model, data, options);
    const Summary own = trainer.run();
    if (comm.rank() == 0) summary = own;
  });
  return summary;
}

TEST(EveryTask, IsTrainedByEveryAlgorithm) {
  for (const TaskName& task : task_table()) {
    const ScoreSheet& sheet = find_task(task.name).sheet();
    for (const AlgorithmEntry& algorithm : algorithms()) {
      SCOPED_TRACE(fmt::format("{} by {}", task.name, algorithm.name));
      const Summary summary = train(task, algorithm.name);
      for (const ScoreInfo& score : sheet.scores) {
        EXPECT_TRUE(std::isfinite(summary.train[score.name])) << score.name;
        EXPECT_TRUE(std::isfinite(summary.test[score.name])) << score.name;
      }
    }
  }
}

}  // namespace
}  // namespace valley::tasks_test
