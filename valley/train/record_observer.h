#pragma once

#include <functional>
#include <string>
#include <utility>

#include "valley/train/observer.h"
#include "valley/train/recorder.h"

namespace valley {

/// What a run's recorder is told.
class RecordObserver : public Observer {
 public:
  using Say = std::function<void(const std::string&)>;

  RecordObserver(Recorder& recorder, const ScoreSheet& sheet, Say say)
      : recorder_(recorder), sheet_(sheet), say_(std::move(say)) {}

  void round(const RunMoment& moment, const RoundReport& report) override;
  void epoch(const RunMoment& moment, double loss) override;
  void evaluation(const RunMoment& moment, const Evaluation& evaluation) override;
  void checkpoint(const RunMoment& moment) override;
  void end(const RunMoment& moment) override;

 private:
  Recorder& recorder_;
  const ScoreSheet& sheet_;
  const Say say_;
};

}  // namespace valley
