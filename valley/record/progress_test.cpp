#include "valley/record/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

#include "valley/core/display_width.h"

namespace valley::progress_test {
namespace {

// A display on a clock and a terminal that the test turns.
struct Desk {
  double time = 0;
  int columns = 200;
  std::ostringstream out;

  ProgressOptions options() {
    ProgressOptions options;
    options.clock = [this] { return time; };
    options.columns = [this] { return columns; };
    return options;
  }

  std::string taken() {
    std::string text = out.str();
    out.str("");
    return text;
  }
};

ProgressState full_state(int64_t step) {
  return {.step = step,
          .total_steps = 1000,
          .epoch = 2.5,
          .loss = 0.51234,
          .score = 0.8734,
          .score_of = &classification_scores().main(),
          .valley_width = 4.8,
          .predicted_width = 5,
          .samples_per_second = 12345,
          .communicating = 0.03};
}

const char* const kFull =
    "500/1000  epoch 2.5  loss 0.5123  acc 87.3 %  width 4.80 of 5.00  12.3 k samples/s  "
    "comm 3 %";

TEST(ProgressBar, ShowsEverythingItKnows) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  bar->update(full_state(500));
  EXPECT_EQ(desk.taken(), std::string("\r[###############...............] ") + kFull + "\x1b[K");
  desk.time = 100;
  bar->update(full_state(600));  // a step a second
  EXPECT_NE(desk.taken().find("ETA 6 min 40 s"), std::string::npos);
}

TEST(ProgressBar, LeavesOutWhatIsNotKnown) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  bar->update({.step = 0, .total_steps = 4});
  EXPECT_EQ(desk.taken(), "\r[..............................] 0/4\x1b[K");
  desk.time = 1;
  bar->update({.step = 4, .total_steps = 4, .valley_width = 2});
  EXPECT_EQ(desk.taken(), "\r[##############################] 4/4  width 2.00  ETA 0 s\x1b[K");
}

TEST(ProgressBar, IsDrawnAtMostTenTimesASecond) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) {
    desk.time = i * 0.001;
    bar->update({.step = i, .total_steps = 1000});
    drawn += !desk.taken().empty();
  }
  EXPECT_EQ(drawn, 10);
  bar->finish();
  // The last state was not drawn yet.
  const std::string last = desk.taken();
  EXPECT_NE(last.find("999/1000"), std::string::npos);
  EXPECT_EQ(last.back(), '\n');
  bar->finish();
  bar.reset();
  EXPECT_EQ(desk.taken(), "");
}

TEST(ProgressBar, FitsEveryTerminal) {
  for (int columns = 2; columns <= 200; ++columns) {
    Desk desk;
    desk.columns = columns;
    auto bar = make_progress_bar(desk.out, desk.options());
    bar->update(full_state(500));
    std::string line = desk.taken();
    ASSERT_EQ(line.front(), '\r');
    ASSERT_EQ(line.substr(line.size() - 3), "\x1b[K");
    line = line.substr(1, line.size() - 4);
    EXPECT_LT(display_width(line), static_cast<size_t>(columns));
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const bool has_loss = line.find("loss 0.5123") != std::string::npos;
    EXPECT_EQ(has_loss, columns >= 22) << columns;
  }
}

TEST(ProgressBar, DropsTheLeastImportantPartsFirst) {
  const auto drawn = [](int columns) {
    Desk desk;
    desk.columns = columns;
    auto bar = make_progress_bar(desk.out, desk.options());
    bar->update(full_state(500));
    return desk.taken();
  };
  // The bar gives way to the width, the speed and the like give way to the bar.
  EXPECT_EQ(drawn(40), "\r500/1000  loss 0.5123  acc 87.3 %\x1b[K");
  EXPECT_EQ(drawn(60), "\r500/1000  loss 0.5123  acc 87.3 %  width 4.80 of 5.00\x1b[K");
  EXPECT_EQ(
      drawn(80),
      "\r[###########............] 500/1000  loss 0.5123  acc 87.3 %  width 4.80 of 5.00\x1b[K");
  EXPECT_EQ(drawn(90),
            "\r[#######........] 500/1000  loss 0.5123  acc 87.3 %  width 4.80 of 5.00  "
            "12.3 k samples/s\x1b[K");
}

TEST(ProgressBar, AMessageStaysAboveTheBar) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  bar->message("before");
  EXPECT_EQ(desk.taken(), "before\n");
  bar->update({.step = 0, .total_steps = 4});
  const std::string drawn = desk.taken();
  bar->message("checkpoint written");
  EXPECT_EQ(desk.taken(), "\r\x1b[Kcheckpoint written\n" + drawn);
}

TEST(ProgressBar, EndsItsLineWhenItGoes) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  bar->update({.step = 1, .total_steps = 4});
  desk.taken();
  bar.reset();
  EXPECT_EQ(desk.taken(), "\n");
}

TEST(ProgressBar, AResumedRunIsTimedFromWhereItResumed) {
  Desk desk;
  auto bar = make_progress_bar(desk.out, desk.options());
  bar->update({.step = 900, .total_steps = 1000});
  desk.time = 20;
  bar->update({.step = 910, .total_steps = 1000});
  EXPECT_NE(desk.taken().find("ETA 3 min 0 s"), std::string::npos);
}

TEST(ProgressLines, OneEverySoManySecondsAndAtEpochEnds) {
  Desk desk;
  auto lines = make_progress_lines(desk.out, desk.options());
  lines->update(full_state(500));
  EXPECT_EQ(desk.taken(), "");
  desk.time = 9.9;
  lines->update(full_state(510));
  EXPECT_EQ(desk.taken(), "");
  desk.time = 10;
  lines->update({.step = 520, .total_steps = 1000, .loss = 0.5});
  EXPECT_EQ(desk.taken(), "step 520/1000  loss 0.5000  ETA 4 min 0 s\n");
  lines->update({.step = 521, .total_steps = 1000});
  EXPECT_EQ(desk.taken(), "");
  auto state = full_state(500);
  state.epoch_end = true;
  lines->update(state);
  const std::string line = desk.taken();
  EXPECT_EQ(line.rfind(std::string("step ") + kFull, 0), 0u) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\r'), std::string::npos);
  lines->message("note");
  EXPECT_EQ(desk.taken(), "note\n");
}

TEST(ProgressLines, TheLastStateIsShownOnce) {
  Desk desk;
  auto lines = make_progress_lines(desk.out, desk.options());
  lines->update({.step = 3, .total_steps = 4});
  lines->finish();
  EXPECT_EQ(desk.taken(), "step 3/4\n");
  lines->finish();
  lines.reset();
  EXPECT_EQ(desk.taken(), "");
}

TEST(Progress, NothingShowsNothing) {
  auto nothing = make_no_progress();
  nothing->update(full_state(1));
  nothing->message("x");
  nothing->finish();
}

TEST(Progress, ATerminalThatCannotRedrawGetsLines) {
  const char* before = std::getenv("TERM");
  const std::string saved = before ? before : "";
  ::setenv("TERM", "dumb", 1);
  Desk desk;
  auto progress = make_progress(desk.out, desk.options());
  progress->update({.step = 3, .total_steps = 4, .epoch_end = true});
  EXPECT_EQ(desk.taken(), "step 3/4\n");
  before ? ::setenv("TERM", saved.c_str(), 1) : ::unsetenv("TERM");
}

}  // namespace
}  // namespace valley::progress_test
