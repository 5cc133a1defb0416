#include "valley/train/train_options.h"

#include <algorithm>

#include "valley/algorithms/personal_check.h"
#include "valley/core/error.h"
#include "valley/train/metrics_place.h"

namespace valley {

void check(const TrainSettings& o, const AlgorithmOptions& algorithm_options) {
  const AlgorithmEntry& entry = find_algorithm(o.algorithm);
  const AlgorithmOptions options = entry.or_defaults(algorithm_options);
  check_ranges(o);
  check_personal(o.algorithm, options, o.personal);
  if (!o.metrics_port.empty()) metrics_place(o.metrics_port);
  require(o.steps > 0 || o.epochs > 0, "{} must be at least 1, got {}", Key{"epochs"}, o.epochs);
  require(o.until_loss == 0 || o.evaluate_every > 0,
          "{} looks at evaluations: {} must be at least 1", Key{"until-loss"},
          Key{"evaluate-every"});
  require(o.classification == ClassificationOptions() || o.task == TrainSettings().task,
          "{} is of {} classification, but the task is {}",
          o.classification.label_smoothing > 0 ? Key{"label-smoothing"} : Key{"class-weights"},
          Key{"task"}, o.task);
  require(!o.augmentation.blends() || o.task == TrainSettings().task,
          "{} is of classification, but the {} is {}",
          o.augmentation.mixup > 0 ? Key{"mixup"} : Key{"cutmix"}, Key{"task"}, o.task);
  require(o.accumulate <= o.batch_size, "{} must be at most {}, {}, got {}", Key{"accumulate"},
          Key{"batch-size"}, o.batch_size, o.accumulate);
  const bool choosing = o.keep == Keep::kBest || o.patience > 0;
  require(!choosing || o.evaluate_every > 0, "{} looks at evaluations: {} must be at least 1",
          o.patience > 0 ? Key{"patience"} : Key{"keep"}, Key{"evaluate-every"});
  OptimizerOptions optimizer = o.optimizer;
  if (!optimizer.momentum) optimizer.momentum = entry.default_momentum();
  check(optimizer);
  if (optimizer.kind == OptimizerKind::kSgd || optimizer.kind == OptimizerKind::kLars) {
    require_stable_momentum(o.algorithm, options, *optimizer.momentum);
  }
  require(!entry.owns_update || (optimizer.weight_decay == 0 && optimizer.clip_norm == 0),
          "{} takes the whole step by itself: neither {} nor {} is read", o.algorithm,
          Key{"weight-decay"}, Key{"clip-norm"});
  if (o.fewer_steps > 0) check_fewer_steps(o.algorithm, options);
  const int64_t warmup = o.learning_rate.warmup_steps;
  LrSchedule(with_total(o.learning_rate, o.steps > 0 ? o.steps : std::max<int64_t>(1, warmup)));
}

LrScheduleOptions with_total(LrScheduleOptions o, int64_t total_steps) {
  o.total_steps = total_steps;
  return o;
}

void require_validation(const TrainSettings& o, bool there) {
  require(there || (o.keep == Keep::kLast && o.patience == 0),
          "{} looks at a validation set: {} must be at least 1",
          o.patience > 0 ? Key{"patience"} : Key{"keep"}, Key{"validation-samples"});
}

void require_no_probe_of_asynchronous(const std::string& algorithm, int64_t every) {
  require(every == 0 || !find_algorithm(algorithm).asynchronous,
          "{} would change a run of {}, whose workers do not wait for each other; `valley "
          "dynamics` measures its end",
          Key{"probe"}, algorithm);
}

void require_no_probe_of_personal(const std::string& personal, int64_t every) {
  require(every == 0 || personal.empty(),
          "{} looks at the workers' average, and what is {} ({}) has none", Key{"probe"},
          Key{"personal"}, personal);
}

}  // namespace valley
