#include "valley/train/worker.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "valley/algorithms/personal.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/models/device.h"
#include "valley/task/classification.h"
#include "valley/train/keepsake.h"

namespace valley {
namespace {

TrainOptions checked(TrainOptions o, const Dataset& train, const Communicator& comm) {
  require(!find_algorithm(o.algorithm).asynchronous || comm.capabilities().shares_memory,
          "{} {} needs workers that share memory: {} threads", Key{"algorithm"}, o.algorithm,
          Key{"launch"});
  check(o);
  o.evaluation.precision = o.precision;
  if (!o.optimizer.momentum) o.optimizer.momentum = find_algorithm(o.algorithm).default_momentum();
  o.classification = balanced_by(std::move(o.classification), train.targets, train.classes);
  return o;
}

RunClock make_clock(const TrainOptions& o, int64_t steps_per_epoch) {
  return {.total_steps = o.steps > 0 ? o.steps : o.epochs * steps_per_epoch,
          .steps_per_epoch = steps_per_epoch,
          .evaluate_every = o.evaluate_every,
          .checkpoint_every = o.checkpoint_every};
}

// With a keepsake by the workers of the full group, however many there are now.
SamplerOptions sampling(const TrainOptions& o, const Dataset& train, const Communicator& comm) {
  SamplerOptions sampling = {.examples = train.size(),
                             .batch_size = o.batch_size,
                             .rank = comm.rank(),
                             .workers = comm.size(),
                             .seed = o.seed,
                             .tail = o.tail};
  if (o.keepsake == nullptr) return sampling;
  sampling.batch_size = std::min(o.batch_size, train.size() / o.keepsake->full_workers);
  sampling.deal = o.keepsake->deal;
  return sampling;
}

int64_t steps_of_epoch(const TrainOptions& o, const Sampler& sampler, int64_t examples) {
  if (o.keepsake == nullptr) return sampler.steps_per_epoch();
  return steps_per_epoch({.examples = examples,
                          .batch_size = o.batch_size,
                          .workers = o.keepsake->full_workers,
                          .tail = o.tail});
}

std::vector<LayerRange> layers_of(const FlatParameters& parameters) {
  std::vector<LayerRange> layers;
  for (const NamedRange& range : parameters.ranges())
    layers.push_back({range.offset, range.size, rows_of(range.shape)});
  return layers;
}

std::unique_ptr<Algorithm> method_of(const TrainOptions& o, const SharedPart& shared,
                                     const AlgorithmContext& context) {
  return shared.all() ? make_algorithm(o.algorithm, o.algorithm_options, context)
                      : make_personal(o.algorithm, o.algorithm_options, context, shared);
}

// What it remembers but the number of its steps, which is the same for all.
std::vector<at::Tensor> vectors_of(const LocalOptimizer& optimizer) {
  std::vector<at::Tensor> vectors;
  for (const NamedTensor& named : optimizer.state())
    if (named.tensor.dim() > 0) vectors.push_back(named.tensor);
  return vectors;
}

// A span of time.
struct Span {
  double begin, end;
  double seconds() const { return end - begin; }
};

// Spans that follow each other.
class Laps {
 public:
  Span next() {
    const double begin = last_;
    last_ = now_seconds();
    return {begin, last_};
  }

