#include "valley/train/best_model.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley {

BestModel::BestModel(const TrainOptions& options, const DataSplits& data)
    : BestModel(task_of(options).sheet().main(), options.keep, options.patience) {
  require_validation(options, data.train->validation != nullptr);
}

void BestModel::look(const Scores& validation, const at::Tensor& x, int64_t step) {
  const double score = validation[headline_.name];
  if (!std::isfinite(score) || (step_ >= 0 && !is_better(headline_, score, score_))) {
    ++since_;
    return;
  }
  step_ = step;
  since_ = 0;
  score_ = score;
  if (keep_) x_ = x.detach().clone();
}

Json BestModel::to_json() const {
  return {{"step", step_}, {"since", since_}, {"score", finite_or_null(score_)}};
}

void BestModel::load(const Json& values, const at::Tensor& x) {
  step_ = values.at("step");
  since_ = values.at("since");
  if (values.at("score").is_number()) score_ = values["score"];
  if (keep_) x_ = x;
}

}  // namespace valley
