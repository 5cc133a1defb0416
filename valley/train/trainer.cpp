#include "valley/train/trainer.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/algorithms/kernels.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/evaluation/batch_norm.h"
#include "valley/models/model_pass.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/record/units.h"
#include "valley/train/checkpoint.h"
#include "valley/train/gradient.h"
#include "valley/train/probe.h"
#include "valley/train/recorder.h"
#include "valley/train/rehearsal.h"
#include "valley/train/worker_generator.h"

namespace valley {

// What is summed up while training, and saved with a checkpoint.
struct Meters {
  double loss_sum = 0;  // over the steps of the epoch so far
  int64_t loss_count = 0;
  int64_t train_bytes = 0;                         // payload of the algorithm's own operations
  int64_t samples = 0;                             // this worker's
  double predicted_width = 0, pull = 0, push = 0;  // of the last round
  ProbeCost probes;
  bool reached = false;  // --until-loss, at the last evaluation
  double first_loss = std::numeric_limits<double>::quiet_NaN();  // of this worker's first batch
  PhaseSeconds seconds;
};

namespace {

namespace fs = std::filesystem;

TrainOptions checked(TrainOptions o, const Communicator& comm) {
  require(!find_algorithm(o.algorithm).asynchronous || comm.shares_memory(),
          "--algorithm {} needs workers that share memory: --launch threads", o.algorithm);
  check(o);
  return o;
}

LrScheduleOptions with_total(LrScheduleOptions o, int64_t total_steps) {
  o.total_steps = total_steps;
  return o;
}

int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// JSON has no word for NaN, which is written as null; older checkpoints have no entry.
double first_loss_from(const Json& json) {
  const auto found = json.find("first_loss");
  if (found == json.end() || found->is_null()) return Meters{}.first_loss;
  return found->get<double>();
}

// What always answering the commonest class scores.
double share_of_commonest(const Dataset& data) {
  std::vector<int64_t> counts(static_cast<size_t>(data.classes));
  const at::Tensor targets = data.targets.contiguous();
  for (int64_t i = 0; i < targets.numel(); ++i) {
    ++counts[static_cast<size_t>(targets.data_ptr<int64_t>()[i])];
  }
  return double(*std::max_element(counts.begin(), counts.end())) / double(targets.numel());
}

Json to_json(const Meters& m) {
  return {{"loss_sum", m.loss_sum},
          {"loss_count", m.loss_count},
          {"train_bytes", m.train_bytes},
          {"samples", m.samples},
          {"predicted_width", m.predicted_width},
          {"pull", m.pull},
          {"push", m.push},
          {"probes", to_json(m.probes)},
          {"reached", m.reached},
          {"first_loss", m.first_loss},
          {"seconds",
           {m.seconds.compute, m.seconds.communicate, m.seconds.wait, m.seconds.data,
            m.seconds.evaluate, m.seconds.total, m.seconds.probe}}};
}

Meters meters_from(const Json& json) {
  const auto s = json.at("seconds").get<std::vector<double>>();
  return {.loss_sum = json.at("loss_sum"),
          .loss_count = json.at("loss_count"),
          .train_bytes = json.at("train_bytes"),
          .samples = json.at("samples"),
          .predicted_width = json.at("predicted_width"),
          .pull = json.value("pull", 0.0),
          .push = json.value("push", 0.0),
          .probes = json.contains("probes") ? probe_cost_from(json["probes"]) : ProbeCost{},
          .reached = json.value("reached", false),
          .first_loss = first_loss_from(json),
          .seconds = {.compute = s.at(0),
                      .communicate = s.at(1),
                      .wait = s.at(2),
                      .data = s.at(3),
                      .evaluate = s.at(4),
                      .probe = s.size() > 6 ? s[6] : 0,  // older checkpoints have none
                      .total = s.at(5)}};
}

// The names and shapes of what a checkpoint holds, by which another model of equal size is known.
Json layout_of(const FlatParameters& parameters) {
  Json layout = Json::array();
  for (const auto* ranges : {&parameters.ranges(), &parameters.buffer_ranges()}) {
    for (const NamedRange& range : *ranges)
      layout.push_back(Json::array({range.name, range.shape}));
  }
  for (const auto& other : parameters.other_buffers()) {
    layout.push_back(Json::array({other.name, other.tensor.sizes().vec()}));
  }
  return layout;
}

void require_same_layout(const Json& there, const Json& here) {
  const auto entry = [](const Json& layout, size_t i) -> std::string {
    if (i >= layout.size()) return "no more";
    return fmt::format("{} {}", layout[i][0].get<std::string>(),
                       layout[i][1].get<std::vector<int64_t>>());
  };
  for (size_t i = 0; i < std::max(there.size(), here.size()); ++i) {
    const std::string theirs = entry(there, i), ours = entry(here, i);
    require(theirs == ours, "the checkpoint is of another model: it has {} where this one has {}",
            theirs, ours);
  }
}

}  // namespace

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

class Trainer::Loop {
 public:
  Loop(Communicator& comm, Model& model, DataSplits data, TrainOptions options)
      : comm_(comm),
        model_(model),
        data_(std::move(data)),
        o_(checked(std::move(options), comm)),
        sampler_(
            {.examples = data_.train->size(),
             .batch_size = o_.batch_size,
             .rank = comm.rank(),
             .workers = comm.size(),
             .seed = o_.seed,
             .tail = o_.tail},
            make_partition(data_.train->targets, data_.train->classes, comm.size(), o_.partition)),
        steps_per_epoch_(sampler_.steps_per_epoch()),
        total_steps_(o_.steps > 0 ? o_.steps : o_.epochs * steps_per_epoch_),
        schedule_(with_total(o_.learning_rate, total_steps_)),
        generator_(derive_seed(o_.seed, comm.rank(), "model")),
        parameters_(model.parameters(), model.buffers(), o_.decay_rule),
        optimizer_(make_optimizer(o_.optimizer, parameters_)),
        algorithm_(find_algorithm(o_.algorithm)
                       .make(o_.algorithm_options,
                             {.total_steps = total_steps_,
                              .steps_per_epoch = steps_per_epoch_,
                              .seed = o_.seed,
                              .learning_rate = [this](int64_t k) { return schedule_.at(k); },
                              .warmup_steps = o_.learning_rate.warmup_steps,
                              .layers = layers(),
                              .layer_gradient_norms = [this] { return probe(); }})),
        loader_(data_.train, *data_.train, o_.augmentation, o_.seed, comm.rank()),
        gradient_(model, parameters_, o_.sam, o_.auxiliary),
        checkpoints_(fs::path(o_.out) / RunFolder::kCheckpoints),
        x_(parameters_.values()),
        g_(parameters_.gradients()) {
    algorithm_->prepare(comm.size());
  }

