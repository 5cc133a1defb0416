#include "valley/train/record_observer.h"

#include <nlohmann/json.hpp>

namespace valley {

void RecordObserver::round(const RunMoment& moment, const RoundReport& report) {
  recorder_.round(moment.clock.step, moment.clock.epoch(), moment.rounds, moment.period,
                  moment.learning_rate, report);
}

void RecordObserver::epoch(const RunMoment& moment, double loss) {
  recorder_.epoch(moment.clock.step, moment.clock.epoch(), loss, moment.learning_rate);
}

void RecordObserver::evaluation(const RunMoment& moment, const Evaluation& evaluation) {
  const Scores &train = evaluation.train, &test = evaluation.test;
  const PhaseSeconds& seconds = moment.meters.seconds;
  recorder_.mean({{"step", moment.clock.step},
                  {"epoch", moment.clock.epoch()},
                  {"worker", "mean"},
                  {"train_loss", train.loss},
                  {"train_accuracy", train.accuracy},
                  {"test_loss", test.loss},
                  {"test_accuracy", test.accuracy},
                  {"generalization_gap", evaluation.generalization_gap()},
                  {"valley_width", evaluation.valley_width},
                  {"predicted_width", moment.meters.predicted_width},
                  {"lr", moment.learning_rate},
                  {"rounds", moment.rounds},
                  {"period", moment.period},
                  {"comm_bytes", evaluation.train_bytes},
                  {"seconds_compute", seconds.compute},
                  {"seconds_communicate", seconds.communicate},
                  {"seconds_wait", seconds.wait},
                  {"seconds_data", seconds.data},
                  {"seconds_evaluate", seconds.evaluate},
                  {"seconds_probe", seconds.probe}});
  recorder_.flush();
}

void RecordObserver::checkpoint(const RunMoment&) { recorder_.flush(); }

void RecordObserver::end(const RunMoment&) { recorder_.finish(); }

}  // namespace valley
