#include <algorithm>
#include <cmath>

#include "valley/core/error.h"
#include "valley/train/trainer.h"

namespace valley {

LrScheduleOptions with_total(LrScheduleOptions o, int64_t total_steps) {
  o.total_steps = total_steps;
  return o;
}

void require_no_probe_of_asynchronous(const std::string& algorithm, int64_t every) {
  require(every == 0 || !find_algorithm(algorithm).asynchronous,
          "--probe would change a run of {}, whose workers do not wait for each other; `valley "
          "dynamics` measures its end",
          algorithm);
}

void check(const TrainOptions& o) {
  require(o.steps > 0 || o.epochs > 0, "--epochs must be at least 1, got {}", o.epochs);
  require(o.steps >= 0, "--steps must be at least 0, got {}", o.steps);
  require(o.evaluate_every >= 0, "--evaluate-every must be at least 0, got {}", o.evaluate_every);
  require(std::isfinite(o.until_loss) && o.until_loss >= 0,
          "--until-loss must be at least 0, got {}", o.until_loss);
  require(o.until_loss == 0 || o.evaluate_every > 0,
          "--until-loss looks at evaluations: --evaluate-every must be at least 1");
  require(o.checkpoint_every >= 0, "--checkpoint-every must be at least 0, got {}",
          o.checkpoint_every);
  require(o.keep_checkpoints >= 1, "--keep-checkpoints must be at least 1, got {}",
          o.keep_checkpoints);
  require(!o.resume || !o.out.empty(), "a run without a folder cannot be resumed");
  check(o.optimizer);
  if (o.optimizer.kind == OptimizerKind::kSgd) {
    require_stable_momentum(o.algorithm, o.algorithm_options, o.optimizer.momentum);
  }
  check(o.sam);
  require(std::isfinite(o.auxiliary) && o.auxiliary >= 0, "--auxiliary must be at least 0, got {}",
          o.auxiliary);
  const int64_t warmup = o.learning_rate.warmup_steps;
  require(warmup >= 0, "--warmup-steps must be at least 0, got {}", warmup);
  LrSchedule(with_total(o.learning_rate, o.steps > 0 ? o.steps : std::max<int64_t>(1, warmup)));
}

void check(const TrainOptions& o, const DataSplits& data, int workers) {
  check(o);
  const Sampler sampler(
      {.examples = data.train->size(),
       .batch_size = o.batch_size,
       .workers = workers,
       .tail = o.tail},
      make_partition(data.train->targets, data.train->classes, workers, o.partition));
  const int64_t steps = o.steps > 0 ? o.steps : o.epochs * sampler.steps_per_epoch();
  LrSchedule(with_total(o.learning_rate, steps));
  Loader(data.train, *data.train, o.augmentation, o.seed, 0);
}

}  // namespace valley