  Summary run() {
    const c10::AutoGradMode with_grad(true);
    check_unrun(model_, data_, o_);
    started_ = now_seconds();
    start();
    started_ = now_seconds();
    try {
      return train();
    } catch (const UsageError& error) {  // no request is refused once it is being carried out
      throw ModelError(broken_off(error.what()));
    } catch (const ModelError& error) {
      throw ModelError(broken_off(error.what()));
    }
  }

  void set_probe(Probe* probe, int64_t every) {
    require(every >= 0, "--probe must be at least 0, got {}", every);
    require_no_probe_of_asynchronous(o_.algorithm, every);
    observer_ = every > 0 ? probe : nullptr;
    probe_every_ = every;
  }

  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;

  int64_t total_steps() const { return total_steps_; }
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  const FlatParameters& parameters() const { return parameters_; }

 private:
  std::vector<LayerRange> layers() const {
    std::vector<LayerRange> layers;
    for (const NamedRange& range : parameters_.ranges()) {
      layers.push_back({range.offset, range.size});
    }
    return layers;
  }

  bool done() const { return step_ == total_steps_ || meters_.reached; }

  double epoch() const { return double(step_) / double(steps_per_epoch_); }

  // Up to now; a resumed run adds to it.
  void count_total_seconds() {
    const double now = now_seconds();
    meters_.seconds.total += now - std::exchange(started_, now);
  }

