#include "valley/evaluation/evaluate.h"

#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "valley/core/error.h"
#include "valley/evaluation/deal.h"
#include "valley/models/model_pass.h"

namespace valley {

Scores evaluate(Model& model, const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                Communicator& comm, const EvaluationOptions& options, const Task& task) {
  const c10::NoGradGuard no_grad;
  model.train(false);
  const size_t scores = task.sheet().scores.size();
  at::Tensor sums = at::zeros({static_cast<int64_t>(scores) + 1}, at::kDouble);
  double* sum = sums.data_ptr<double>();
  double& examples = sum[scores];
  deal_batches(data, statistics, comm, options.batch_size, [&](const Batch& batch) {
    model_pass([&] {
      task.add_scores(model.forward(batch.input), batch.target, {sum, scores});
      examples += static_cast<double>(batch.target.size(0));
    });
  });
  model.train(true);
  comm.all_reduce_sum(sums, sums);
  return scores_of(task, {sum, scores}, examples);
}

}  // namespace valley
