#include "valley/train/best_model.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley::best_model_test {
namespace {

const ScoreInfo kLess = {.name = "loss"};
const ScoreInfo kMore = {.name = "accuracy", .more_is_better = true};

Scores scored(const ScoreInfo& score, double value) { return {{{score.name, value}}}; }

TEST(BestModel, IsTheFirstOfTheBest) {
  for (const ScoreInfo& info : {kLess, kMore}) {
    const double sign = info.more_is_better ? -1 : 1;
    BestModel best(info, Keep::kBest, /*patience=*/3);
    EXPECT_EQ(best.step(), -1);
    int64_t step = 0;
    for (const double value : {3.0, 1.0, 1.0, 2.0, std::nan("")})
      best.look(scored(info, sign * value), at::full({2}, value), ++step);
    EXPECT_EQ(best.step(), 2);
    EXPECT_EQ(best.since(), 3);
    EXPECT_TRUE(best.out_of_patience());
    EXPECT_EQ(best.score(), sign);
    EXPECT_TRUE(at::equal(best.x(), at::full({2}, 1.0)));
  }
}

TEST(BestModel, GoesOnFromWhatWasSaved) {
  BestModel before(kLess, Keep::kBest, 0), after(kLess, Keep::kBest, 0);
  before.look(scored(kLess, 2), at::full({2}, 7.0), 4);
  before.look(scored(kLess, 3), at::full({2}, 8.0), 5);
  after.load(Json::parse(before.to_json().dump()), before.x());
  EXPECT_EQ(after.step(), 4);
  EXPECT_EQ(after.since(), 1);
  after.look(scored(kLess, 2.5), at::full({2}, 9.0), 6);
  EXPECT_EQ(after.since(), 2);
  EXPECT_TRUE(at::equal(after.x(), at::full({2}, 7.0)));
}

TEST(BestModel, WeightsAreCopiedAndOnlyWhereTheyAreWanted) {
  at::Tensor x = at::full({2}, 1.0);
  BestModel keeping(kLess, Keep::kBest, 0), counting(kLess, Keep::kLast, 0);
  keeping.look(scored(kLess, 1), x, 1);
  counting.look(scored(kLess, 1), x, 1);
  x.zero_();
  EXPECT_TRUE(at::equal(keeping.x(), at::full({2}, 1.0)));
  EXPECT_FALSE(counting.x().defined());
}

}  // namespace
}  // namespace valley::best_model_test
