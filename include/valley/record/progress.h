#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "valley/core/clock.h"
#include "valley/core/scores.h"

namespace valley {

/// Where a run is. What is not known is left out of the display.
struct ProgressState {
  int64_t step = 0;         ///< steps done
  int64_t total_steps = 0;  ///< of the whole run
  bool epoch_end = false;   ///< this step ends an epoch: worth a line where there is no bar
  std::optional<double> epoch = {};
  std::optional<double> loss = {};
  std::optional<double> score = {};     ///< the task's headline, on the test set
  const ScoreInfo* score_of = nullptr;  ///< what it is; with `score`
  std::optional<double> valley_width = {};
  std::optional<double> predicted_width = {};
  std::optional<double> samples_per_second = {};  ///< of all workers
  std::optional<double> communicating = {};       ///< share of the time, in [0, 1]
};

/// Shows a person how a run goes. One thread only; one worker has one.
class Progress {
 public:
  virtual ~Progress() = default;

  /// May be called after every step; most calls return at once.
  virtual void update(const ProgressState& state) = 0;

  /// A line of its own that stays: where a checkpoint went, a warning. From any thread.
  virtual void message(std::string_view text) = 0;

  /// Shows the last state and ends the display. Also done by the destructor, so that what follows
  /// an error begins on a new line.
  virtual void finish() = 0;
};

struct ProgressOptions {
  double bar_seconds = 0.1;                     ///< a bar is drawn at most this often
  double line_seconds = 10;                     ///< without a terminal: a line this often
  std::function<double()> clock = now_seconds;  ///< for the above and the remaining time
  std::function<int()> columns = {};            ///< terminal width; empty: ask stderr's terminal
};

/// One line, redrawn: "\r", the text, clear to the end of line. Parts that do not fit the width
/// are left out, the least important first.
std::unique_ptr<Progress> make_progress_bar(std::ostream& out, ProgressOptions options = {});

/// A line every `line_seconds` and at every end of an epoch.
std::unique_ptr<Progress> make_progress_lines(std::ostream& out, ProgressOptions options = {});

/// Shows nothing, messages included: --quiet.
std::unique_ptr<Progress> make_no_progress();

/// A bar if stderr is a terminal that can move its cursor, lines if not. `out` leads to stderr.
std::unique_ptr<Progress> make_progress(std::ostream& out, ProgressOptions options = {});

}  // namespace valley
