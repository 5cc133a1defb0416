#include "valley/train/average_model.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>
#include <vector>

#include "valley/comm/squared_norms.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/train/worker_generator.h"

namespace valley {

AverageModel::AverageModel(Communicator& comm, Model& model, const FlatParameters& parameters,
                           DataSplits data, const TrainOptions& options, WorkerGenerator& generator)
    : comm_(comm),
      model_(model),
      parameters_(parameters),
      data_(std::move(data)),
      task_(task_of(options)),
      options_(options.evaluation),
      until_loss_(options.until_loss),
      generator_(generator),
      best_(options, data_),
      running_(options.average) {}

bool AverageModel::ends_run(const Evaluation& evaluation) const {
  return (until_loss_ > 0 && evaluation.train.loss() <= until_loss_) || best_.out_of_patience();
}

at::Tensor AverageModel::weights(const at::Tensor& x) const {
  const c10::NoGradGuard no_grad;
  at::Tensor sum = at::empty_like(x);
  comm_.all_reduce_sum(x, sum);
  return sum.div_(comm_.size());
}

at::Tensor AverageModel::buffers_at(const at::Tensor& x) const {
  if (parameters_.buffers().numel() == 0) return parameters_.buffers();
  const KeptGenerator kept(generator_);
  const BorrowedValues borrowed(parameters_, x);
  reestimate_batch_norm(model_, parameters_, data_.train, comm_, options_);
  return parameters_.buffers().clone();
}

Evaluation AverageModel::evaluate(const at::Tensor& x, int64_t train_bytes, int64_t step) {
  at::Tensor mean;
  Evaluation evaluation = meet(x, train_bytes, mean);
  const BorrowedValues borrowed(parameters_, mean);
  score(evaluation);
  if (data_.train->validation != nullptr) {
    best_.look(evaluation.validation, mean, step);
  } else {
    score_test(evaluation);
  }
  return evaluation;
}

Evaluation AverageModel::adopt(const at::Tensor& x, int64_t train_bytes, int64_t step) {
  at::Tensor mean;
  Evaluation evaluation = meet(x, train_bytes, mean);
  become(mean);
  score(evaluation);
  if (data_.train->validation != nullptr) {
    best_.look(evaluation.validation, mean, step);
    if (best_.x().defined() && best_.step() != step) {
      become(best_.x());
      score(evaluation);
    }
    if (best_.x().defined()) evaluation.model_step = best_.step();
  }
  score_test(evaluation);
  return evaluation;
}

void AverageModel::become(const at::Tensor& x) {
  const c10::NoGradGuard no_grad;
  at::Tensor(parameters_.values()).copy_(x);
}

void AverageModel::save(const std::string& path, const std::string& model_name) const {
  std::vector<NamedTensor> state = state_dict(model_);
  for (auto& named : state) named.tensor = named.tensor.detach();
  save_safetensors(path, state, {{"format", "pt"}, {"model", model_name}});
}

Evaluation AverageModel::meet(const at::Tensor& x, int64_t train_bytes, at::Tensor& mean) const {
  const c10::NoGradGuard no_grad;
  at::Tensor sum = at::empty_like(x);
  comm_.all_reduce_sum(x, sum);
  // Not all_reduce_sum_norms(): it adds the norms up by the parts that a backend sends, and the
  // last bit of a recorded width would be another.
  const SquaredNorms norms = squared_norms(x, sum, comm_.size(), 0, x.numel());
  at::Tensor means =
      at::tensor({std::sqrt(norms.distance), double(train_bytes)}, at::kDouble).to(x.device());
  comm_.all_reduce_mean(means);
  mean = sum.div_(comm_.size());
  if (const at::Tensor over_rounds = running_.value(); over_rounds.defined())
    mean = weights(over_rounds);
  means = means.cpu();
  return {.valley_width = means.data_ptr<double>()[0],
          .train_bytes = std::llround(means.data_ptr<double>()[1])};
}

void AverageModel::score(Evaluation& evaluation) const {
  const KeptGenerator kept(generator_);
  reestimate_batch_norm(model_, parameters_, data_.train, comm_, options_);
  evaluation.train = valley::evaluate(model_, data_.train, *data_.train, comm_, options_, task_);
  if (data_.train->validation == nullptr) return;
  evaluation.validation =
      valley::evaluate(model_, data_.train->validation, *data_.train, comm_, options_, task_);
  evaluation.generalization_gap =
      generalization_gap(task_.sheet(), evaluation.train, evaluation.validation);
}

// With BatchNorm's statistics as they are.
void AverageModel::score_test(Evaluation& evaluation) const {
  const KeptGenerator kept(generator_);
  evaluation.test = valley::evaluate(model_, data_.test, *data_.train, comm_, options_, task_);
  evaluation.generalization_gap =
      generalization_gap(task_.sheet(), evaluation.train, evaluation.test);
}

}  // namespace valley