  Summary train() {
    bool interrupted = false;
    while (!done() && !interrupted) {
      train_step();
      ++step_;
      end_step();
      interrupted = stop_agreed() && !done();
      const bool due = o_.checkpoint_every > 0 && step_ % o_.checkpoint_every == 0;
      if (interrupted || due || done()) checkpoint();
      // A person is told last, of what is safe by then. The end is shown with its accuracy.
      tell_news();
      show(step_ % steps_per_epoch_ == 0 && !done());
    }
    if (!interrupted) adopt_average();
    recorder_->finish();
    const Summary summary = summarize(interrupted);
    if (!interrupted) show(/*epoch_end=*/true);
    return summary;
  }

  // --- before the first step -------------------------------------------------------------------

  void start() {
    model_.train(true);
    std::optional<Manifest> manifest;
    WorkerState state;  // of this worker, where their number is the checkpoint's
    if (o_.resume) {
      manifest = checkpoints_.take_newest_whole(
          comm_,
          [&](const Manifest& candidate) {
            if (candidate.workers != comm_.size()) return load_average(candidate);
            require_same_run(candidate);
            state = checkpoints_.load(candidate, comm_.rank(), "");
          },
          [this](const std::string& text) { say(text); });
    }
    if (manifest && manifest->workers == comm_.size()) {
      resume(*manifest, state);
    } else if (manifest) {
      start_from_average(*manifest);
    } else {
      comm_.broadcast(x_, 0);
      if (parameters_.buffers().numel() > 0) comm_.broadcast(parameters_.buffers(), 0);
      algorithm_->join(comm_, x_);
    }
    recorder_ = std::make_unique<Recorder>(comm_, o_.out, o_.resume ? step_ : -1);
    if (const std::string warning = recorder_->warning(); !warning.empty()) say(warning);
    comm_.barrier();
    // Its steps count differently, so that its checkpoints could pass for later ones than ours.
    if (manifest && manifest->workers != comm_.size()) checkpoint();
    if (recorder_->trace() != nullptr) recorder_->trace()->restart_clock();
  }

  void require_same_run(const Manifest& manifest) const {
    require(manifest.algorithm == o_.algorithm && manifest.total_steps == total_steps_,
            "the checkpoint is of {} over {} steps, the run of {} over {}", manifest.algorithm,
            manifest.total_steps, o_.algorithm, total_steps_);
  }

  void resume(const Manifest& manifest, const WorkerState& state) {
    std::vector<NamedTensor> optimizer;
    std::vector<std::pair<std::string, at::Tensor>> algorithm;
    for (const auto& [name, tensor] : state.tensors) {
      if (name.starts_with("optimizer/")) {
        optimizer.push_back({name.substr(10), tensor});
      } else if (name.starts_with("algorithm/")) {
        algorithm.emplace_back(name.substr(10), tensor);
      } else if (name == "generator") {
        generator_.set_state(tensor);
      }
    }
    load_values(state);
    optimizer_->load_state(optimizer);
    step_ = manifest.step;
    algorithm_->join(comm_, x_, step_);
    algorithm_->load_state(algorithm);
    meters_ = meters_from(Json::parse(state.values).at("meters"));
    say(fmt::format("resuming at step {} of {}", step_, total_steps_));
  }

  // Another number of workers cannot go on where each of the former ones was: all start from
  // their average, at the beginning of the epoch, with fresh optimizers.
  void load_average(const Manifest& manifest) {
    at::Tensor sum = at::zeros_like(x_, at::kDouble);
    meters_.first_loss = 0;
    for (int m = 0; m < manifest.workers; ++m) {
      const WorkerState state = checkpoints_.load(manifest, m, "");
      load_values(state);
      sum.add_(state.view());
      meters_.first_loss +=
          first_loss_from(Json::parse(state.values).at("meters")) / manifest.workers;
    }
    x_.copy_(sum.div_(manifest.workers));
  }

