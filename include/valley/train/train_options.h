#pragma once

#include <cstdint>
#include <string>

#include "valley/algorithms/table.h"
#include "valley/data/attack_options.h"
#include "valley/data/options.h"
#include "valley/evaluation/options.h"
#include "valley/optim/options.h"
#include "valley/schedule/learning_rate.h"
#include "valley/task/classification_options.h"
#include "valley/task/task_names.h"
#include "valley/train/average_options.h"

/// What can be chosen about a training, known without LibTorch.
namespace valley {

class Task;
struct Keepsake;

/// Which average model a run leaves.
enum class Keep { kLast, kBest };

inline constexpr OneOf<Keep>::Name kKeepNames[] = {{"last", Keep::kLast}, {"best", Keep::kBest}};

/// What the trainer reads, but for the options of the algorithm.
struct TrainSettings {
  std::string task = "classification";  ///< a name of task_table()
  ClassificationOptions classification;
  std::string algorithm = "dppf";  ///< a name of algorithms()
  std::string personal;  ///< parameters that every worker keeps for itself, see personal.h

  int64_t epochs = 10;      ///< passes of all workers together over the training set
  int64_t steps = 0;        ///< local steps; above 0 it replaces epochs
  int64_t batch_size = 32;  ///< per worker
  int64_t accumulate = 1;   ///< a batch is computed in so many pieces, see Gradient
  Tail tail = Tail::kDrop;
  PartitionSpec partition;  ///< which worker has which examples
  Augmentation augmentation;
  double fewer_steps = 0;  ///< the least share of a period's local steps that a slow worker does;
                           ///< 0: all do all

  OptimizerOptions optimizer;
  SamOptions sam;
  AdversarialOptions adversarial;
  double auxiliary = 0;  ///< weight of the model's other outputs in the loss, see Gradient
  Precision precision = Precision::kFloat32;  ///< of the passes of training and evaluations
  DecayRule decay_rule = DecayRule::kAll;
  LrScheduleOptions learning_rate = {.base = 0.03};  ///< the trainer fills in total_steps

  uint64_t seed = 0;
  int64_t evaluate_every = 1;  ///< epochs; 0: only at the end
  double until_loss = 0;       ///< the run ends at an evaluation with a training loss this low;
                               ///< 0: it does not
  Keep keep = Keep::kLast;  ///< the model that the run leaves: of its end, or the best one by the
                            ///< headline on the validation set
  int64_t patience = 0;     ///< the run ends when so many evaluations in a row were no better; 0:
                            ///< it does not
  AverageSpec average;      ///< which model is evaluated and left

  std::string out;               ///< run folder, made by the caller; "" writes nothing
  int64_t checkpoint_every = 0;  ///< steps; 0: only at the end
  int64_t keep_checkpoints = 2;  ///< the newest that stay
  std::string metrics_file;      ///< for Prometheus; "": none
  std::string metrics_port;      ///< likewise, "PORT" or "ADDRESS:PORT"; "": none
};

template <typename V>
void visit(TrainSettings& o, V& v) {
  v.group("Data");
  visit(o.augmentation, v);
  v(kTail, o.tail);
  v(kPartition, o.partition);
  v.group("Model");
  v("task", o.task, CheckedText{&check_task_name},
    "what the network is trained for; see `valley list tasks`", kYounger);
  visit(o.classification, v);
  v("auxiliary", o.auxiliary, at_least(0),
    "weight of the loss of its other outputs in the loss that is trained", kYounger);
  v.group("Method");
  v("algorithm", o.algorithm, "see `valley list algorithms`");
  v("personal", o.personal,
    "parameters that every worker keeps for itself, and that never travel: names, with * for any "
    "letters and commas between (head*)",
    kYounger);
  v.group("Training");
  v("epochs", o.epochs, at_least(0), "passes over the data, all workers together");
  v("steps", o.steps, at_least(0), "steps of each worker; above 0 it replaces {epochs}");
  v("until-loss", o.until_loss, at_least(0),
    "end at the first evaluation with a training loss this low; 0: do not");
  v("keep", o.keep, one_of("model to keep", kKeepNames),
    "last, or best: the model of the evaluation that was best on the validation set", kYounger);
  v("patience", o.patience, at_least(0),
    "end when so many evaluations in a row were no better on the validation set; 0: do not",
    kYounger);
  v("average", o.average, kAverageText,
    "model to evaluate and leave: plain (the workers' average), or of that ema:BETA or the mean of "
    "last:K, taken after every round",
    kYounger);
  v("batch-size", o.batch_size, at_least(1), "examples a step and worker");
  v("accumulate", o.accumulate, at_least(1),
    "compute a batch in so many pieces, one after the other, whose gradients add up", kYounger);
  v("fewer-steps", o.fewer_steps, in(0, 1),
    "slow workers do fewer local steps in a period, at least this share, and count for as much "
    "less "
    "in the mean; 0: all do all",
    kYounger);
  visit(o.optimizer, v);
  visit(o.sam, v);
  visit(o.adversarial, v);
  visit(o.learning_rate, v);
  v(kDecay, o.decay_rule);
  v("precision", o.precision, kPrecisions,
    "of the network's passes: float32, or bf16 where that is safe; weights stay float32", kYounger);
  v("seed", o.seed, at_least(0), "of weights, data order and augmentation");
  v.group("Run");
  v("out", o.out, "run folder; empty: runs/ALGORITHM-MODEL-seedN", kMayDiffer);
  v("evaluate-every", o.evaluate_every, at_least(0),
    "evaluate every so many epochs; 0: at the end");
  v("checkpoint-every", o.checkpoint_every, at_least(0), "steps; 0: at the end");
  v("keep-checkpoints", o.keep_checkpoints, at_least(1), "how many of the newest stay");
  v("metrics-file", o.metrics_file,
    "where the run is, kept in this file for Prometheus's node_exporter (NAME.prom); empty: "
    "nowhere",
    kMayDiffer | kUnrecorded);
  v("metrics-port", o.metrics_port,
    "PORT or ADDRESS:PORT at which worker 0 answers Prometheus with the same; without an address "
    "this machine alone can ask; empty: nowhere",
    kMayDiffer | kUnrecorded);
}

struct TrainOptions : TrainSettings {
  AlgorithmOptions algorithm_options;  ///< empty: the algorithm's defaults
  const Task* own_task = nullptr;      ///< in place of `task`, from C++; not owned
  EvaluationOptions evaluation;
  bool resume = false;             ///< go on from the newest checkpoint in `out`
  bool extend = false;             ///< which may be that of a shorter run
  Keepsake* keepsake = nullptr;    ///< of a worker whose group changes; not owned
  std::string model_name = "own";  ///< for the record
  std::string data_name = "own";   ///< for the record
};

/// What can be known without data, model and workers.
/// @throws UsageError if a setting is out of range, or two do not go together.
void check(const TrainSettings& settings, const AlgorithmOptions& algorithm_options);

/// The options of a schedule over so many steps.
LrScheduleOptions with_total(LrScheduleOptions options, int64_t total_steps);

/// @throws UsageError if something is to be chosen by a validation set that is not there.
void require_validation(const TrainSettings& settings, bool there);

/// @throws UsageError if `every` is above 0 and the algorithm asynchronous.
void require_no_probe_of_asynchronous(const std::string& algorithm, int64_t every);

/// @throws UsageError if `every` is above 0 and the workers have parameters of their own.
void require_no_probe_of_personal(const std::string& personal, int64_t every);

}  // namespace valley
