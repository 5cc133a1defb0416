#include "valley/record/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <utility>
#include <vector>

#include "valley/core/display_width.h"
#include "valley/record/units.h"

namespace valley {
namespace {

constexpr int kLongestBar = 30;
constexpr int kShortestBar = 8;

int terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// From the mean speed since the first update, which at resume is not step 0.
class Remaining {
 public:
  void update(const ProgressState& state, double now) {
    if (!started_) {
      started_ = true;
      first_step_ = state.step;
      first_time_ = now;
    }
    const int64_t done = state.step - first_step_;
    if (done > 0)
      seconds_ = (now - first_time_) / static_cast<double>(done) *
                 static_cast<double>(std::max<int64_t>(state.total_steps - state.step, 0));
  }

  const std::optional<double>& seconds() const { return seconds_; }

 private:
  bool started_ = false;
  int64_t first_step_ = 0;
  double first_time_ = 0;
  std::optional<double> seconds_;
};

struct Part {
  int importance;  // 0 goes last
  std::string text;
};

// What is more important than a bar may take its room.
constexpr int kBarImportance = 4;

// Hundredths that flicker would be noise.
std::string whole_seconds(double seconds) {
  return seconds < 59.5 ? fmt::format("{:.0f} s", seconds) : format_seconds(seconds);
}

// "acc 87.3 %"
std::string short_text(const ScoreInfo& score, double value) {
  const std::string& name = score.short_name.empty() ? score.name : score.short_name;
  return score.is_share ? fmt::format("{} {:.1f} %", name, 100 * value)
                        : fmt::format("{} {:.4g}", name, value);
}

// In the order of display.
std::vector<Part> describe(const ProgressState& s, const std::optional<double>& remaining) {
  std::vector<Part> parts;
  parts.push_back({0, fmt::format("{}/{}", s.step, s.total_steps)});
  if (s.epoch) parts.push_back({7, fmt::format("epoch {:.1f}", *s.epoch)});
  if (s.loss) parts.push_back({1, fmt::format("loss {:.4f}", *s.loss)});
  if (s.score && s.score_of != nullptr) parts.push_back({2, short_text(*s.score_of, *s.score)});
  if (s.valley_width && s.predicted_width) {
    parts.push_back(
        {3, fmt::format("width {:.2f} of {:.2f}", *s.valley_width, *s.predicted_width)});
  } else if (s.valley_width) {
    parts.push_back({3, fmt::format("width {:.2f}", *s.valley_width)});
  }
  if (s.samples_per_second)
    parts.push_back({5, format_short(*s.samples_per_second) + " samples/s"});
  if (s.communicating) parts.push_back({6, fmt::format("comm {:.0f} %", 100 * *s.communicating)});
  if (remaining) parts.push_back({4, "ETA " + whole_seconds(*remaining)});
  return parts;
}

std::string join(const std::vector<Part>& parts) {
  std::string text;
  for (const Part& part : parts) {
    if (!text.empty()) text += "  ";
    text += part.text;
  }
  return text;
}

std::string draw_bar(const ProgressState& s, int cells) {
  const double share =
      s.total_steps > 0 ? static_cast<double>(s.step) / static_cast<double>(s.total_steps) : 0;
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * cells);
  return fmt::format("[{:#<{}}{:.<{}}]", "", filled, "", cells - filled);
}

class Bar : public Progress {
 public:
  Bar(std::ostream& out, ProgressOptions options) : out_(out), options_(std::move(options)) {
    if (!options_.columns) options_.columns = terminal_columns;
  }

  ~Bar() override { finish(); }

  void update(const ProgressState& state) override {
    const std::lock_guard lock(mutex_);
    const double now = options_.clock();
    remaining_.update(state, now);
    state_ = state;
    if (drawn_ && now - *drawn_ < options_.bar_seconds) {
      stale_ = true;
      return;
    }
    drawn_ = now;
    draw();
  }

  void message(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    if (drawn_) out_ << "\r\x1b[K";
    out_ << text << '\n';
    if (drawn_) draw();
    out_.flush();
  }

  void finish() override {
    const std::lock_guard lock(mutex_);
    if (!drawn_) return;
    if (stale_) draw();
    out_ << '\n' << std::flush;
    drawn_.reset();
  }

 private:
  void draw() {
    // The last column stays free: some terminals wrap as soon as it is written.
    const int room = options_.columns() - 1;
    auto parts = describe(state_, remaining_.seconds());
    while (parts.size() > 1) {
      const auto least = std::max_element(
          parts.begin(), parts.end(),
          [](const Part& a, const Part& b) { return a.importance < b.importance; });
      const int bar = least->importance > kBarImportance ? kShortestBar + 3 : 0;
      if (static_cast<int>(join(parts).size()) + bar <= room) break;
      parts.erase(least);
    }
    std::string text = join(parts);
    const int cells = std::min(room - static_cast<int>(text.size()) - 3, kLongestBar);
    if (cells >= kShortestBar) text = draw_bar(state_, cells) + " " + text;
    if (room > 0) text.resize(std::min(text.size(), static_cast<size_t>(room)));
    out_ << '\r' << text << "\x1b[K" << std::flush;
    stale_ = false;
  }

  std::mutex mutex_;
  std::ostream& out_;
  ProgressOptions options_;
  Remaining remaining_;
  ProgressState state_;
  std::optional<double> drawn_;  // when; empty while no line is open
  bool stale_ = false;           // a newer state than the one drawn
};

class Lines : public Progress {
 public:
  Lines(std::ostream& out, ProgressOptions options) : out_(out), options_(std::move(options)) {
    printed_ = options_.clock();
  }

  ~Lines() override { finish(); }

  void update(const ProgressState& state) override {
    const std::lock_guard lock(mutex_);
    const double now = options_.clock();
    remaining_.update(state, now);
    state_ = state;
    stale_ = true;
    if (state.epoch_end || now - printed_ >= options_.line_seconds) print(now);
  }

  void message(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    out_ << text << '\n' << std::flush;
  }

  void finish() override {
    const std::lock_guard lock(mutex_);
    if (stale_) print(options_.clock());
  }

 private:
  void print(double now) {
    out_ << "step " << join(describe(state_, remaining_.seconds())) << '\n' << std::flush;
    printed_ = now;
    stale_ = false;
  }

  std::mutex mutex_;
  std::ostream& out_;
  ProgressOptions options_;
  Remaining remaining_;
  ProgressState state_;
  double printed_;
  bool stale_ = false;
};

class Nothing : public Progress {
 public:
  void update(const ProgressState&) override {}
  void message(std::string_view) override {}
  void finish() override {}
};

}  // namespace

std::unique_ptr<Progress> make_progress_bar(std::ostream& out, ProgressOptions options) {
  return std::make_unique<Bar>(out, std::move(options));
}

std::unique_ptr<Progress> make_progress_lines(std::ostream& out, ProgressOptions options) {
  return std::make_unique<Lines>(out, std::move(options));
}

std::unique_ptr<Progress> make_no_progress() { return std::make_unique<Nothing>(); }

std::unique_ptr<Progress> make_progress(std::ostream& out, ProgressOptions options) {
  const char* terminal = std::getenv("TERM");
  const bool can_redraw = terminal && std::string_view(terminal) != "dumb";
  return ::isatty(STDERR_FILENO) == 1 && can_redraw ? make_progress_bar(out, std::move(options))
                                                    : make_progress_lines(out, std::move(options));
}

}  // namespace valley