  void start_from_average(const Manifest& manifest) {
    const int64_t epochs = manifest.step * total_steps_ / manifest.total_steps / steps_per_epoch_;
    step_ = epochs * steps_per_epoch_;
    algorithm_->join(comm_, x_, step_);
    say(
        fmt::format("the checkpoint has {} workers, this run {}: starting from their average at "
                    "epoch {}, with fresh optimizer state",
                    manifest.workers, comm_.size(), epochs));
  }

  void load_values(const WorkerState& state) {
    const Json values = Json::parse(state.values);
    if (values.contains("layout")) require_same_layout(values["layout"], layout_of(parameters_));
    for (const auto& [name, tensor] : state.tensors) {
      if (name == "x") {
        require(tensor.sizes() == x_.sizes(), "the checkpoint has {} parameters, the model {}",
                tensor.numel(), x_.numel());
        x_.copy_(tensor);
      } else if (name == "buffers") {
        require(tensor.sizes() == parameters_.buffers().sizes(),
                "the checkpoint has {} buffer values, the model {}", tensor.numel(),
                parameters_.buffers().numel());
        at::Tensor(parameters_.buffers()).copy_(tensor);
      }
      for (const auto& other : parameters_.other_buffers()) {
        if (name == "buffer/" + other.name) at::Tensor(other.tensor).copy_(tensor);
      }
    }
  }

  // --- the loop ----------------------------------------------------------------------------------

  void train_step() {
    PhaseSeconds& seconds = meters_.seconds;
    const double begin = now_seconds();
    const Batch batch = loader_.gather(sampler_.batch(step_), step_);
    const double gathered = now_seconds();

    StepInfo info{.step = step_, .total_steps = total_steps_};
    const int64_t bytes = comm_.total_bytes();
    const double waited = comm_.total_wait_seconds();

    algorithm_->before_gradient(info, x_);
    const double sent = now_seconds();
    info.loss = gradient_.compute(batch, [this](int64_t part_begin, int64_t part_end) {
      algorithm_->on_gradient_part(g_, part_begin, part_end);
    });
    check_finite(info.loss);
    if (step_ == 0) meters_.first_loss = info.loss;
    const double computed = now_seconds();
    algorithm_->on_gradient(info, x_, g_);
    const double reduced = now_seconds();
    algorithm_->local_step(info, x_, g_, [this] { optimizer_->step(schedule_.at(step_)); });
    const double stepped = now_seconds();
    algorithm_->after_step(info, x_);
    const double end = now_seconds();

    const double wait = comm_.total_wait_seconds() - waited;
    seconds.data += gathered - begin;
    const double probed = std::exchange(probe_seconds_, 0.0);
    seconds.compute += (computed - sent) + (stepped - reduced) + probed;
    seconds.wait += wait;
    seconds.communicate +=
        (sent - gathered) + (reduced - computed) + (end - stepped) - wait - probed;
    meters_.train_bytes += comm_.total_bytes() - bytes;
    meters_.samples += batch.target.size(0);
    meters_.loss_sum += info.loss;
    ++meters_.loss_count;
    last_loss_ = info.loss;
    if (TraceRecorder* trace = recorder_->trace()) {
      trace->add(Phase::kData, begin, gathered, step_);
      if (sent - gathered > 1e-6) trace->add(Phase::kCommunicate, gathered, sent, step_);
      trace->add(Phase::kCompute, sent, computed, step_);
      if (reduced - computed > 1e-6) trace->add(Phase::kCommunicate, computed, reduced, step_);
      trace->add(Phase::kCompute, reduced, stepped, step_);
      if (algorithm_->last_round()) {
        trace->add(Phase::kWait, stepped, stepped + wait, step_);
        trace->add(Phase::kCommunicate, stepped + wait, end, step_);
      } else if (end - stepped > 1e-6) {
        trace->add(Phase::kCommunicate, stepped, end, step_);
      }
    }
  }

