#include "valley/train/testing/small_training.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/comm/group.h"
#include "valley/core/random.h"
#include "valley/models/device.h"
#include "valley/models/wrap.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/testing/test_device.h"

namespace valley {
namespace {

constexpr int64_t kSide = 6, kClasses = 4;

void fill(torch::nn::Module& module, uint64_t seed, at::ScalarType type) {
  const at::NoGradGuard no_grad;
  Random random(seed + 1);
  for (auto& parameter : module.parameters()) {
    const at::Tensor values = at::empty(parameter.sizes(), at::kDouble);
    const double scale =
        parameter.dim() > 1 ? 1 / std::sqrt(double(parameter.numel() / parameter.size(0))) : 0.1;
    for (int64_t i = 0; i < values.numel(); ++i) {
      values.data_ptr<double>()[i] = scale * random.normal();
    }
    parameter.set_data(values.to(type));
  }
}

struct Plain : torch::nn::Module {
  Plain() {
    fc1 = register_module("fc1", torch::nn::Linear(kSide * kSide, 9));
    fc2 = register_module("fc2", torch::nn::Linear(9, kClasses));
  }
  at::Tensor forward(const at::Tensor& x) {
    return fc2(at::relu(fc1(x.flatten(1).to(at::kDouble))));
  }
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
};

struct Norm : torch::nn::Module {
  Norm() {
    conv = register_module("conv", torch::nn::Conv2d(1, 5, 3));
    bn = register_module("bn", torch::nn::BatchNorm2d(5));
    fc = register_module("fc", torch::nn::Linear(5 * 16, kClasses));
  }
  at::Tensor forward(const at::Tensor& x) {
    return fc(at::dropout(at::relu(bn(conv(x))).flatten(1), 0.2, is_training()));
  }
  torch::nn::Conv2d conv{nullptr};
  torch::nn::BatchNorm2d bn{nullptr};
  torch::nn::Linear fc{nullptr};
};

struct Drop : torch::nn::Module {
  Drop() {
    fc1 = register_module("fc1", torch::nn::Linear(kSide * kSide, 12));
    fc2 = register_module("fc2", torch::nn::Linear(12, kClasses));
  }
  at::Tensor forward(const at::Tensor& x) {
    return fc2(at::dropout(at::relu(fc1(x.flatten(1))), 0.3, is_training()));
  }
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
};

template <typename Module>
std::unique_ptr<Model> make(uint64_t seed, at::ScalarType type = at::kFloat) {
  auto module = std::make_shared<Module>();
  fill(*module, seed, type);
  return wrap(module);
}

std::shared_ptr<const Dataset> make_images(int64_t n, uint64_t seed) {
  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 1, kSide, kSide}, at::kByte);
  data->targets = at::empty({n}, at::kLong);
  Random random(seed);
  uint8_t* pixel = data->inputs.data_ptr<uint8_t>();
  for (int64_t i = 0; i < n; ++i) {
    const int64_t target = i % kClasses;
    data->targets.data_ptr<int64_t>()[i] = target;
    for (int64_t k = 0; k < kSide * kSide; ++k) {
      const bool bright = k / 9 == target;
      *pixel++ = static_cast<uint8_t>((bright ? 120 : 0) + random.below(130));
    }
  }
  data->classes = kClasses;
  data->mean = {0.35f};
  data->stddev = {0.25f};
  return data;
}

}  // namespace

std::unique_ptr<Model> small_model(SmallModel kind, uint64_t seed) {
  switch (kind) {
    case SmallModel::kPlain:
      break;
    case SmallModel::kBatchNorm:
      return make<Norm>(seed);
    case SmallModel::kDropout:
      return make<Drop>(seed);
  }
  return make<Plain>(seed, at::kDouble);
}

DataSplits small_data(int64_t examples) { return {make_images(examples, 1), make_images(40, 2)}; }

TrainOptions small_options(const std::string& algorithm) {
  TrainOptions options;
  options.algorithm = algorithm;
  // A ring of three has no two sides, a star has them always.
  options.algorithm_options = find_algorithm(algorithm).with(
      {{"period", "4"}, {"topology", algorithm == "ad-psgd" ? "star" : "ring"}});
  options.steps = 20;
  options.batch_size = 4;
  options.optimizer.momentum = find_algorithm(algorithm).default_momentum();
  options.learning_rate.base = 0.05;
  options.seed = 11;
  return options;
}

void SmallTraining::set(const std::string& key, const SettingValue& value) {
  if (options.algorithm_options.has(key)) {
    valley::set(options.algorithm_options.settings(), key, value);
  }
}

Outcome train(const SmallTraining& training) {
  Outcome outcome;
  outcome.summaries.resize(training.workers);
  outcome.x.resize(training.workers);
  const DataSplits data =
      training.data.train ? training.data : small_data(kSmallExamples * training.workers);
  run_threads(training.workers, [&](Communicator& comm) {
    at::set_num_threads(1);
    const auto model = training.model ? training.model() : small_model(SmallModel::kPlain);
    move_to(*model, test_device());
    Trainer trainer(comm, *model, data, training.options);
    trainer.set_progress(training.progress);
    trainer.set_stop_flag(training.stop);
    outcome.summaries[comm.rank()] = trainer.run();
    outcome.x[comm.rank()] = trainer.parameters().values().cpu().clone();
  });
  return outcome;
}

std::vector<std::string> metrics_without_seconds(const std::filesystem::path& folder) {
  std::vector<std::string> lines;
  for (const Json& record : read_metrics(folder / RunFolder::kMetrics)) {
    Json kept = Json::object();
    for (const auto& [key, value] : record.items()) {
      if (!key.starts_with("seconds")) kept[key] = value;
    }
    lines.push_back(kept.dump());
  }
  return lines;
}

}  // namespace valley
