/// A torch::nn module of your own, trained by Valley's Trainer: wrap() makes it a valley::Model,
/// everything else (data, DPPF, evaluation, checkpoints, the run folder) stays the library's.
///
///     own_module [EPOCHS [RUN_FOLDER]]
#include <ATen/Parallel.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <cstdio>
#include <cstdlib>

#include "valley/algorithms/dppf.h"
#include "valley/comm/group.h"
#include "valley/models/initialisation.h"
#include "valley/models/wrap.h"
#include "valley/record/run_folder.h"
#include "valley/train/rehearsal.h"
#include "valley/train/trainer.h"

struct Net : torch::nn::Module {
  Net() {
    register_module("conv", conv);
    register_module("norm", norm);
    register_module("linear", linear);
  }

  at::Tensor forward(const at::Tensor& input) {  // [B, 1, 28, 28]
    const at::Tensor features = at::max_pool2d(at::relu(norm(conv(input))), 4);
    return linear(features.flatten(1));  // [B, 10]
  }

  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(1, 8, 5)};
  torch::nn::BatchNorm2d norm{8};
  torch::nn::Linear linear{8 * 6 * 6, 10};
};

int main(int argc, char** argv) {
  valley::TrainOptions options;
  options.algorithm = "dppf";
  options.algorithm_options = valley::DppfOptions{.pull_push = {.pull = 0.1, .push = 0.2},
                                                  .period = valley::parse_period("4")};
  options.epochs = argc > 1 ? std::atoll(argv[1]) : 5;
  options.learning_rate = {.shape = valley::LrShape::kCosine, .base = 0.03};
  options.model_name = "net";
  options.data_name = "blobs";
  if (argc > 2) options.out = argv[2];

  constexpr int kWorkers = 4;
  const valley::DataSplits data = valley::load_data("blobs", {});
  const auto make_model = [&] {
    const valley::InitialisationScope seeded(options.seed);  // the same weights in every run
    return valley::wrap(std::make_shared<Net>());
  };
  // What would fail hours later fails now, before there is a run folder.
  valley::rehearse(*make_model(), data, options, kWorkers);
  if (!options.out.empty()) valley::RunFolder::create(options.out);

  valley::run_threads(kWorkers, [&](valley::Communicator& comm) {
    at::set_num_threads(1);  // a worker's share of the cores
    const auto model = make_model();
    valley::Trainer trainer(comm, *model, data, options);
    const valley::Summary summary = trainer.run();
    // The model now holds the average of the workers.
    if (comm.rank() == 0) {
      std::printf("test accuracy %.2f %%   valley width %.3f (predicted %.3f)   %lld rounds\n",
                  100 * summary.test["accuracy"], summary.valley_width, summary.predicted_width,
                  static_cast<long long>(summary.rounds));
    }
  });
}