  // Norms of the gradient on one more batch, for algorithms that ask. Its draw is of (seed, worker,
  // step) alone and evaluation draws nothing, so that asking changes nothing else.
  std::vector<double> probe() {
    const ScopedTimer timer(probe_seconds_);
    if (!probe_loader_) {
      probe_loader_.emplace(data_.train, *data_.train, Augmentation{}, o_.seed, comm_.rank());
    }
    Random random(derive_seed(o_.seed, comm_.rank(), "gradient norms", step_));
    std::vector<int64_t> indices(sampler_.batch(step_).size());
    for (int64_t& index : indices) index = sampler_.random_example(random);
    return gradient_.norms(probe_loader_->gather(indices, step_));
  }

  void end_step() {
    if (const auto& round = algorithm_->last_round()) {
      meters_.predicted_width = round->figure("predicted_width");
      meters_.pull = round->figure("pull");
      meters_.push = round->figure("push");
      last_distance_ = round->distance;
      recorder_->round(step_, epoch(), algorithm_->rounds(), algorithm_->period(),
                       schedule_.at(step_ - 1), *round);
    }
    const bool epoch_end = step_ % steps_per_epoch_ == 0;
    if (epoch_end || step_ == total_steps_) {
      recorder_->epoch(step_, epoch(), meters_.loss_sum / double(meters_.loss_count),
                       schedule_.at(step_ - 1));
      meters_.loss_sum = 0;
      meters_.loss_count = 0;
    }
    const bool due =
        o_.evaluate_every > 0 && epoch_end && (step_ / steps_per_epoch_) % o_.evaluate_every == 0;
    if (due && step_ < total_steps_) {
      evaluate_average();
      meters_.reached = o_.until_loss > 0 && summary_.train_loss <= o_.until_loss;
    }
    if (observer_ != nullptr && (step_ % probe_every_ == 0 || done())) observe();
  }

  bool stop_agreed() {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) comm_.request_stop();
    // A single worker need not wait for its next operation.
    return comm_.stop_agreed() || (comm_.size() == 1 && stop != nullptr && stop->load());
  }

  void check_finite(double loss) const {
    if (std::isfinite(loss)) return;
    // abs: a NaN may have a sign, which says nothing.
    throw Diverged(fmt::format("the loss is {} at step {} on worker {}; {}", std::abs(loss),
                               step_ + 1, comm_.rank(), last_checkpoint()));
  }

  // The loss of the last step knows nothing of what that step then did.
  void check_weights() const {
    if (std::isfinite(x_.sum().item<double>())) return;
    throw Diverged(fmt::format("a weight is not finite after step {} on worker {}; {}", step_,
                               comm_.rank(), last_checkpoint()));
  }

  std::string last_checkpoint() const {
    if (o_.out.empty()) return "a smaller --lr or a stronger --pull may help";
    const std::optional<Manifest> last = checkpoints_.latest_readable();
    return last ? fmt::format("the last good checkpoint is {}",
                              checkpoints_.path_of(last->step).string())
                : "there is no checkpoint yet (--checkpoint-every)";
  }

  std::string broken_off(const std::string& reason) const {
    std::string text =
        fmt::format("{}: broken off after step {} on worker {}", reason, step_, comm_.rank());
    return o_.out.empty() ? text : text + "; " + last_checkpoint();
  }

  // --- evaluation -------------------------------------------------------------------------------

  // Where this worker stands, with nothing under way. All workers call it together.
  at::Tensor standing() {
    algorithm_->quiesce();
    return algorithm_->view(x_);
  }