 private:
  double last_ = now_seconds();
};

// Hooks that have nothing to do leave no span of a microsecond.
void add_communication(TraceRecorder& trace, const Span& span, int64_t step) {
  if (span.seconds() > 1e-6) trace.add(Phase::kCommunicate, span.begin, span.end, step);
}

}  // namespace

Worker::Worker(Communicator& a_comm, Model& a_model, DataSplits splits, TrainOptions a_options)
    : comm(a_comm),
      model(a_model),
      data(std::move(splits)),
      options(checked(std::move(a_options), *data.train, comm)),
      sampler(sampling(options, *data.train, comm),
              make_partition(data.train->targets, data.train->classes, comm.size(),
                             options.partition, data.train->origins)),
      clock(make_clock(options, steps_of_epoch(options, sampler, data.train->size()))),
      schedule(with_total(options.learning_rate, clock.total_steps)),
      generator(derive_seed(options.seed, comm.rank(), "model"), device_of(model)),
      parameters(model.parameters(), model.buffers(), options.decay_rule),
      shared(parameters, options.personal),
      optimizer(make_optimizer(options.optimizer, parameters)),
      loader(data.train, *data.train, options.augmentation, options.seed, comm.rank(),
             parameters.values().device()),
      gradient(model, parameters, options.sam, options.auxiliary, task_of(options),
               options.precision, options.accumulate,
               adversary_of(options.adversarial, *data.train,
                            [this] {
                              return derive_seed(options.seed, comm.rank(), "attack", clock.step);
                            })),
      extra_gradient(data.train, sampler, gradient, options.seed, comm.rank()),
      algorithm(
          method_of(options, shared,
                    {.total_steps = clock.total_steps,
                     .steps_per_epoch = clock.steps_per_epoch,
                     .seed = options.seed,
                     .learning_rate = [this](int64_t k) { return schedule.at(k); },
                     .warmup_steps = schedule.warmup_steps(),
                     .beta1 = options.optimizer.beta1,
                     .beta2 = options.optimizer.beta2,
                     .layers = layers_of(parameters),
                     .layer_gradient_norms = [this] { return extra_gradient.norms(clock.step); },
                     .optimizer_state = [this] { return vectors_of(*optimizer); },
                     .reset_optimizer = [this] { optimizer->load_state({}); },
                     .fewer_steps = options.fewer_steps,
                     .worked_seconds = [this] { return worked; },
                     .come_and_go = options.keepsake != nullptr})),
      x(parameters.values()),
      g(parameters.gradients()) {
  algorithm->prepare(comm.size());
}

void Worker::begin_together() {
  at::Tensor buffers = parameters.buffers();
  if (shared.all()) {
    comm.broadcast(x, 0);
  } else {
    at::Tensor s;
    shared.take(x, s);
    comm.broadcast(s, 0);
    const c10::NoGradGuard no_grad;
    shared.put(s, x);
  }
  if (buffers.numel() > 0) comm.broadcast(buffers, 0);
  algorithm->join(comm, x);
}

void Worker::require_finite() const {
  if (std::isfinite(x.sum().item<double>())) return;
  throw Diverged(
      fmt::format("a weight is not finite after step {} on worker {}", clock.step, comm.rank()));
}

at::Tensor Worker::standing() {
  algorithm->quiesce();
  return algorithm->view(x);
}

// On a device a loss that is no number shows here first.
double Worker::take_mean_loss() {
  // Where it has rested in all of them nobody knows.
  const bool any = meters.losses.count() > 0;
  const double mean = meters.take_mean_loss();
  if (!any || std::isfinite(mean)) return mean;
  throw Diverged(fmt::format("the mean loss is {} at step {} on worker {}", std::abs(mean),
                             clock.step, comm.rank()));
}

void Worker::take_step(TraceRecorder* trace) {
  info.step = clock.step, info.total_steps = clock.total_steps;
  if (algorithm->rests()) return;
  const int64_t bytes = comm.total_bytes();
  const double waited = comm.total_wait_seconds();

  Laps laps;
  const Batch batch = loader.gather(sampler.batch(info.step), info.step);
  const Span gathered = laps.next();
  algorithm->before_gradient(info, x);
  const Span before = laps.next();
  info.loss = gradient.compute(
      batch, [this](int64_t begin, int64_t end) { algorithm->on_gradient_part(g, begin, end); });
  // abs: a NaN may have a sign, which says nothing.
  if (info.loss.known_not_finite()) {
    throw Diverged(fmt::format("the loss is {} at step {} on worker {}", std::abs(info.loss),
                               info.step + 1, comm.rank()));
  }
  const Span computed = laps.next();
  algorithm->on_gradient(info, x, g);
  const Span on = laps.next();
  algorithm->local_step(info, x, g, [&] { optimizer->step(schedule.at(info.step)); });
  const Span stepped = laps.next();

  const double wait = comm.total_wait_seconds() - waited;
  PhaseSeconds& seconds = meters.seconds;
  seconds.data += gathered.seconds();
  seconds.compute += computed.seconds() + stepped.seconds();
  seconds.wait += wait;
  seconds.communicate += before.seconds() + on.seconds() - wait;
  worked += gathered.seconds() + computed.seconds() + stepped.seconds();
  meters.train_bytes += comm.total_bytes() - bytes;
  meters.samples += batch.target.size(0);
  if (info.step == 0) meters.first_loss = info.loss;
  meters.add_loss(info.loss);

  if (trace == nullptr) return;
  trace->add(Phase::kData, gathered.begin, gathered.end, info.step);
  add_communication(*trace, before, info.step);
  trace->add(Phase::kCompute, computed.begin, computed.end, info.step);
  add_communication(*trace, on, info.step);
  trace->add(Phase::kCompute, stepped.begin, stepped.end, info.step);
}

void Worker::end_step(TraceRecorder* trace) {
  info.step = clock.step, info.total_steps = clock.total_steps;
  const int64_t bytes = comm.total_bytes();
  const double waited = comm.total_wait_seconds();
  Laps laps;
  algorithm->after_step(info, x);
  const Span after = laps.next();

  const double wait = comm.total_wait_seconds() - waited, extra = extra_gradient.take_seconds();
  PhaseSeconds& seconds = meters.seconds;
  seconds.compute += extra;
  seconds.wait += wait;
  seconds.communicate += after.seconds() - wait - extra;
  meters.train_bytes += comm.total_bytes() - bytes;

  if (trace == nullptr) return;
  if (algorithm->last_round()) {
    trace->add(Phase::kWait, after.begin, after.begin + wait, info.step);
    trace->add(Phase::kCommunicate, after.begin + wait, after.end, info.step);
  } else {
    add_communication(*trace, after, info.step);
  }
}

}  // namespace valley
