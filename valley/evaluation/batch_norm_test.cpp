#include "valley/evaluation/batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/var_mean.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cmath>

#include "valley/comm/group.h"
#include "valley/core/random.h"
#include "valley/models/scripted.h"
#include "valley/models/state_dict.h"
#include "valley/models/wrap.h"

namespace valley::batch_norm_test {
namespace {

constexpr int64_t kBatch = 32;

// Images [N, 3, 4, 4] that are neither centred nor of unit variance.
std::shared_ptr<const Dataset> images(int64_t n) {
  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 3, 4, 4});
  Random random(5);
  float* value = data->inputs.data_ptr<float>();
  for (int64_t i = 0; i < data->inputs.numel(); ++i) {
    const double channel = static_cast<double>(i / 16 % 3);
    value[i] = static_cast<float>((1 + channel) * random.normal() + 5 * channel - 3);
  }
  data->targets = at::zeros({n}, at::kLong);
  data->classes = 2;
  data->mean = {0.5f, 0, -1};
  data->stddev = {1, 2, 0.5f};
  return data;
}

at::Tensor normalised(const Dataset& data) {
  at::Tensor x = data.inputs.to(at::kDouble);
  for (int64_t c = 0; c < 3; ++c) {
    x.select(1, c).sub_(data.mean[c]).div_(data.stddev[c]);
  }
  return x;
}

struct Statistics {
  at::Tensor mean, var;
};

// The formula of the header over batches of kBatch of h = f(batch), [B, C] or [B, C, H, W].
template <typename F>
Statistics pooled(const at::Tensor& x, const F& f) {
  at::Tensor first, second;
  const int64_t n = x.size(0);
  for (int64_t begin = 0; begin < n; begin += kBatch) {
    const int64_t size = std::min(kBatch, n - begin);
    const at::Tensor h = f(x.narrow(0, begin, size)).transpose(0, 1).flatten(1);  // [C, ...]
    const auto [var, mean] = at::var_mean(h, 1, /*unbiased=*/false);
    const at::Tensor weighted = mean * size, square = (var + mean * mean) * size;
    first = first.defined() ? first + weighted : weighted;
    second = second.defined() ? second + square : square;
  }
  const at::Tensor mean = first / n;
  return {mean, second / n - mean * mean};
}

// `scale`: of the values that a mean is of, which float32 rounds.
void expect_close(const at::Tensor& actual, const at::Tensor& expected, const char* what,
                  double scale = 1) {
  EXPECT_TRUE(at::allclose(actual.to(at::kDouble), expected.to(at::kDouble), 1e-6, 1e-6 * scale))
      << what << ": off by " << (actual - expected).abs().max().item<double>();
}

at::Tensor pattern(at::IntArrayRef sizes) {
  at::Tensor result = at::empty(sizes);
  Random random(9);
  for (int64_t i = 0; i < result.numel(); ++i) {
    result.data_ptr<float>()[i] = static_cast<float>(random.normal());
  }
  return result;
}

// BatchNorm, a convolution, BatchNorm, with a buffer and a frozen factor in between.
struct Net : torch::nn::Module {
  explicit Net(c10::optional<double> momentum, bool first_is_frozen = false)
      : frozen(first_is_frozen) {
    bn1 = register_module(
        "bn1", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(3).momentum(momentum)));
    conv =
        register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 5, 3).bias(false)));
    bn2 = register_module(
        "bn2", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(5).momentum(momentum)));
    factor = register_buffer("factor", at::full({1}, 1.5));
    scale = register_parameter("scale", at::full({1}, 2.0), /*requires_grad=*/false);
    const c10::NoGradGuard no_grad;
    conv->weight.copy_(pattern({5, 3, 3, 3}));
  }
  at::Tensor forward(const at::Tensor& x) { return bn2(conv(bn1(x) * factor * scale)).flatten(1); }
  void train(bool on) override {
    torch::nn::Module::train(on);
    if (frozen) bn1->eval();
  }

  torch::nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  torch::nn::Conv2d conv{nullptr};
  at::Tensor factor, scale;
  bool frozen;
};

at::Tensor after_conv(const Net& net, const at::Tensor& normal) {
  const at::Tensor weight = net.conv->weight.detach().to(at::kDouble);
  return at::conv2d(normal * 1.5 * 2, weight);
}

