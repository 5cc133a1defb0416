#include "valley/train/progress_observer.h"

#include "valley/core/clock.h"

namespace valley {
namespace {

// A loss that is on a device is waited for: not more often than anybody can look.
constexpr double kLookSeconds = 0.1;

}  // namespace

void ProgressObserver::evaluation(const RunMoment&, const Evaluation& evaluation) {
  score_ = evaluation.held_out()[headline_.name];
}

void ProgressObserver::look_at(const std::optional<Loss>& loss, bool now) {
  const double time = now_seconds();
  if (!loss || (!loss->known() && !now && time - looked_ < kLookSeconds)) return;
  loss_ = *loss;
  looked_ = time;
}

void ProgressObserver::tell(const RunMoment& moment, bool line) {
  const Meters& meters = moment.meters;
  look_at(meters.last_loss, line);
  ProgressState state{.step = moment.clock.step,
                      .total_steps = moment.clock.total_steps,
                      .epoch_end = line,
                      .epoch = moment.clock.epoch(),
                      .loss = loss_,
                      .score = score_,
                      .score_of = &headline_};
  if (meters.last_distance) {
    state.valley_width = meters.last_distance;
    state.predicted_width = meters.predicted_width;
  }
  const PhaseSeconds& s = meters.seconds;
  const double busy = s.compute + s.communicate + s.wait + s.data;
  if (busy > 0) {
    state.samples_per_second = double(meters.samples) * workers_ / busy;
    state.communicating = (s.communicate + s.wait) / busy;
  }
  progress_.update(state);
}

}  // namespace valley
