#include "valley/analysis/batch_gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

#include "valley/analysis/sum_over_threads.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/models/model_pass.h"

namespace valley {

struct BatchGradients::Replica {
  Replica(std::unique_ptr<Model> made, DecayRule rule, std::shared_ptr<const Dataset> data,
          const Dataset& statistics)
      : model(std::move(made)),
        parameters(model->parameters(), model->buffers(), rule),
        loader(std::move(data), statistics, Augmentation{}, /*seed=*/0, /*worker=*/0,
               parameters.values().device()) {}

  std::unique_ptr<Model> model;
  FlatParameters parameters;
  Loader loader;
};

BatchGradients::BatchGradients(const MakeModel& make_model, std::shared_ptr<const Dataset> data,
                               const Dataset& statistics, DecayRule rule, int threads,
                               const Task& task)
    : task_(task), data_(data) {
  require(threads >= 1, "threads must be at least 1, got {}", threads);
  for (int i = 0; i < threads; ++i) {
    replicas_.push_back(std::make_unique<Replica>(make_model(), rule, data, statistics));
  }
}

BatchGradients::~BatchGradients() = default;

void BatchGradients::set_buffers(const at::Tensor& buffers) {
  for (const auto& replica : replicas_) at::Tensor(replica->parameters.buffers()).copy_(buffers);
}

at::Tensor BatchGradients::statistics_at(const at::Tensor& x) {
  const auto& ranges = replicas_.front()->parameters.buffer_ranges();
  const bool any = std::any_of(ranges.begin(), ranges.end(), [](const NamedRange& range) {
    return range.name.ends_with("running_mean");
  });
  if (!any) return {};
  const at::Tensor sum =
      sum_over_threads(static_cast<int>(replicas_.size()), [&](Communicator& comm) {
        auto& [model, parameters, loader] = *replicas_[comm.rank()];
        const BorrowedValues borrowed(parameters, x);
        reestimate_batch_norm(*model, parameters, data_, comm);
        model->train(false);
        // All threads have found the same.
        const at::Tensor found = parameters.buffers().to(at::kDouble);
        return comm.rank() == 0 ? found.clone() : at::zeros_like(found);
      });
  return sum.to(replicas_.front()->parameters.buffers().scalar_type());
}

at::Tensor BatchGradients::mean(const std::vector<at::Tensor>& points,
                                const std::vector<std::vector<int64_t>>& batches,
                                const std::vector<at::Tensor>& statistics) {
  require(statistics.empty() || statistics.size() == points.size(),
          "{} points with {} sets of statistics", points.size(), statistics.size());
  require(!points.empty() && points.size() == batches.size(), "{} points for {} mini-batches",
          points.size(), batches.size());
  const at::Tensor sum =
      sum_over_threads(static_cast<int>(replicas_.size()), [&](Communicator& comm) {
        auto& [model, parameters, loader] = *replicas_[comm.rank()];
        at::Tensor part =
            at::zeros({parameters.size()}, parameters.values().options().dtype(at::kDouble));
        model->train(false);
        for (size_t j = comm.rank(); j < points.size(); j += comm.size()) {
          const c10::NoGradGuard no_grad;
          const BorrowedValues borrowed(parameters, points[j]);
          if (!statistics.empty() && statistics[j].defined()) {
            at::Tensor(parameters.buffers()).copy_(statistics[j]);
          }
          const c10::AutoGradMode with_grad(true);
          const Batch batch = loader.gather(batches[j], /*step=*/0);
          add_parts(part, model_pass([&] {
                      return torch::autograd::grad(
                          {task_.loss(model->forward(batch.input), batch.target)},
                          parameters.parameters(), /*grad_outputs=*/{}, /*retain_graph=*/false,
                          /*create_graph=*/false, /*allow_unused=*/true);
                    }),
                    parameters.ranges());
        }
        return part;
      });
  return sum / static_cast<double>(points.size());
}

}  // namespace valley
