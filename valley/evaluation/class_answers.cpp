#include "valley/evaluation/class_answers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "valley/core/error.h"
#include "valley/evaluation/deal.h"
#include "valley/models/device.h"
#include "valley/models/mixed_precision.h"
#include "valley/models/model_pass.h"

namespace valley {

int64_t ClassAnswers::of_class(size_t c) const {
  return std::accumulate(counts[c].begin(), counts[c].end(), int64_t{0});
}

double ClassAnswers::accuracy(size_t c) const {
  const int64_t all = of_class(c);
  return all > 0 ? static_cast<double>(counts[c][c]) / static_cast<double>(all)
                 : std::numeric_limits<double>::quiet_NaN();
}

int64_t ClassAnswers::taken_for(size_t c) const {
  std::vector<int64_t> wrong = counts[c];
  wrong[c] = 0;
  const auto most = std::max_element(wrong.begin(), wrong.end());
  return *most > 0 ? most - wrong.begin() : -1;
}

ClassAnswers class_answers(Model& model, const std::shared_ptr<const Dataset>& data,
                           const Dataset& statistics, Communicator& comm,
                           const EvaluationOptions& options) {
  require(has_classes(data->targets), "the examples have no classes");
  constexpr int64_t kMost = 5;
  const c10::NoGradGuard no_grad;
  model.train(false);
  const int64_t classes = data->classes;
  at::Tensor own = at::zeros({classes * classes + 1}, at::kDouble);  // counts, among the five
  const at::Tensor counts = own.narrow(0, 0, classes * classes);
  const at::Tensor among = own.narrow(0, classes * classes, 1);
  deal_batches(
      data, statistics, comm, options.batch_size, device_of(model), [&](const Batch& batch) {
        const at::Tensor& target = batch.known_target();
        model_pass([&] {
          // A model may have more outputs than there are classes.
          const at::Tensor logits =
              forward(model, batch.input, options.precision).to(at::kCPU).narrow(1, 0, classes);
          const at::Tensor pairs = target * classes + at::argmax(logits, 1);
          counts.add_(at::bincount(pairs, {}, classes * classes));
          const at::Tensor best = std::get<1>(at::topk(logits, std::min(kMost, classes), 1));
          among.add_(best.eq(target.unsqueeze(1)).sum());
        });
      });
  model.train(true);
  at::Tensor sums = own.to(device_of(model));
  comm.all_reduce_sum(sums, sums);
  const at::Tensor here = sums.cpu();
  const double* sum = here.data_ptr<double>();
  ClassAnswers answers{.counts = {}, .examples = data->size()};
  for (int64_t c = 0; c < classes; ++c, sum += classes)
    answers.counts.emplace_back(sum, sum + classes);
  answers.among_five = static_cast<int64_t>(*sum);
  return answers;
}

}  // namespace valley
