#include "valley/evaluation/evaluate.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "valley/core/error.h"
#include "valley/evaluation/deal.h"
#include "valley/models/model_pass.h"

namespace valley {

Scores evaluate(Model& model, const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                Communicator& comm, const EvaluationOptions& options) {
  const c10::NoGradGuard no_grad;
  model.train(false);
  at::Tensor sums = at::zeros({3}, at::kDouble);
  double* sum = sums.data_ptr<double>();
  deal_batches(data, statistics, comm, options.batch_size, [&](const Batch& batch) {
    model_pass([&] {
      const at::Tensor logits = model.forward(batch.input);
      const double samples = static_cast<double>(batch.target.size(0));
      sum[0] += at::cross_entropy_loss(logits, batch.target).item<double>() * samples;
      sum[1] += at::eq(at::argmax(logits, 1), batch.target).sum().item<double>();
      sum[2] += samples;
    });
  });
  model.train(true);
  comm.all_reduce_sum(sums, sums);
  return {.loss = sum[0] / sum[2],
          .accuracy = sum[1] / sum[2],
          .samples = static_cast<int64_t>(sum[2])};
}

}  // namespace valley
