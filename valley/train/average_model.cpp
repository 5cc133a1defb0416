#include "valley/train/average_model.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <utility>
#include <vector>

#include "valley/comm/group.h"
#include "valley/comm/squared_norms.h"
#include "valley/data/partition.h"
#include "valley/data/subset.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/evaluation/class_mix.h"
#include "valley/models/device.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/train/worker_generator.h"

namespace valley {

namespace {

Scores mean_of_workers(const std::vector<Scores>& workers) {
  Scores mean = workers.front();
  for (size_t s = 0; s < mean.values.size(); ++s) {
    double sum = 0;
    for (const Scores& one : workers) sum += one.values[s].second;
    mean.values[s].second = sum / static_cast<double>(workers.size());
  }
  return mean;
}

}  // namespace

AverageModel::AverageModel(Communicator& comm, Model& model, const FlatParameters& parameters,
                           const SharedPart& shared, DataSplits data, const TrainOptions& options,
                           WorkerGenerator& generator)
    : comm_(comm),
      model_(model),
      parameters_(parameters),
      shared_(shared),
      data_(std::move(data)),
      task_(task_of(options)),
      options_(options.evaluation),
      until_loss_(options.until_loss),
      generator_(generator),
      best_(options, data_),
      running_(options.average) {
  if (shared_.all()) return;
  const Dataset& train = *data_.train;
  const Partition parts =
      make_partition(train.targets, train.classes, comm.size(), options.partition, train.origins);
  own_ = {.train = data_.train, .mix = {}};
  if (!parts.empty())
    own_->train = subset_of(train, at::tensor(parts[static_cast<size_t>(comm.rank())], at::kLong));
  own_->mix = class_mix(own_->train->targets, train.classes);
}

bool AverageModel::ends_run(const Evaluation& evaluation) const {
  return (until_loss_ > 0 && evaluation.train.loss() <= until_loss_) || best_.out_of_patience();
}

at::Tensor AverageModel::weights(const at::Tensor& x) const {
  const c10::NoGradGuard no_grad;
  const at::Tensor here = shared_of(x);
  at::Tensor sum = at::empty_like(here);
  comm_.all_reduce_sum(here, sum);
  return with_own(sum.div_(comm_.size()), x);
}

at::Tensor AverageModel::shared_of(const at::Tensor& x) const {
  if (shared_.all()) return x;
  at::Tensor s;
  shared_.take(x, s);
  return s;
}

at::Tensor AverageModel::with_own(const at::Tensor& mean, const at::Tensor& x) const {
  if (shared_.all()) return mean;
  at::Tensor whole = x.clone();
  shared_.put(mean, whole);
  return whole;
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
  const at::Tensor here = shared_of(x);
  at::Tensor sum = at::empty_like(here);
  comm_.all_reduce_sum(here, sum);
  // Not all_reduce_sum_norms(): it adds the norms up by the parts that a backend sends, and the
  // last bit of a recorded width would be another.
  const SquaredNorms norms = squared_norms(here, sum, comm_.size(), 0, here.numel());
  at::Tensor means =
      at::tensor({std::sqrt(norms.distance), double(train_bytes)}, at::kDouble).to(x.device());
  comm_.all_reduce_mean(means);
  mean = with_own(sum.div_(comm_.size()), x);
  if (const at::Tensor over_rounds = running_.value(); over_rounds.defined())
    mean = weights(over_rounds);
  means = means.cpu();
  return {.valley_width = means.data_ptr<double>()[0],
          .train_bytes = std::llround(means.data_ptr<double>()[1])};
}

void AverageModel::score(Evaluation& evaluation) const {
  const KeptGenerator kept(generator_);
  if (own_) {
    const auto alone = make_solo();
    reestimate_batch_norm(model_, parameters_, own_->train, *alone, options_);
    evaluation.train = mean_of_workers(
        of_all(valley::evaluate(model_, own_->train, *data_.train, *alone, options_, task_)));
    evaluation.chance = task_.chance(own_->train->targets);
    if (evaluation.chance) {
      at::Tensor mean = at::tensor({*evaluation.chance}, at::kDouble).to(device_of(model_));
      comm_.all_reduce_mean(mean);
      evaluation.chance = mean.item<double>();
    }
    if (data_.train->validation == nullptr) return;
    evaluation.validation = mean_of_workers(of_all(
        evaluate_mix(model_, data_.train->validation, *data_.train, own_->mix, options_, task_)));
    evaluation.generalization_gap =
        generalization_gap(task_.sheet(), evaluation.train, evaluation.validation);
    return;
  }
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
  if (own_) {
    evaluation.test_by_worker =
        of_all(evaluate_mix(model_, data_.test, *data_.train, own_->mix, options_, task_));
    evaluation.test = mean_of_workers(evaluation.test_by_worker);
  } else {
    evaluation.test = valley::evaluate(model_, data_.test, *data_.train, comm_, options_, task_);
  }
  evaluation.generalization_gap =
      generalization_gap(task_.sheet(), evaluation.train, evaluation.test);
}

// Every worker's scores, on all of them.
std::vector<Scores> AverageModel::of_all(const Scores& own) const {
  std::vector<double> values;
  for (const auto& [name, value] : own.values) values.push_back(value);
  const at::Tensor mine = at::tensor(values, at::kDouble).to(device_of(model_));
  std::vector<Scores> workers;
  const at::Tensor all = comm_.all_gather(mine).cpu();  // [M, scores]
  const double* value = all.data_ptr<double>();
  for (int m = 0; m < comm_.size(); ++m) {
    for (auto& [name, score] : workers.emplace_back(own).values) score = *value++;
  }
  return workers;
}

}  // namespace valley
