#include "valley/evaluation/evaluate.h"

#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <optional>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/data/attack.h"
#include "valley/evaluation/deal.h"
#include "valley/models/device.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"

namespace valley {

Scores evaluate(Model& model, const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                Communicator& comm, const EvaluationOptions& options, const Task& task) {
  const c10::NoGradGuard no_grad;
  model.train(false);
  const size_t scores = task.sums(data->targets);
  const at::Device device = device_of(model);
  std::vector<double> own(scores + 1);  // behind the scores the number of examples
  std::optional<Attack> attack;
  if (options.attack.any()) attack.emplace(options.attack, statistics);
  int64_t number = comm.rank();  // of the batch: what is drawn depends on no number of workers
  deal_batches(data, statistics, comm, options.batch_size, device, [&](const Batch& batch) {
    at::Tensor input = batch.input;
    if (attack) {
      input = attack->worst(input, derive_seed(0, 0, "attack", number), [&](const at::Tensor& x) {
        return model_pass([&] {
          return input_gradient(x, [&](const at::Tensor& leaf) {
            return task.loss(forward(model, leaf, options.precision), batch.target);
          });
        });
      });
    }
    number += comm.size();
    model_pass([&] {
      task.add_scores(forward(model, input, options.precision), batch.target, {own.data(), scores});
      own[scores] += static_cast<double>(batch.target.size(0));
    });
  });
  model.train(true);
  at::Tensor sums = at::tensor(own, at::kDouble).to(device);
  comm.all_reduce_sum(sums, sums);
  const at::Tensor here = sums.cpu();
  const double* sum = here.data_ptr<double>();
  return scores_of(task, {sum, scores}, sum[scores]);
}

}  // namespace valley
