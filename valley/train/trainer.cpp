#include "valley/train/trainer.h"

#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/models/model_pass.h"
#include "valley/record/run_folder.h"
#include "valley/train/average_model.h"
#include "valley/train/broken_off.h"
#include "valley/train/observers.h"
#include "valley/train/outcome.h"
#include "valley/train/rehearsal.h"
#include "valley/train/run_checkpoint.h"
#include "valley/train/sections.h"
#include "valley/train/stop_agreement.h"
#include "valley/train/worker.h"

namespace valley {

class Trainer::Loop {
 public:
  Loop(Communicator& comm, Model& model, DataSplits data, TrainOptions options)
      : w_(comm, model, std::move(data), std::move(options)),
        observers_(w_),
        average_(comm, model, w_.parameters, w_.shared, w_.data, w_.options, w_.generator),
        checkpoint_(comm, w_.options.out,
                    {w_.options.algorithm, w_.options.model_name, w_.options.keep_checkpoints,
                     w_.options.extend, w_.options.personal},
                    {w_.parameters, *w_.optimizer, *w_.algorithm, w_.generator, w_.meters,
                     average_.best(), average_.running()}),
        sections_(w_, checkpoint_) {}

  Summary run() {
    const c10::AutoGradMode with_grad(true);
    check_unrun(w_.model, w_.data, w_.options);
    start();
    started_ = now_seconds();
    return telling_where(w_, checkpoint_, [this] { return train(); });
  }

  StopAgreement stop;

  Observers& observers() { return observers_; }
  const RunClock& clock() const { return w_.clock; }
  const FlatParameters& parameters() const { return w_.parameters; }

 private:
  void start() {
    w_.model.train(true);
    using Restored = RunCheckpoint::Restored;
    const Restored restored =
        sections_.restore([this](const std::string& text) { observers_.say(text); });
    const bool goes_on = w_.options.resume || restored != Restored::kNothing;
    observers_.start(average_, goes_on ? w_.clock.step : -1);
    w_.comm.barrier();
    started_ = now_seconds();
    sections_.begin([this] { checkpoint(); });
    // Its steps count differently, so that its checkpoints could pass for later ones than ours.
    // So do those of a longer run, and from here on it is one.
    if (restored == Restored::kAverage || (restored == Restored::kSame && w_.options.extend))
      checkpoint();
    observers_.start_trace();
  }

  Summary train() {
    bool interrupted = false;
    while (!w_.over() && !interrupted) {
      if (!sections_.take_half_step()) w_.take_step(observers_.trace());
      interrupted = sections_.end_step([this] { return end_step(); });
      // A person is told last, of what is safe by then. The end is told with its scores.
      observers_.tell(&Observer::tell, w_.clock.epoch_ends() && !w_.over());
    }
    const Summary summary = sections_.end_run([&] {
      if (!interrupted) adopt_average();
      observers_.tell(&Observer::end);
      count_total_seconds();
      return summarize(w_, last_, interrupted);
    });
    if (!interrupted) observers_.tell(&Observer::tell, true);
    return summary;
  }

  // Whether the run is to end here, before its last step.
  bool end_step() {
    const int64_t rounds = w_.algorithm->rounds();
    w_.end_step(observers_.trace());
    ++w_.clock.step;
    if (w_.algorithm->rounds() > rounds) average_.running().take(w_.x);
    if (const auto& round = w_.algorithm->last_round()) {
      w_.meters.add_round(*round);
      observers_.tell(&Observer::round, *round);
    }
    if (w_.clock.epoch_ends() || w_.clock.at_end())
      observers_.tell(&Observer::epoch, w_.take_mean_loss());
    if (w_.clock.evaluation_due()) evaluate();
    observers_.tell(&Observer::step, w_.parameters.values());
    const bool interrupted = stop.agreed(w_.comm) && !w_.over();
    if (interrupted || w_.clock.checkpoint_due() || w_.over()) checkpoint();
    return interrupted;
  }

  void evaluate() {
    {
      const ScopedTimer timer(w_.meters.seconds.evaluate);
      const TraceScope trace(observers_.trace(), Phase::kEvaluate, w_.clock.step);
      last_ = average_.evaluate(w_.standing(), w_.meters.train_bytes, w_.clock.step);
    }
    w_.meters.reached = average_.ends_run(last_);
    observers_.tell(&Observer::evaluation, last_);
  }

  // The end: the model becomes the average of the workers.
  void adopt_average() {
    {
      const ScopedTimer timer(w_.meters.seconds.evaluate);
      const TraceScope trace(observers_.trace(), Phase::kEvaluate, w_.clock.step);
      const bool over_rounds = average_.running().value().defined();
      if ((w_.algorithm->final_average_needed() || over_rounds) && w_.comm.size() > 1) {
        w_.meters.train_bytes += w_.shared.size_of(w_.x) * int64_t(w_.x.element_size());
      }
      last_ = average_.adopt(w_.standing(), w_.meters.train_bytes, w_.clock.step);
    }
    observers_.tell(&Observer::evaluation, last_);
    if (!std::isfinite(last_.train.loss())) {
      throw Diverged(fmt::format("the loss of the workers' average is {} at the end",
                                 std::abs(last_.train.loss())));
    }
    if (!w_.options.out.empty() && w_.comm.rank() == 0)
      average_.save((std::filesystem::path(w_.options.out) / RunFolder::kModel).string(),
                    w_.options.model_name);
  }

  void checkpoint() {
    w_.require_finite();
    if (w_.options.out.empty()) return;
    const at::Tensor view = w_.standing();
    observers_.tell(&Observer::checkpoint);
    count_total_seconds();
    checkpoint_.save(w_.clock, view);
  }

  // Up to now; a resumed run adds to it.
  void count_total_seconds() {
    const double now = now_seconds();
    w_.meters.seconds.total += now - std::exchange(started_, now);
  }

  Worker w_;
  Observers observers_;
  AverageModel average_;
  RunCheckpoint checkpoint_;
  Sections sections_;
  Evaluation last_;  // without scores before the first
  double started_ = 0;
};

Trainer::Trainer(Communicator& comm, Model& model, DataSplits data, TrainOptions options)
    : loop_(std::make_unique<Loop>(comm, model, std::move(data), std::move(options))) {}
Trainer::~Trainer() = default;
void Trainer::set_probe(Probe* probe, int64_t every) { loop_->observers().set_probe(probe, every); }
void Trainer::set_progress(Progress* progress) { loop_->observers().set_progress(progress); }
void Trainer::add_observer(Observer& observer) { loop_->observers().add(observer); }
void Trainer::set_stop_flag(const std::atomic<bool>* stop) { loop_->stop.set_flag(stop); }
Summary Trainer::run() { return loop_->run(); }
int64_t Trainer::total_steps() const { return loop_->clock().total_steps; }
int64_t Trainer::steps_per_epoch() const { return loop_->clock().steps_per_epoch; }
const FlatParameters& Trainer::parameters() const { return loop_->parameters(); }

}  // namespace valley
