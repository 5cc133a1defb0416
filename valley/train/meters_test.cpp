#include "valley/train/meters.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley::meters_test {
namespace {

TEST(Meters, TheMeanLossStartsAnew) {
  Meters meters;
  meters.add_loss(1);
  meters.add_loss(2);
  EXPECT_EQ(meters.take_mean_loss(), 1.5);
  meters.add_loss(4);
  EXPECT_EQ(meters.take_mean_loss(), 4);
  EXPECT_EQ(meters.last_loss, 4);
}

TEST(Meters, ComeBackFromACheckpoint) {
  Meters meters;
  meters.losses = {3, 2}, meters.train_bytes = 70, meters.samples = 8;
  meters.pull = 0.1, meters.push = 0.5, meters.predicted_width = 5;
  meters.probes = {.count = 2, .passes = 7, .bytes = 9};
  meters.reached = true;
  meters.first_loss = 2.25;
  meters.seconds = {
      .compute = 1, .communicate = 2, .wait = 3, .data = 4, .evaluate = 5, .probe = 6, .total = 7};
  const Json json = to_json(meters);
  EXPECT_EQ(to_json(meters_from(json)), json);
  EXPECT_EQ(meters_from(json).seconds.probe, 6);
}

TEST(Meters, OfEarlierVersionsLackWhatTheyDidNotWrite) {
  const Json old = Json::parse(R"({"loss_sum":1,"loss_count":1,"train_bytes":4,"samples":2,
                                   "predicted_width":0,"seconds":[1,2,3,4,5,6]})");
  const Meters meters = meters_from(old);
  EXPECT_TRUE(std::isnan(meters.first_loss));
  EXPECT_EQ(meters.probes.count, 0);
  EXPECT_EQ(meters.seconds.probe, 0);
  EXPECT_EQ(meters.seconds.total, 6);
  EXPECT_TRUE(std::isnan(first_loss_from(Json::parse(R"({"first_loss":null})"))));
}

}  // namespace
}  // namespace valley::meters_test
