#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "valley/train/gauge_port.h"
#include "valley/train/observer.h"

namespace valley {

/// Keeps a file as Prometheus's node_exporter reads it (its textfile collector), or answers
/// Prometheus itself, or both: where a run is, its loss, scores and width, rounds, bytes and
/// seconds. Worker 0's view, made anew at most once a second and at the end. A file that cannot be
/// written, or a port that cannot be had, ends no run: it is tried again.
class GaugeObserver : public Observer {
 public:
  /// `path` and `port` may be empty. `run` is the label of every line; `sheet` names the scores.
  GaugeObserver(std::filesystem::path path, std::string port, std::string run, int workers,
                const ScoreSheet& sheet)
      : path_(std::move(path)),
        place_(std::move(port)),
        run_(std::move(run)),
        workers_(workers),
        sheet_(sheet) {}

  void round(const RunMoment& moment, const RoundReport& report) override;
  void evaluation(const RunMoment& moment, const Evaluation& evaluation) override;
  void tell(const RunMoment& moment, bool line) override;

 private:
  std::string text(const RunMoment& moment) const;
  void show(const std::string& text);

  const std::filesystem::path path_;
  const std::string place_;
  const std::string run_;
  const int workers_;
  const ScoreSheet& sheet_;
  std::optional<double> distance_;
  std::optional<Evaluation> evaluation_;
  double written_ = 0;  // when
  std::optional<GaugePort> port_;
};

}  // namespace valley
