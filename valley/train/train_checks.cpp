#include <ATen/ops/tensor.h>

#include <vector>

#include "valley/core/error.h"
#include "valley/data/attack.h"
#include "valley/data/partition.h"
#include "valley/evaluation/class_mix.h"
#include "valley/train/trainer.h"

namespace valley {
namespace {

// Each worker is to be scored by the classes it has (AverageModel).
void require_scored(const TrainOptions& o, const DataSplits& data, int workers) {
  const Dataset& train = *data.train;
  const std::vector<double> tested = class_mix(data.test->targets, train.classes);
  const Partition parts =
      make_partition(train.targets, train.classes, workers, o.partition, train.origins);
  for (size_t m = 0; m < parts.size() && !tested.empty(); ++m) {
    const at::Tensor own = train.targets.index_select(0, at::tensor(parts[m], at::kLong));
    const std::vector<double> mix = class_mix(own, train.classes);
    double common = 0;
    for (size_t c = 0; c < mix.size(); ++c) common += mix[c] * tested[c];
    require(common > 0,
            "the test set has no example of the classes that worker {} trains on, and {} "
            "is scored by these",
            m, Key{"personal"});
  }
}

}  // namespace

const Task& task_of(const TrainOptions& options) {
  return options.own_task != nullptr ? *options.own_task
                                     : find_task(options.task, options.classification);
}

void check(const TrainOptions& o) {
  check(o, o.algorithm_options);
  require(!o.resume || !o.out.empty(), "a run without a folder cannot be resumed");
}

void check(const TrainOptions& o, const DataSplits& data, int workers) {
  check(o);
  require_validation(o, data.train->validation != nullptr);
  const Sampler sampler({.examples = data.train->size(),
                         .batch_size = o.batch_size,
                         .workers = workers,
                         .tail = o.tail},
                        make_partition(data.train->targets, data.train->classes, workers,
                                       o.partition, data.train->origins));
  const int64_t steps = o.steps > 0 ? o.steps : o.epochs * sampler.steps_per_epoch();
  LrSchedule(with_total(o.learning_rate, steps));
  Loader(data.train, *data.train, o.augmentation, o.seed, 0);
  if (!o.personal.empty()) require_scored(o, data, workers);
  if (o.adversarial.attack.any()) Attack(o.adversarial.attack, *data.train);
}

}  // namespace valley
