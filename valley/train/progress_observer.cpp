#include "valley/train/progress_observer.h"

namespace valley {

void ProgressObserver::evaluation(const RunMoment&, const Evaluation& evaluation) {
  score_ = evaluation.test[headline_.name];
}

void ProgressObserver::tell(const RunMoment& moment, bool line) {
  const Meters& meters = moment.meters;
  ProgressState state{.step = moment.clock.step,
                      .total_steps = moment.clock.total_steps,
                      .epoch_end = line,
                      .epoch = moment.clock.epoch(),
                      .loss = meters.last_loss,
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