  // Shows the workers to the probe. Nothing here may leave a trace in the training.
  void observe() {
    const double begin = now_seconds();
    const int64_t bytes = comm_.total_bytes();
    const TraceScope trace(recorder_->trace(), Phase::kProbe, step_);
    const at::Tensor generator = generator_.state();
    const at::Tensor x = standing(), average = sum_of_workers(x).div_(comm_.size());
    ProbeResult result = observer_->measure({.x = x,
                                             .average = average,
                                             .learning_rate = schedule_.at(step_ - 1),
                                             .pull = meters_.pull,
                                             .push = meters_.push,
                                             .buffers = [&] { return buffers_at(average); }});
    generator_.set_state(generator);
    const ProbeCost cost{.count = 1, .passes = result.passes, .bytes = comm_.total_bytes() - bytes};
    const double seconds = now_seconds() - begin;
    result.figures["passes"] = cost.passes;
    result.figures["bytes"] = cost.bytes;
    result.figures["seconds"] = seconds;
    recorder_->mean({{"step", step_},
                     {"epoch", epoch()},
                     {"worker", "mean"},
                     {"probe", std::move(result.figures)}});
    recorder_->flush();
    news_ = fmt::format("probe at step {}: {}; {:.0f} passes, {}, {} sent", step_, result.text,
                        cost.passes, format_seconds(seconds), format_bytes(cost.bytes));
    meters_.probes += cost;
    meters_.seconds.probe += now_seconds() - begin;
  }

  at::Tensor buffers_at(const at::Tensor& x) {
    if (parameters_.buffers().numel() == 0) return parameters_.buffers();
    const BorrowedValues borrowed(parameters_, x);
    reestimate_batch_norm(model_, parameters_, data_.train, comm_, o_.evaluation);
    return parameters_.buffers().clone();
  }

  at::Tensor sum_of_workers(const at::Tensor& x) {
    const c10::NoGradGuard no_grad;
    at::Tensor sum = at::empty_like(x);
    comm_.all_reduce_sum(x, sum);
    return sum;
  }

  // The average of all workers; its valley width goes to the summary.
  at::Tensor average() {
    const c10::NoGradGuard no_grad;
    const at::Tensor x = standing();
    at::Tensor sum = sum_of_workers(x);
    const SquaredNorms norms = squared_norms(x, sum, comm_.size(), 0, x.numel());
    at::Tensor means =
        at::tensor({std::sqrt(norms.distance), double(meters_.train_bytes)}, at::kDouble);
    comm_.all_reduce_mean(means);
    summary_.valley_width = means.data_ptr<double>()[0];
    mean_bytes_ = std::llround(means.data_ptr<double>()[1]);
    return sum.div_(comm_.size());
  }

  void score() {
    const at::Tensor generator =
        generator_.state();  // dropout of the re-estimation leaves no trace
    reestimate_batch_norm(model_, parameters_, data_.train, comm_, o_.evaluation);
    const Scores train = evaluate(model_, data_.train, *data_.train, comm_, o_.evaluation);
    const Scores test = evaluate(model_, data_.test, *data_.train, comm_, o_.evaluation);
    generator_.set_state(generator);
    summary_.train_loss = train.loss;
    summary_.train_accuracy = train.accuracy;
    summary_.test_loss = test.loss;
    summary_.test_accuracy = test.accuracy;
    summary_.generalization_gap = train.accuracy - test.accuracy;
    recorder_->mean({{"step", step_},
                     {"epoch", epoch()},
                     {"worker", "mean"},
                     {"train_loss", train.loss},
                     {"train_accuracy", train.accuracy},
                     {"test_loss", test.loss},
                     {"test_accuracy", test.accuracy},
                     {"generalization_gap", summary_.generalization_gap},
                     {"valley_width", summary_.valley_width},
                     {"predicted_width", meters_.predicted_width},
                     {"lr", schedule_.at(step_ - 1)},
                     {"rounds", algorithm_->rounds()},
                     {"period", algorithm_->period()},
                     {"comm_bytes", mean_bytes_},
                     {"seconds_compute", meters_.seconds.compute},
                     {"seconds_communicate", meters_.seconds.communicate},
                     {"seconds_wait", meters_.seconds.wait},
                     {"seconds_data", meters_.seconds.data},
                     {"seconds_evaluate", meters_.seconds.evaluate},
                     {"seconds_probe", meters_.seconds.probe}});
  }

