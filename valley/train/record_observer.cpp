#include "valley/train/record_observer.h"

#include <nlohmann/json.hpp>

#include "valley/record/score_record.h"

namespace valley {

void RecordObserver::round(const RunMoment& moment, const RoundReport& report) {
  recorder_.round(moment.clock.step, moment.clock.epoch(), moment.rounds, moment.period,
                  moment.learning_rate, report);
}

void RecordObserver::epoch(const RunMoment& moment, double loss) {
  recorder_.epoch(moment.clock.step, moment.clock.epoch(), loss, moment.learning_rate);
}

void RecordObserver::evaluation(const RunMoment& moment, const Evaluation& evaluation) {
  const PhaseSeconds& seconds = moment.meters.seconds;
  Json record = {{"step", moment.clock.step}, {"epoch", moment.clock.epoch()}, {"worker", "mean"}};
  add_scores(record, sheet_, "train", evaluation.train);
  if (!evaluation.validation.values.empty())
    add_scores(record, sheet_, "validation", evaluation.validation);
  if (!evaluation.test.values.empty()) add_scores(record, sheet_, "test", evaluation.test);
  if (!evaluation.test_by_worker.empty())
    record["test_by_worker"] = by_worker(evaluation.test_by_worker);
  record.update({{"generalization_gap", evaluation.generalization_gap},
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
  add_sheet(record, sheet_);
  recorder_.mean(record);
  recorder_.flush();
  if (const std::string stray = recorder_.take_stray(); !stray.empty()) say_(stray);
}

void RecordObserver::checkpoint(const RunMoment&) { recorder_.flush(); }

void RecordObserver::end(const RunMoment&) { recorder_.finish(); }

}  // namespace valley
