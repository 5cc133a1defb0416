#include "valley/report/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "valley/core/testing/test_folder.h"

namespace valley::study_test {
namespace {

const char* const kStudy = R"({"recipe":"","axes":[{"key":"lr","values":["0.1","0.2"]},
    {"key":"seed","values":["0"]},{"key":"push","values":["0","1"]}],"until_loss":0.1,
    "ranking":[{"measure":"lpf","larger_is_sharper":true,"runs":2,"tau":0.5,"standard_error":0.1,
        "granulated":0.25,"granulated_error":0.125,"granulated_by_axis":[1,null,-0.5],"groups_by_axis":[2,0,2]},
      {"measure":"entropy","larger_is_sharper":false,"runs":2,"tau":null,"standard_error":null,
        "granulated":null,"granulated_by_axis":[null,null,null]}],
    "runs":[{"name":"a","place":[0,0,1],"status":"finished","generalization_gap":0.125,
        "measures":{"lpf":{"value":2},"entropy":{"value":null,"note":"why"}}},
      {"name":"b","place":[1,0,0],"status":"finished","generalization_gap":0.25,
        "measures":{"lpf":{"value":3.00000001},"entropy":{"value":1}}},
      {"name":"c","place":[1,0,1],"status":"short","train_loss":0.5,"generalization_gap":0.1},
      {"name":"d","place":[0,0,0],"status":"diverged"}]})";

TEST(Study, KeepsTheRankingAndThePoints) {
  const Json study = study_of(Json::parse(kStudy), "st");
  EXPECT_EQ(study["name"], "st");
  EXPECT_EQ(study["axes"], Json({"lr", "push"}));
  EXPECT_EQ(study["groups"], Json({"lr 0.1", "lr 0.2"}));
  EXPECT_EQ(study["ranking"], Json::parse(R"([{"measure":"lpf","small_is_sharp":false,"tau":0.5,
      "standard_error":0.1,"granulated":0.25,"granulated_error":0.125,"by_axis":[1.0,-0.5],"runs":2.0},
      {"measure":"entropy","small_is_sharp":true,"tau":null,"standard_error":null,
      "granulated":null,"granulated_error":null,"by_axis":[null,null],"runs":2.0}])"));
  EXPECT_EQ(study["runs"], Json::parse(R"([{"name":"a","group":0,"gap":0.125,"values":{"lpf":2.0}},
      {"name":"b","group":1,"gap":0.25,"values":{"lpf":3.0,"entropy":1.0}}])"));
  EXPECT_EQ(study["others"], Json::parse(R"([{"name":"c","status":"short","train_loss":0.5},
      {"name":"d","status":"diverged","train_loss":null}])"));
}

TEST(Study, IsNoneWithoutRuns) {
  EXPECT_TRUE(study_of(nullptr, "").is_null());
  EXPECT_TRUE(study_of(Json::parse(R"({"runs":7})"), "").is_null());
  const Json study = study_of(Json::parse(R"({"runs":[7,{}],"axes":[{}],"ranking":[null]})"), "");
  EXPECT_EQ(study["others"].size(), 2);
  EXPECT_EQ(study["ranking"].size(), 1);
}

TEST(Study, IsFoundInItsFolderOnce) {
  TestFolder folder;
  std::filesystem::create_directories(folder / "st");
  spill(folder / "st/study.json", kStudy);
  const std::string path = (folder / "st").string();
  std::vector<std::string> damages;
  const auto studies = read_studies({folder.path().string(), path, path + "/"}, damages);
  ASSERT_EQ(studies.size(), 1u);
  EXPECT_EQ(studies[0]["name"], "st");
  EXPECT_THAT(damages, testing::IsEmpty());
  spill(folder / "st/study.json", "{");
  EXPECT_THAT(read_studies({path}, damages), testing::IsEmpty());
  EXPECT_THAT(damages,
              testing::ElementsAre(path +
                                   "/study.json is not JSON: it breaks at byte 2 of 1; valley "
                                   "study " +
                                   path + "/recipe.toml --out " + path + " writes it anew."));
}

}  // namespace
}  // namespace valley::study_test