  void evaluate_average() {
    const ScopedTimer timer(meters_.seconds.evaluate);
    const TraceScope trace(recorder_->trace(), Phase::kEvaluate, step_);
    const BorrowedValues borrowed(parameters_, average());
    score();
    recorder_->flush();
  }

  // The end: the model becomes the average of the workers.
  void adopt_average() {
    const ScopedTimer timer(meters_.seconds.evaluate);
    const TraceScope trace(recorder_->trace(), Phase::kEvaluate, step_);
    if (algorithm_->final_average_needed() && comm_.size() > 1) {
      meters_.train_bytes += x_.numel() * int64_t(x_.element_size());
    }
    const at::Tensor mean = average();
    {
      const c10::NoGradGuard no_grad;
      x_.copy_(mean);
    }
    score();
    if (!std::isfinite(summary_.train_loss)) {
      throw Diverged(fmt::format("the loss of the workers' average is {} at the end; {}",
                                 std::abs(summary_.train_loss), last_checkpoint()));
    }
    if (!o_.out.empty() && comm_.rank() == 0) save_model();
  }

  void save_model() {
    std::vector<NamedTensor> state = state_dict(model_);
    for (auto& named : state) named.tensor = named.tensor.detach();
    save_safetensors((fs::path(o_.out) / RunFolder::kModel).string(), state,
                     {{"format", "pt"}, {"model", o_.model_name}});
  }

  void checkpoint() {
    check_weights();
    if (o_.out.empty()) return;
    const at::Tensor view = standing();
    recorder_->flush();
    count_total_seconds();
    WorkerState state;
    state.tensors = {
        {"x", x_}, {"buffers", parameters_.buffers()}, {"generator", generator_.state()}};
    if (!view.is_same(x_)) state.tensors.push_back({"view", view});
    for (const auto& other : parameters_.other_buffers()) {
      state.tensors.push_back({"buffer/" + other.name, other.tensor});
    }
    for (const auto& [name, tensor] : optimizer_->state()) {
      state.tensors.push_back({"optimizer/" + name, tensor});
    }
    for (const auto& [name, tensor] : algorithm_->state()) {
      state.tensors.push_back({"algorithm/" + name, tensor});
    }
    state.values =
        Json{{"step", step_}, {"meters", to_json(meters_)}, {"layout", layout_of(parameters_)}}
            .dump();
    checkpoints_.save(comm_,
                      {.step = step_,
                       .total_steps = total_steps_,
                       .workers = comm_.size(),
                       .algorithm = o_.algorithm,
                       .model = o_.model_name},
                      state, o_.keep_checkpoints);
  }

  // --- telling ----------------------------------------------------------------------------------

  void say(const std::string& text) {
    if (progress != nullptr && comm_.rank() == 0) progress->message(text);
  }

  void tell_news() {
    if (!news_.empty()) say(std::exchange(news_, ""));
  }

  void show(bool epoch_end) {
    if (progress == nullptr || comm_.rank() != 0) return;
    const PhaseSeconds& s = meters_.seconds;
    const double busy = s.compute + s.communicate + s.wait + s.data;
    ProgressState state{.step = step_, .total_steps = total_steps_, .epoch_end = epoch_end};
    state.epoch = epoch();
    state.loss = last_loss_;
    if (summary_.test_accuracy > 0) state.accuracy = summary_.test_accuracy;
    if (algorithm_->last_round() || last_distance_ > 0) {
      state.valley_width = last_distance_;
      state.predicted_width = meters_.predicted_width;
    }
    if (busy > 0) {
      state.samples_per_second = double(meters_.samples) * comm_.size() / busy;
      state.communicating = (s.communicate + s.wait) / busy;
    }
    progress->update(state);
  }

