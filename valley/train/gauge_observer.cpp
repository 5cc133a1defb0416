#include "valley/train/gauge_observer.h"

#include <fmt/format.h>

#include <string_view>

#include "valley/core/atomic_file.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kPauseSeconds = 1;

// As a label's value is written: quotes, backslashes and line ends are escaped.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

class Lines {
 public:
  explicit Lines(const std::string& run) : run_(escaped(run)) {}

  // A quantity, with a word on what it is; then its value, or one for each label.
  void begin(const std::string& name, const char* type, const std::string& help) {
    name_ = "valley_" + name;
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_, help, type);
  }
  void value(double value, const std::string& more = "") {
    text_ += fmt::format("{}{{run=\"{}\"{}}} {}\n", name_, run_, more, value);
  }
  void one(const std::string& name, const char* type, const std::string& help, double v) {
    begin(name, type, help);
    value(v);
  }

  const std::string& text() const { return text_; }

 private:
  const std::string run_;
  std::string name_, text_;
};

}  // namespace

void GaugeObserver::round(const RunMoment&, const RoundReport& report) {
  distance_ = report.distance;
}

void GaugeObserver::evaluation(const RunMoment&, const Evaluation& evaluation) {
  evaluation_ = evaluation;
}

void GaugeObserver::tell(const RunMoment& moment, bool) {
  const double now = now_seconds();
  if (now - written_ < kPauseSeconds && !moment.over) return;
  written_ = now;
  show(text(moment));
}

void GaugeObserver::show(const std::string& text) {
  try {
    if (!path_.empty()) write_atomically(path_, text);
  } catch (const IoError&) {  // whoever reads it sees that it is old
  }
  if (place_.empty()) return;
  try {
    if (!port_) port_.emplace(place_);
    port_->show(text);
  } catch (const UsageError&) {  // a worker 0 that has just died may still have it
  }
}

std::string GaugeObserver::text(const RunMoment& moment) const {
  const Meters& meters = moment.meters;
  const PhaseSeconds& s = meters.seconds;
  Lines lines(run_);
  lines.one("steps", "counter", "local steps of every worker", double(moment.clock.step));
  lines.one("steps_wanted", "gauge", "local steps of the run", double(moment.clock.total_steps));
  lines.one("workers", "gauge", "workers of now", workers_);
  lines.one("learning_rate", "gauge", "of the last step", moment.learning_rate);
  if (meters.last_loss && meters.last_loss->known())
    lines.one("loss", "gauge", "of worker 0's last batch", double(*meters.last_loss));
  if (evaluation_) {
    for (const auto* set : {"train", "test"}) {
      const Scores& scores =
          std::string_view(set) == "train" ? evaluation_->train : evaluation_->test;
      for (const ScoreInfo& score : sheet_.scores)
        lines.one(score_key(set, score), "gauge", "of the workers' average, as last evaluated",
                  scores[score.name]);
    }
    lines.one("width", "gauge",
              "mean distance of the workers from their average, as last evaluated",
              evaluation_->valley_width);
  }
  if (distance_) lines.one("distance", "gauge", "of worker 0 in its last round", *distance_);
  lines.one("rounds", "counter", "in which the workers met", double(moment.rounds));
  lines.one("bytes", "counter", "that worker 0 handed to communication",
            double(meters.train_bytes));
  lines.one("samples", "counter", "that worker 0 trained on", double(meters.samples));
  lines.begin("seconds", "counter", "that worker 0 spent");
  for (const auto& [phase, seconds] : {std::pair("compute", s.compute),
                                       {"communicate", s.communicate},
                                       {"wait", s.wait},
                                       {"data", s.data},
                                       {"evaluate", s.evaluate},
                                       {"probe", s.probe}})
    lines.value(seconds, fmt::format(",phase=\"{}\"", phase));
  lines.one("over", "gauge", "1: no step follows", moment.over ? 1 : 0);
  return lines.text();
}

}  // namespace valley