class Momenta : public testing::TestWithParam<c10::optional<double>> {};

TEST_P(Momenta, EqualsThePooledStatisticsForEveryNumberOfWorkers) {
  const c10::NoGradGuard no_grad;
  const auto data = images(150);  // the last batch has 22
  const at::Tensor x = normalised(*data);
  const Net reference(GetParam());
  const Statistics first = pooled(x, [](const at::Tensor& batch) { return batch; });
  const Statistics second = pooled(x, [&](const at::Tensor& batch) {
    return after_conv(reference, at::batch_norm(batch, {}, {}, {}, {}, true, 0, 1e-5, false));
  });

  std::vector<at::Tensor> results;
  for (const int workers : {1, 2, 3}) {
    run_threads(workers, [&](Communicator& comm) {
      const c10::NoGradGuard no_grad_here;
      const auto net = std::make_shared<Net>(GetParam());
      const auto model = wrap(net);
      const FlatParameters parameters(model->parameters(), model->buffers());
      net->bn1->num_batches_tracked.fill_(7);
      const at::Tensor values = parameters.values().clone();
      reestimate_batch_norm(*model, parameters, data, comm, {.batch_size = kBatch});

      expect_close(net->bn1->running_mean, first.mean, "first mean");
      expect_close(net->bn1->running_var, first.var, "first variance");
      expect_close(net->bn2->running_mean, second.mean, "second mean", 15);
      expect_close(net->bn2->running_var, second.var, "second variance");
      EXPECT_EQ(net->bn1->num_batches_tracked.item<int64_t>(), 7);
      EXPECT_EQ(net->bn2->num_batches_tracked.item<int64_t>(), 0);
      EXPECT_EQ(net->factor.item<float>(), 1.5f);
      EXPECT_EQ(net->scale.item<float>(), 2);
      EXPECT_TRUE(at::equal(parameters.values(), values));
      const at::Tensor buffers = comm.all_gather(parameters.buffers());
      for (int m = 1; m < workers; ++m) EXPECT_TRUE(at::equal(buffers[m], buffers[0])) << m;
      if (comm.rank() == 0) results.push_back(parameters.buffers().clone());
    });
  }
  EXPECT_TRUE(at::allclose(results[1], results[0], 1e-6, 1e-6));
  EXPECT_TRUE(at::allclose(results[2], results[0], 1e-6, 1e-6));
}

INSTANTIATE_TEST_SUITE_P(BatchNorm, Momenta,
                         testing::Values(0.1, 0.01, 0.003, 1.0, c10::nullopt, 0.123456789));

// In one batch the formula is the variance of all values at once.
TEST(BatchNorm, OneBatchIsTheWholeSet) {
  const auto data = images(150);
  const auto net = std::make_shared<Net>(0.1);
  const auto model = wrap(net);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const auto comm = make_solo();
  reestimate_batch_norm(*model, parameters, data, *comm);
  const auto [var, mean] = at::var_mean(normalised(*data).transpose(0, 1).flatten(1), 1, false);
  expect_close(net->bn1->running_mean, mean, "mean");
  expect_close(net->bn1->running_var, var, "variance");
}

// A layer that stays in eval mode keeps its statistics and normalises with them meanwhile.
TEST(BatchNorm, FrozenLayersKeepTheirStatistics) {
  const c10::NoGradGuard no_grad;
  const auto data = images(150);
  const at::Tensor mean = at::full({3}, 0.5), var = at::full({3}, 4.0);
  const Statistics second = pooled(normalised(*data), [&](const at::Tensor& batch) {
    return after_conv(Net(0.1), (batch - 0.5) / std::sqrt(4 + 1e-5));
  });
  for (const int workers : {1, 3}) {
    run_threads(workers, [&](Communicator& comm) {
      const auto net = std::make_shared<Net>(0.1, /*first_is_frozen=*/true);
      const auto model = wrap(net);
      const FlatParameters parameters(model->parameters(), model->buffers());
      net->bn1->running_mean.copy_(mean);
      net->bn1->running_var.copy_(var);
      reestimate_batch_norm(*model, parameters, data, comm, {.batch_size = kBatch});
      EXPECT_TRUE(at::equal(net->bn1->running_mean, mean));
      EXPECT_TRUE(at::equal(net->bn1->running_var, var));
      expect_close(net->bn2->running_mean, second.mean, "second mean", 15);
      expect_close(net->bn2->running_var, second.var, "second variance");
    });
  }
}