  Summary summarize(bool interrupted) {
    const bool final_average = !interrupted && algorithm_->final_average_needed();
    count_total_seconds();
    PhaseSeconds& s = meters_.seconds;
    at::Tensor means = at::tensor(
        {s.compute, s.communicate, s.wait, s.data, s.evaluate, s.total, double(meters_.samples),
         double(meters_.train_bytes), s.probe, meters_.first_loss},
        at::kDouble);
    comm_.all_reduce_mean(means);
    const double* mean = means.data_ptr<double>();

    Summary r = summary_;
    r.status = interrupted ? RunState::Kind::kInterrupted : RunState::Kind::kFinished;
    r.algorithm = o_.algorithm;
    r.model = o_.model_name;
    r.data = o_.data_name;
    r.workers = comm_.size();
    r.backend = comm_.backend();
    r.seed = o_.seed;
    r.parameters = x_.numel();
    r.steps = step_;
    r.epochs = epoch();
    r.predicted_width = meters_.predicted_width;
    r.rounds = algorithm_->rounds() + (final_average ? 1 : 0);
    r.comm_bytes_per_worker = std::llround(mean[7]);
    const double ssgd_bytes = double(x_.numel()) * double(x_.element_size()) * double(step_);
    r.comm_fraction_of_ssgd = mean[7] / ssgd_bytes;
    r.seconds = {.compute = mean[0],
                 .communicate = mean[1],
                 .wait = mean[2],
                 .data = mean[3],
                 .evaluate = mean[4],
                 .probe = mean[8],
                 .total = mean[5]};
    r.samples_per_second =
        mean[6] * comm_.size() / (r.seconds.total - r.seconds.evaluate - r.seconds.probe);
    r.probes = meters_.probes;
    r.first_loss = mean[9];
    r.chance_accuracy = share_of_commonest(*data_.test);
    if (!interrupted) {
      r.verdict = judge({.first_loss = r.first_loss,
                         .train_loss = r.train_loss,
                         .train_accuracy = r.train_accuracy,
                         .test_accuracy = r.test_accuracy,
                         .train_chance = share_of_commonest(*data_.train),
                         .test_chance = r.chance_accuracy});
    }
    r.peak_rss_bytes = peak_rss_bytes();
    if (!o_.out.empty() && comm_.rank() == 0) {
      write_json(fs::path(o_.out) / RunFolder::kSummary, r.to_json());
    }
    return r;
  }

  Communicator& comm_;
  Model& model_;
  DataSplits data_;
  TrainOptions o_;
  Sampler sampler_;
  int64_t steps_per_epoch_, total_steps_;
  LrSchedule schedule_;
  WorkerGenerator generator_;
  FlatParameters parameters_;
  std::unique_ptr<LocalOptimizer> optimizer_;
  std::unique_ptr<Algorithm> algorithm_;
  Loader loader_;
  std::optional<Loader> probe_loader_;  // without augmentation; made when first asked for
  double probe_seconds_ = 0;            // of the running step
  Gradient gradient_;
  Checkpoints checkpoints_;
  std::unique_ptr<Recorder> recorder_;
  at::Tensor x_, g_;  // [d]

  Probe* observer_ = nullptr;
  int64_t probe_every_ = 0;
  std::string news_;  // of this step's probe

  int64_t step_ = 0;  // local steps done
  Meters meters_;
  Summary summary_;                  // the scores of the last evaluation
  std::optional<double> last_loss_;  // none yet after a resume
  double last_distance_ = 0;
  int64_t mean_bytes_ = 0;  // train_bytes over the workers, at the last evaluation
  double started_ = 0;
};

Trainer::Trainer(Communicator& comm, Model& model, DataSplits data, TrainOptions options)
    : loop_(std::make_unique<Loop>(comm, model, std::move(data), std::move(options))) {}
Trainer::~Trainer() = default;
void Trainer::set_probe(Probe* probe, int64_t every) { loop_->set_probe(probe, every); }
void Trainer::set_progress(Progress* progress) { loop_->progress = progress; }
void Trainer::set_stop_flag(const std::atomic<bool>* stop) { loop_->stop = stop; }
Summary Trainer::run() { return loop_->run(); }
int64_t Trainer::total_steps() const { return loop_->total_steps(); }
int64_t Trainer::steps_per_epoch() const { return loop_->steps_per_epoch(); }
const FlatParameters& Trainer::parameters() const { return loop_->parameters(); }

}  // namespace valley
