#include "valley/instruments/pass_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace valley::pass_meter_test {
namespace {

using testing::ElementsAre;
using testing::Pair;

class Recorded : public Progress {
 public:
  void update(const ProgressState& state) override {
    shown.emplace_back(state.step, state.total_steps);
  }
  void message(std::string_view) override {}
  void finish() override {}

  std::vector<std::pair<int64_t, int64_t>> shown;
};

TEST(PassMeter, CountsWhatIsDoneOfWhatIsExpected) {
  Recorded progress;
  PassMeter meter(&progress, {2, 10});
  meter.begin(2);
  meter.add(1);
  meter.begin(10);
  meter.add(4);
  meter.finish();
  EXPECT_THAT(progress.shown, ElementsAre(Pair(1, 12), Pair(5, 11), Pair(5, 5)));
}

// Lanczos may take 15 products or 60.
TEST(PassMeter, APartThatTakesLessTakesItsRestWithIt) {
  Recorded progress;
  PassMeter meter(&progress, {60, 5});
  meter.begin(60);
  for (int i = 0; i < 15; ++i) meter.add(1);
  meter.begin(5);
  for (int i = 0; i < 5; ++i) meter.add(1);
  EXPECT_EQ(progress.shown[14], std::pair(int64_t{15}, int64_t{65}));
  EXPECT_EQ(progress.shown[15], std::pair(int64_t{16}, int64_t{20}));
}

TEST(PassMeter, IsNeverAtItsEndBeforeTheEnd) {
  Recorded progress;
  PassMeter meter(&progress, {3});
  meter.begin(3);
  for (int i = 0; i < 10; ++i) meter.add(1);
  for (const auto& [step, total] : progress.shown) EXPECT_LT(step, total);
  meter.finish();
  EXPECT_EQ(progress.shown.back(), std::pair(int64_t{10}, int64_t{10}));
}

TEST(PassMeter, KnowsBetterWhenAPartBegins) {
  Recorded progress;
  PassMeter meter(&progress, {20, 20});
  meter.begin(20);
  meter.add(20);
  meter.begin(2);  // the first has left most of its work
  meter.add(1);
  EXPECT_EQ(progress.shown.back(), std::pair(int64_t{21}, int64_t{22}));
}

}  // namespace
}  // namespace valley::pass_meter_test
