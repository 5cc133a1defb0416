#include "valley/topology/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/topology/traffic.h"

namespace valley::advice_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> notes(const std::string& name, int workers) {
  const auto topology = make_topology(name, {.workers = workers, .seed = 3});
  return topology_notes(*topology, analyse(*topology), name, 3);
}

std::vector<std::string> warnings(const std::string& name, int workers) {
  const auto topology = make_topology(name, {.workers = workers});
  return topology_warnings(*topology, analyse(*topology));
}

TEST(Advice, WarnsOfWhatWillNotWork) {
  EXPECT_THAT(warnings("ring", 16), ElementsAre(HasSubstr("mixing awc bears learning rates only")));
  EXPECT_THAT(warnings("complete", 4), IsEmpty());
  const auto apart = repeat({MixingMatrix::identity(2)});
  EXPECT_THAT(topology_warnings(*apart, analyse(*apart)),
              Contains(HasSubstr("the workers never agree")));
}

TEST(Advice, NotesWhatIsSpecial) {
  EXPECT_THAT(notes("complete", 4), Contains("exact: a step brings everyone to the mean"));
  EXPECT_THAT(notes("grid", 7), Contains("7 workers make no rectangle: this is a path"));
  EXPECT_THAT(notes("matching", 5), Contains("an odd number of workers: one rests in every step"));
  EXPECT_THAT(notes("matching", 4), Contains(HasSubstr("steps to consensus are those of seed 3")));
  EXPECT_THAT(notes("ring", 5), Contains("D2 needs lambda_min > -1/3, which holds"));
  EXPECT_THAT(notes("ring", 8), Contains(HasSubstr("which does not hold; that of (I + P) / 2 is")));
}

TEST(Traffic, IsThatOfTheMessages) {
  const auto ring = make_topology("ring", {.workers = 4});
  const Traffic traffic = traffic_of(*ring, analyse(*ring), 1000);
  EXPECT_EQ(traffic.mean, 8000);
  EXPECT_EQ(traffic.most, 8000);
  EXPECT_EQ(traffic.all_reduce, 6000);
}

}  // namespace
}  // namespace valley::advice_test
