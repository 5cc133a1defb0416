#include "valley/analysis/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "valley/analysis/sum_over_threads.h"
#include "valley/core/cores.h"
#include "valley/core/error.h"
#include "valley/core/foreign_message.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/evaluation/deal.h"
#include "valley/models/model_pass.h"

namespace valley {
namespace {

using torch::autograd::variable_list;

ObjectiveOptions checked(ObjectiveOptions o) {
  require(o.threads >= 0, "threads must be at least 0, got {}", o.threads);
  require(o.batch_size >= 1 && o.derivative_batch_size >= 1,
          "batch sizes must be at least 1, got {} and {}", o.batch_size, o.derivative_batch_size);
  if (o.threads == 0) o.threads = usable_cores();
  return o;
}

// The batch's part of the mean over all examples.
at::Tensor partial_loss(const Task& task, Model& model, const Batch& batch, int64_t examples) {
  const double share = static_cast<double>(batch.target.size(0)) / static_cast<double>(examples);
  return task.loss(model.forward(batch.input), batch.target) * share;
}

// d(g . v)/dx, tensors undefined where it is zero.
variable_list product(const variable_list& gradients, const at::Tensor& v,
                      const std::vector<at::Tensor>& parameters,
                      const std::vector<NamedRange>& ranges, bool keep_graph) {
  variable_list outputs, directions;
  for (size_t i = 0; i < gradients.size(); ++i) {
    // Undefined or constant: the loss does not depend on the parameter, or linearly.
    if (!gradients[i].defined() || !gradients[i].requires_grad()) continue;
    outputs.push_back(gradients[i]);
    directions.push_back(v.narrow(0, ranges[i].offset, ranges[i].size).view(ranges[i].shape));
  }
  if (outputs.empty()) return variable_list(parameters.size());
  return torch::autograd::grad(outputs, parameters, directions, keep_graph,
                               /*create_graph=*/false, /*allow_unused=*/true);
}

}  // namespace

struct Objective::Replica {
  Replica(std::unique_ptr<Model> made, DecayRule rule)
      : model(std::move(made)), parameters(model->parameters(), model->buffers(), rule) {}

