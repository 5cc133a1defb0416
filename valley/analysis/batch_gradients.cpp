#include "valley/analysis/batch_gradients.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"

namespace valley {

struct BatchGradients::Replica {
  Replica(std::unique_ptr<Model> made, DecayRule rule, std::shared_ptr<const Dataset> data,
          const Dataset& statistics)
      : model(std::move(made)),
        parameters(*model, rule),
        loader(std::move(data), statistics, Augmentation{}, /*seed=*/0, /*worker=*/0) {}

  std::unique_ptr<Model> model;
  FlatParameters parameters;
  Loader loader;
};

BatchGradients::BatchGradients(const MakeModel& make_model, std::shared_ptr<const Dataset> data,
                               const Dataset& statistics, DecayRule rule, int threads) {
  require(threads >= 1, "threads must be at least 1, got {}", threads);
  for (int i = 0; i < threads; ++i) {
    replicas_.push_back(std::make_unique<Replica>(make_model(), rule, data, statistics));
  }
}

BatchGradients::~BatchGradients() = default;

at::Tensor BatchGradients::mean(const std::vector<at::Tensor>& points,
                                const std::vector<std::vector<int64_t>>& batches) {
  require(!points.empty() && points.size() == batches.size(), "{} points for {} mini-batches",
          points.size(), batches.size());
  const int caller_threads = at::get_num_threads();
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::vector<at::Tensor> sums(replicas_.size());
  run_threads(static_cast<int>(replicas_.size()), [&](Communicator& comm) {
    at::set_num_threads(std::max(1, cores / comm.size()));
    auto& [model, parameters, loader] = *replicas_[comm.rank()];
    at::Tensor& sum = sums[comm.rank()];
    sum = at::zeros({parameters.size()}, at::kDouble);
    model->train(false);
    for (size_t j = comm.rank(); j < points.size(); j += comm.size()) {
      const c10::NoGradGuard no_grad;
      const BorrowedValues borrowed(parameters, points[j]);
      const c10::AutoGradMode with_grad(true);
      const Batch batch = loader.gather(batches[j], /*step=*/0);
      const auto parts = torch::autograd::grad(
          {at::cross_entropy_loss(model->forward(batch.input), batch.target)},
          parameters.parameters(), /*grad_outputs=*/{}, /*retain_graph=*/false,
          /*create_graph=*/false, /*allow_unused=*/true);
      for (size_t i = 0; i < parts.size(); ++i) {
        const NamedRange& range = parameters.ranges()[i];
        if (parts[i].defined())
          sum.narrow(0, range.offset, range.size).add_(parts[i].detach().reshape(-1));
      }
    }
  });
  at::set_num_threads(caller_threads);  // of this thread, which was worker 0 if it was alone
  for (size_t i = 1; i < sums.size(); ++i) sums[0].add_(sums[i]);
  return sums[0].div_(static_cast<double>(points.size()));
}

}  // namespace valley