TEST(BatchNorm, WorkersWithoutABatchAgree) {
  const auto data = images(40);
  run_threads(3, [&](Communicator& comm) {
    const auto net = std::make_shared<Net>(0.1);
    const auto model = wrap(net);
    const FlatParameters parameters(model->parameters(), model->buffers());
    reestimate_batch_norm(*model, parameters, data, comm, {.batch_size = kBatch});
    const Statistics first = pooled(normalised(*data), [](const at::Tensor& b) { return b; });
    expect_close(net->bn1->running_mean, first.mean, "mean");
    expect_close(net->bn1->running_var, first.var, "variance");
  });
}

struct Dense : torch::nn::Module {
  Dense() {
    bn = register_module("bn", torch::nn::BatchNorm1d(3));
    fc = register_module("fc", torch::nn::Linear(3, 2));
  }
  at::Tensor forward(const at::Tensor& x) { return fc(bn(x.mean({2, 3}))); }
  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear fc{nullptr};
};

// A batch of one example has no variance per feature; the example joins the batch before.
TEST(BatchNorm, ASingleExampleLeftOver) {
  const auto data = images(2 * kBatch + 1);
  const auto net = std::make_shared<Dense>();
  const auto model = wrap(net);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const auto comm = make_solo();
  reestimate_batch_norm(*model, parameters, data, *comm, {.batch_size = kBatch});

  const at::Tensor h = normalised(*data).mean({2, 3});
  const auto [var, mean] = at::var_mean(h, 0, false);
  expect_close(net->bn->running_mean, mean, "mean");
  expect_close(net->bn->running_var, var, "variance");
}

// One value a channel and example (BatchNorm1d), sixteen (BatchNorm2d).
struct OneAndSixteen : torch::nn::Module {
  OneAndSixteen() {
    one = register_module("one", torch::nn::BatchNorm1d(3));
    sixteen = register_module("sixteen", torch::nn::BatchNorm2d(3));
    fc = register_module("fc", torch::nn::Linear(3, 2));
  }
  at::Tensor forward(const at::Tensor& x) {
    return fc(one(x.select(3, 1).select(2, 2)) + sixteen(x).mean({2, 3}));
  }
  torch::nn::BatchNorm1d one{nullptr};
  torch::nn::BatchNorm2d sixteen{nullptr};
  torch::nn::Linear fc{nullptr};
};

// 0, 2, 4, ... 2 (N - 1) in one channel, its double and a half in the others: the mean is N - 1,
// the variance (N^2 - 1) / 3. Unbiased batch variances would be wider by (1 + 1 / batch).
TEST(BatchNorm, TheStatisticsAreThoseOfAllExamplesHoweverTheyAreCut) {
  const int64_t n = 100;
  const auto data = std::make_shared<Dataset>(*images(n));
  const std::vector<double> scale = {1, 2, 0.5};
  for (int64_t i = 0; i < data->inputs.numel(); ++i) {
    data->inputs.data_ptr<float>()[i] =
        static_cast<float>(2 * (i / 48) * scale[static_cast<size_t>(i / 16 % 3)]);
  }
  data->mean = {0, 0, 0};
  data->stddev = {1, 1, 1};
  const double mean = n - 1, var = (n * n - 1) / 3.0;
  for (const int64_t batch : {2, 7, 32, 100, 1000}) {
    for (const int workers : {1, 2, 3}) {
      run_threads(workers, [&](Communicator& comm) {
        const auto net = std::make_shared<OneAndSixteen>();
        const auto model = wrap(net);
        const FlatParameters parameters(model->parameters(), model->buffers());
        reestimate_batch_norm(*model, parameters, data, comm, {.batch_size = batch});
        for (int64_t c = 0; c < 3; ++c) {
          const double s = scale[static_cast<size_t>(c)];
          for (const at::Tensor& found : {net->one->running_mean, net->sixteen->running_mean}) {
            EXPECT_NEAR(found[c].item<double>() / (s * mean), 1, 1e-6) << batch << ", " << workers;
          }
          for (const at::Tensor& found : {net->one->running_var, net->sixteen->running_var}) {
            EXPECT_NEAR(found[c].item<double>() / (s * s * var), 1, 1e-6)
                << batch << ", " << workers;
          }
        }
      });
    }
  }
}