  std::unique_ptr<Model> model;
  FlatParameters parameters;
};

Objective::Objective(const MakeModel& make_model, std::shared_ptr<const Dataset> data,
                     const Dataset& statistics, ObjectiveOptions options)
    : data_(std::move(data)), statistics_(statistics), options_(checked(std::move(options))) {
  require(data_->size() > 0, "the data set has no examples");
  // More than there are batches would have nothing to do.
  const int64_t batches = (data_->size() - 1) / options_.derivative_batch_size + 1;
  options_.threads = static_cast<int>(std::min<int64_t>(options_.threads, batches));
  replicas_.push_back(std::make_unique<Replica>(make_model(), options_.decay_rule));
  if (!start().is_cpu()) options_.threads = 1;  // what a device is given is queued in any case
  for (int i = 1; i < options_.threads; ++i) {
    replicas_.push_back(std::make_unique<Replica>(make_model(), options_.decay_rule));
  }
}

Objective::~Objective() = default;

int64_t Objective::size() const { return start().numel(); }
int64_t Objective::examples() const { return data_->size(); }
int Objective::threads() const { return options_.threads; }
const at::Tensor& Objective::start() const { return replicas_.front()->parameters.values(); }
const std::vector<NamedRange>& Objective::ranges() const {
  return replicas_.front()->parameters.ranges();
}

void Objective::set_buffers(const at::Tensor& buffers) {
  for (const auto& replica : replicas_) at::Tensor(replica->parameters.buffers()).copy_(buffers);
}

at::Tensor Objective::sum_over_threads(
    const at::Tensor& x, int64_t rows, int64_t columns,
    const std::function<void(Replica&, Communicator&, at::Tensor&)>& fn) {
  require(x.dim() == 1 && x.numel() == size(), "the point has {} values, the model {}", x.numel(),
          size());
  return valley::sum_over_threads(options_.threads, [&](Communicator& comm) {
    Replica& replica = *replicas_[comm.rank()];
    const c10::NoGradGuard no_grad;
    const BorrowedValues borrowed(replica.parameters, x);
    at::Tensor sum = at::zeros({rows, columns}, start().options().dtype(at::kDouble));
    replica.model->train(false);
    model_pass([&] { fn(replica, comm, sum); });
    return sum;
  });
}

PointScores Objective::scores(const at::Tensor& x) {
  const Task& task = *options_.task;
  const size_t scores = task.sums(data_->targets);  // behind them the entropy
  const at::Tensor sums = sum_over_threads(
      x, 1, static_cast<int64_t>(scores) + 1,
      [&](Replica& replica, Communicator& comm, at::Tensor& sum) {
        if (options_.batch_norm == BatchNormAt::kProbe) {
          // In the batches of the evaluation that ends a training, so that a landscape's centre has
          // the statistics, and the loss, of the model that was saved.
          reestimate_batch_norm(*replica.model, replica.parameters, data_, comm);
          replica.model->train(false);
        }
        std::vector<double> total(scores + 1);
        deal_batches(data_, statistics_, comm, options_.batch_size, start().device(),
                     [&](const Batch& batch) {
                       const at::Tensor output = replica.model->forward(batch.input);
                       task.add_scores(output, batch.target, {total.data(), scores});
                       total[scores] += task.entropy(output);
                     });
        sum.copy_(at::tensor(total, at::kDouble));
      });
  const bool twice = options_.batch_norm == BatchNormAt::kProbe;
  if (options_.on_passes) options_.on_passes(twice ? 2 : 1);
  const at::Tensor here = sums.cpu();
  const double* total = here.data_ptr<double>();
  const double n = static_cast<double>(examples());
  PointScores at{.loss = total[0] / n,
                 .entropy = total[scores] / n,
                 .scores = scores_of(task, {total, scores}, n)};
  at.error = error_of(task.sheet(), at.scores);
  return at;
}

LossGradient Objective::gradient(const at::Tensor& x) {
  std::vector<double> losses(replicas_.size());
  const at::Tensor sum =
      sum_over_threads(x, 1, size(), [&](Replica& replica, Communicator& comm, at::Tensor& sums) {
        const c10::AutoGradMode with_grad(true);
        const FlatParameters& p = replica.parameters;
        deal_batches(data_, statistics_, comm, options_.derivative_batch_size, start().device(),
                     [&](const Batch& batch) {
                       const at::Tensor loss =
                           partial_loss(*options_.task, *replica.model, batch, examples());
                       losses[comm.rank()] += loss.item<double>();
                       add_parts(
                           sums[0],
                           torch::autograd::grad({loss}, p.parameters(), /*grad_outputs=*/{},
                                                 /*retain_graph=*/false, /*create_graph=*/false,
                                                 /*allow_unused=*/true),
                           p.ranges());
                     });
      });
  if (options_.on_passes) options_.on_passes(3);
  LossGradient result{.gradient = sum[0].to(start().scalar_type())};
  for (const double loss : losses) result.loss += loss;
  return result;
}

std::vector<at::Tensor> Objective::hessian_products(const at::Tensor& x,
                                                    const std::vector<at::Tensor>& vs) {
  std::vector<at::Tensor> directions;
  for (const at::Tensor& v : vs) {
    require(v.dim() == 1 && v.numel() == size(), "the direction has {} values, the model {}",
            v.numel(), size());
    directions.push_back(v.detach().to(start().options()).contiguous());
  }
  if (vs.empty()) return {};
  const auto k = static_cast<int64_t>(vs.size());
  at::Tensor sum;
  try {
    sum =
        sum_over_threads(x, k, size(), [&](Replica& replica, Communicator& comm, at::Tensor& sums) {
          const c10::AutoGradMode with_grad(true);
          const FlatParameters& p = replica.parameters;
          deal_batches(data_, statistics_, comm, options_.derivative_batch_size, start().device(),
                       [&](const Batch& batch) {
                         const variable_list gradients = torch::autograd::grad(
                             {partial_loss(*options_.task, *replica.model, batch, examples())},
                             p.parameters(),
                             /*grad_outputs=*/{}, /*retain_graph=*/true, /*create_graph=*/true,
                             /*allow_unused=*/true);
                         for (int64_t i = 0; i < k; ++i) {
                           add_parts(sums[i],
                                     product(gradients, directions[i], p.parameters(), p.ranges(),
                                             i + 1 < k),
                                     p.ranges());
                         }
                       });
        });
  } catch (const std::exception& error) {
    // "derivative for aten::_ctc_loss_backward is not implemented" and its like.
    const std::string reason = error.what();
    if (reason.find("not implemented") == std::string::npos) throw;
    throw UsageError(
        fmt::format("the network has no second derivative in LibTorch: {}", one_line(reason)));
  }
  if (options_.on_passes) options_.on_passes(3 + 6 * static_cast<double>(k));
  std::vector<at::Tensor> products;
  for (int64_t i = 0; i < k; ++i) products.push_back(sum[i].to(start().scalar_type()));
  return products;
}

}  // namespace valley
