#include "valley/core/error.h"
#include "valley/data/attack.h"
#include "valley/train/trainer.h"

namespace valley {

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
  if (o.adversarial.attack.any()) Attack(o.adversarial.attack, *data.train);
}

}  // namespace valley
