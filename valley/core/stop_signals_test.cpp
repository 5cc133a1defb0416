#include "valley/core/stop_signals.h"

#include <gtest/gtest.h>

#include <iterator>
#include <vector>

namespace valley::stop_signals_test {
namespace {

constexpr bool kTyped = true, kSent = false;

TEST(StopWishes, ASecondSignalOfAPersonInsists) {
  StopWishes typed;
  EXPECT_EQ(typed.hear(SIGINT, kTyped, 10), StopWish::kSave);
  EXPECT_EQ(typed.hear(SIGINT, kTyped, 10.3), StopWish::kAtOnce);

  StopWishes sent;
  EXPECT_EQ(sent.hear(SIGTERM, kSent, 10), StopWish::kSave);
  EXPECT_EQ(sent.hear(SIGTERM, kSent, 10 + StopWishes::kEcho), StopWish::kAtOnce);

  StopWishes other;
  EXPECT_EQ(other.hear(SIGINT, kSent, 10), StopWish::kSave);
  EXPECT_EQ(other.hear(SIGTERM, kSent, 10), StopWish::kAtOnce);
}

// `timeout` signals its child and then the group that the child is in; so does torchrun.
TEST(StopWishes, TheSameSignalTwiceIsOneWish) {
  StopWishes wishes;
  EXPECT_EQ(wishes.hear(SIGINT, kTyped, 10), StopWish::kSave);
  EXPECT_EQ(wishes.hear(SIGINT, kSent, 10.001), StopWish::kNoMore);
  EXPECT_EQ(wishes.hear(SIGINT, kSent, 10.1), StopWish::kNoMore);
  EXPECT_EQ(wishes.hear(SIGINT, kSent, 13), StopWish::kAtOnce);
}

// A scheduler warns, and ends the job later; a hang-up comes from the terminal and from the shell.
TEST(StopWishes, HangUpsAndSchedulersDoNotInsist) {
  StopWishes wishes;
  EXPECT_EQ(wishes.hear(SIGUSR1, kSent, 10), StopWish::kSave);
  for (const int number : {SIGUSR1, SIGHUP, SIGHUP, SIGUSR2, SIGXCPU, SIGXCPU}) {
    EXPECT_EQ(wishes.hear(number, kTyped, 20), StopWish::kNoMore);
  }
  EXPECT_EQ(wishes.hear(SIGTERM, kSent, 70), StopWish::kNoMore) << "its first";
  EXPECT_EQ(wishes.hear(SIGHUP, kSent, 80), StopWish::kNoMore);
  EXPECT_EQ(wishes.hear(SIGTERM, kSent, 90), StopWish::kAtOnce);
}

std::vector<int> heard;

TEST(StopHandler, HearsAllAndIsPutBack) {
  for (const int number : kStopSignals) std::signal(number, SIG_DFL);  // whatever was inherited
  struct sigaction former[std::size(kStopSignals)];
  install_stop_handler([](int number, siginfo_t*, void*) { heard.push_back(number); }, former);
  for (const int number : kStopSignals) raise(number);
  restore_stop_handlers(former);
  EXPECT_EQ(heard, std::vector<int>(std::begin(kStopSignals), std::end(kStopSignals)));
  for (const int number : kStopSignals) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << number;
  }
}

TEST(StopHandler, AHangUpThatIsIgnoredStaysIgnored) {
  heard.clear();
  std::signal(SIGHUP, SIG_IGN);
  struct sigaction former[std::size(kStopSignals)];
  install_stop_handler([](int number, siginfo_t*, void*) { heard.push_back(number); }, former);
  raise(SIGHUP);
  raise(SIGUSR1);
  restore_stop_handlers(former);
  EXPECT_EQ(std::signal(SIGHUP, SIG_DFL), SIG_IGN);
  EXPECT_EQ(heard, std::vector<int>{SIGUSR1});
}

}  // namespace
}  // namespace valley::stop_signals_test