// Buffers of the same names that something else keeps: the mean is pooled over examples, and the
// variance counts as it is.
struct ByHand : torch::nn::Module {
  ByHand() {
    running_mean = register_buffer("running_mean", at::zeros({3}));
    running_var = register_buffer("running_var", at::ones({3}));
    fc = register_module("fc", torch::nn::Linear(3, 2));
  }
  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor h = x.mean({2, 3});
    if (is_training()) {
      const auto [var, mean] = at::var_mean(h, 0, /*unbiased=*/false);
      running_mean.mul_(0.5).add_(mean, 0.5);
      running_var.mul_(0.5).add_(var, 0.5);
    }
    return fc((h - running_mean) / running_var.sqrt());
  }
  at::Tensor running_mean, running_var;
  torch::nn::Linear fc{nullptr};
};

TEST(BatchNorm, StatisticsKeptByHandArePooledAsTheyAre) {
  const auto data = images(3 * kBatch);
  const auto net = std::make_shared<ByHand>();
  const auto model = wrap(net);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const auto comm = make_solo();
  reestimate_batch_norm(*model, parameters, data, *comm, {.batch_size = kBatch});
  const auto [var, mean] = at::var_mean(normalised(*data).mean({2, 3}), 0, false);
  expect_close(net->running_mean, mean, "mean");
  expect_close(net->running_var, var, "variance");
}

struct Plain : torch::nn::Module {
  Plain() {
    fc = register_module("fc", torch::nn::Linear(48, 2));
    shift = register_buffer("shift", at::ones({1}));
  }
  at::Tensor forward(const at::Tensor& x) {
    ++calls;
    return fc(x.flatten(1)) + shift;
  }
  torch::nn::Linear fc{nullptr};
  at::Tensor shift;
  int calls = 0;
};

TEST(BatchNorm, AModelWithoutItIsNotEvenRun) {
  const auto net = std::make_shared<Plain>();
  const auto model = wrap(net);
  const FlatParameters parameters(model->parameters(), model->buffers());
  const auto comm = make_solo();
  reestimate_batch_norm(*model, parameters, images(10), *comm);
  EXPECT_EQ(net->calls, 0);
  EXPECT_EQ(net->shift.item<float>(), 1);
}

// TorchScript, written by Python, against the C++ module with the same weights.
TEST(BatchNorm, TorchScriptGivesTheSame) {
  const std::string scripts = "tests/golden/scripts/norms-";
  const auto data = images(100);
  for (const std::string name : {"tenth", "none"}) {
    const auto momentum = name == "none" ? c10::optional<double>() : 0.1;
    const auto script = ScriptedModel::load(scripts + name + ".pt");
    const auto net = std::make_shared<Net>(momentum);
    const auto twin = wrap(net);
    load_state_dict(*twin, state_dict(*script));
    const FlatParameters script_parameters(script->parameters(), script->buffers()),
        twin_parameters(twin->parameters(), twin->buffers());
    const auto comm = make_solo();
    reestimate_batch_norm(*script, script_parameters, data, *comm, {.batch_size = kBatch});
    reestimate_batch_norm(*twin, twin_parameters, data, *comm, {.batch_size = kBatch});
    EXPECT_TRUE(at::allclose(script_parameters.buffers(), twin_parameters.buffers(), 1e-6, 1e-6))
        << name;
    EXPECT_GT(net->bn1->running_mean.abs().max().item<double>(), 0.5);
  }

  // Traced in eval mode, so that its statistics are what they are.
  const auto traced = ScriptedModel::load(scripts + "traced.pt");
  const FlatParameters parameters(traced->parameters(), traced->buffers());
  const at::Tensor before = parameters.buffers().clone();
  const auto comm = make_solo();
  reestimate_batch_norm(*traced, parameters, data, *comm, {.batch_size = kBatch});
  EXPECT_TRUE(at::equal(parameters.buffers(), before));
}

}  // namespace
}  // namespace valley::batch_norm_test
