#include "valley/report/measures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace valley::measures_test {
namespace {

const char* const kLandscape = R"({"plane":"workers","axes":["a","b"],"x":[0,1,2],"y":[0,1],
    "loss":[[1,2,3],[4,null,6]],"points":[{"name":"average","x":0.5,"y":0.5,"loss":1,
    "off_plane":0.1},{"name":"lost","x":null,"y":0},"text"],"split":"train","samples":100})";

TEST(Classes, CountsAreKeptWhereTheyAreComplete) {
  const Json file = Json::parse(
      R"({"classes":[{"name":"cat","examples":3,"accuracy":1},{"name":"dog","examples":2}],)"
      R"("confusion":[[3,0],[1,1]],"data":"images:photos"})");
  EXPECT_EQ(classes_of(file), Json::parse(R"({"classes":[{"name":"cat","examples":3},)"
                                          R"({"name":"dog","examples":2}],)"
                                          R"("confusion":[[3.0,0.0],[1.0,1.0]]})"));
  EXPECT_TRUE(classes_of(nullptr).is_null());
  for (const char* part : {"/classes/1/examples", "/confusion/1", "/confusion/0/1", "/classes"}) {
    Json cut = file;
    const Json::json_pointer at(part);
    Json& holder = cut[at.parent_pointer()];
    if (holder.is_array()) {
      holder.erase(std::stoul(at.back()));
    } else {
      holder.erase(at.back());
    }
    EXPECT_TRUE(classes_of(cut).is_null()) << part;
  }
}

TEST(Robust, ScoresStandBesideThoseWithoutAnAttack) {
  const Json file =
      Json::parse(R"({"attack":"fgsm:0.1","examples":40,"clean":{"loss":0.5,"accuracy":0.9},)"
                  R"("robust":{"loss":null,"accuracy":0.4}})");
  EXPECT_EQ(robust_of(file), Json::parse(R"({"attack":"fgsm:0.1","examples":40,"scores":[)"
                                         R"({"name":"loss","clean":0.5,"robust":null},)"
                                         R"({"name":"accuracy","clean":0.9,"robust":0.4}]})"));
  EXPECT_TRUE(robust_of(nullptr).is_null());
  for (const char* key : {"attack", "examples", "clean", "robust"}) {
    Json cut = file;
    cut.erase(key);
    EXPECT_TRUE(robust_of(cut).is_null()) << key;
  }
  Json less = file;
  less["clean"].erase("loss");
  EXPECT_TRUE(robust_of(less).is_null());
}

TEST(Landscape, KeepsTheGridAndThePoints) {
  const Json landscape = landscape_of(Json::parse(kLandscape));
  EXPECT_EQ(landscape["loss"], Json::parse("[[1.0,2.0,3.0],[4.0,null,6.0]]"));
  EXPECT_EQ(landscape["points"], Json::parse(R"([{"name":"average","x":0.5,"y":0.5,"loss":1,
      "off_plane":0.1}])"));
  EXPECT_EQ(landscape["axes"], Json({"a", "b"}));
  EXPECT_EQ(landscape["samples"], 100);
  EXPECT_FALSE(landscape.contains("error"));
}

TEST(Landscape, NullWithoutAWholeGrid) {
  const Json whole = Json::parse(kLandscape);
  for (const char* key : {"x", "y", "loss"}) {
    Json part = whole;
    part.erase(key);
    EXPECT_TRUE(landscape_of(part).is_null()) << key;
  }
  Json ragged = whole;
  ragged["loss"][1].erase(2);
  EXPECT_TRUE(landscape_of(ragged).is_null());
  EXPECT_TRUE(landscape_of(nullptr).is_null());
  EXPECT_TRUE(landscape_of(Json::array()).is_null());
}

TEST(Sharpness, ReadsAListOfMeasures) {
  const Json sharpness = sharpness_of(Json::parse(
      R"({"measures":[{"name":"trace","value":4,"standard_error":0.5,"unit":"1","notes":"exact"},
      {"name":"none","value":null},{"name":"text","value":"x"},{"value":1},7],
      "spectrum":{"grid":[0,1],"density":[2,3]}})"));
  EXPECT_EQ(sharpness["measures"],
            Json::parse(R"([{"name":"trace","value":4,"standard_error":0.5,"unit":"1",
            "note":"exact"},{"name":"none","value":null}])"));
  EXPECT_EQ(sharpness["spectrum"], Json::parse(R"({"eigenvalue":[0.0,1.0],"density":[2.0,3.0]})"));
}

TEST(Sharpness, ReadsAnObjectOfMeasures) {
  EXPECT_EQ(sharpness_of(Json::parse(R"({"measures":{"trace":4,"lpf":{"value":2}}})")),
            Json::parse(R"({"measures":[{"name":"trace","value":4},{"name":"lpf","value":2}]})"));
}

TEST(Sharpness, FindsTheDensityInItsMeasure) {
  const Json sharpness = sharpness_of(Json::parse(
      R"({"measures":{"trace":{"value":1,"density":7},"spectrum":{"value":null,"note":"why",
      "density":{"at":[0,1],"eigenvalues_share":[2,3],"width":0.1}}}})"));
  EXPECT_EQ(sharpness["measures"][1],
            Json::parse(R"({"name":"spectrum","value":null,"note":"why"})"));
  EXPECT_EQ(sharpness["spectrum"], Json::parse(R"({"eigenvalue":[0.0,1.0],"density":[2.0,3.0]})"));
}

TEST(Sharpness, TheDensityEndsWhereItMeansNothing) {
  const Json file = Json::parse(R"({"parameters":1000,"measures":{"spectral-density":{"value":0,
      "density":{"at":[0,1],"eigenvalues_share":[2,1e-30],"width":0.5}}}})");
  // A tenth of a bump of width 0.5 that holds one eigenvalue of 1000.
  EXPECT_NEAR(sharpness_of(file)["spectrum"]["floor"].get<double>(),
              0.1 / (0.5 * std::sqrt(2 * M_PI) * 1000), 1e-9);
  EXPECT_FALSE(sharpness_of(file)["spectrum"].contains("width"));
}

TEST(Sharpness, SaysHowItWasMeasured) {
  const Json file = Json::parse(R"({"measures":{"lpf":1},"examples":200,"options":{"draws":20,
      "kappa":2.0,"memory":6.0,"normalise":false,"samples":500,"search":"bisect"}})");
  EXPECT_EQ(sharpness_of(file)["how"],
            "200 examples, draws 20, kappa 2.0, normalise false, search bisect");
  EXPECT_FALSE(sharpness_of(Json::parse(R"({"measures":{"lpf":1}})")).contains("how"));
}

TEST(Sharpness, NullWithoutAnything) {
  EXPECT_TRUE(sharpness_of(nullptr).is_null());
  EXPECT_TRUE(sharpness_of(Json::parse(R"({"measures":[],"spectrum":{"grid":[1]}})")).is_null());
  EXPECT_TRUE(sharpness_of(Json::parse(R"({"spectrum":{"grid":[1,2],"density":[1]}})")).is_null());
}

TEST(Dynamics, ASeriesAPanelByUnit) {
  const Json dynamics = dynamics_of(Json::parse(R"({"x_label":"round","series":[
      {"name":"a","x":[1,2],"y":[3,4],"unit":"m"},{"name":"b","x":[1],"y":[5],"unit":"m"},
      {"name":"c","x":[1],"y":[6]},{"name":"broken","x":[1],"y":[]},{"name":"empty"}]})"));
  EXPECT_EQ(dynamics, Json::parse(R"({"panels":[
      {"title":"m","x_label":"round","series":[{"name":"a","x":[1.0,2.0],"y":[3.0,4.0]},
                                              {"name":"b","x":[1.0],"y":[5.0]}]},
      {"title":"c","x_label":"round","series":[{"name":"c","x":[1.0],"y":[6.0]}]}]})"));
}

TEST(Dynamics, ColumnsAndRows) {
  const Json expected = Json::parse(R"({"panels":[
      {"title":"noise","x_label":"step","series":[{"name":"noise","x":[0.0,5.0],"y":[1.0,null]}]}
      ]})");
  EXPECT_EQ(dynamics_of(Json::parse(
                R"({"columns":["step","noise","kind"],"rows":[[0,1,"a"],[5,null,"b"]]})")),
            expected);
  EXPECT_EQ(dynamics_of(Json::parse(R"({"columns":{"step":[0,5],"noise":[1,null]}})")), expected);
}

TEST(Dynamics, NullWithoutSeries) {
  for (const char* text :
       {"null", "{}", R"({"series":[]})", R"({"columns":["step"],"rows":[[1]]})",
        R"({"columns":["step","a"],"rows":[]})", R"({"columns":["step","a"],"rows":[[1]]})",
        R"({"columns":[1,2],"rows":[[1,2]]})", R"({"columns":7})"}) {
    EXPECT_TRUE(dynamics_of(Json::parse(text)).is_null()) << text;
  }
}

const char* const kNoise = R"({"loss":0.5,"gradient":{"norm":1.5,"passes":3},"notes":["a",7],
    "spread":{"distances":[3,4,null],"losses":[1,2,3],"consensus_distance":3.5,
              "sigma_w_squared":12.25,"angles":[[0,90.04,60],[90.04,0,null],[60,null,0]]},
    "effective_rate":{"alpha_e_over_alpha":{"value":0.25,"standard_error":0.125},
        "alpha_e_over_alpha_of_spread":{"value":null,"standard_error":null},
        "delta_over_alpha_squared":{"value":2,"standard_error":null},
        "delta_of_zeta_s":{"value":1.5},"delta_of_zeta_2":{"value":1},"delta_of_both":{"value":-0.5}},
    "smoothed":{"sigma":0.01,"smoothed_loss":{"value":0.75,"standard_error":0.25},"curvature":{
        "towards_workers":{"of_loss":3,"of_smoothed_loss":{"value":2,"standard_error":1},"bound":9},
        "along_gradient":{"of_loss":3,"bound":9}}}})";

TEST(Noise, KeepsTheFinalFigures) {
  EXPECT_EQ(noise_of(Json::parse(kNoise), 8), Json::parse(R"({
      "spread":{"consensus_distance":3.5,"sigma_w_squared":12.25,"workers":3,
                "distances":[3.0,4.0,null],"losses":[1.0,2.0,3.0],
                "angles":[[0.0,90.0,60.0],[90.0,0.0,null],[60.0,null,0.0]]},
      "rate":{"total":{"value":0.25,"standard_error":0.125}},
      "noise":{"total":{"value":2.0},"of_batches":{"value":1.5},"of_spread":{"value":1.0},
               "of_both":{"value":-0.5}},
      "smoothed":{"loss":{"value":0.75,"standard_error":0.25},"sigma":0.01,"curvatures":[
          {"name":"towards workers","of_loss":3.0,
           "of_smoothed_loss":{"value":2.0,"standard_error":1.0},"bound":9.0}]},
      "loss":0.5,"gradient_norm":1.5,"notes":["a"]})"));
}

TEST(Noise, OfTheFirstWorkersWhereTheyAreMany) {
  const Json spread = noise_of(Json::parse(kNoise), 2)["spread"];
  EXPECT_EQ(spread["workers"], 3);
  EXPECT_EQ(spread["distances"], Json({3.0, 4.0}));
  EXPECT_EQ(spread["losses"], Json({1.0, 2.0}));
  EXPECT_EQ(spread["angles"], Json::parse("[[0.0,90.0],[90.0,0.0]]"));
}

TEST(Noise, NoAnglesOfOneWorkerOrABrokenTable) {
  for (const char* spread :
       {R"({"distances":[0],"angles":[[0]]})", R"({"distances":[1,2],"angles":[[0,1],[1]]})",
        R"({"distances":[1,2]})"}) {
    const Json noise = noise_of({{"spread", Json::parse(spread)}}, 8);
    EXPECT_FALSE(noise.at("spread").contains("angles")) << spread;
  }
}

TEST(Noise, NullWithoutFigures) {
  for (const char* text :
       {"null", "[]", R"({"series":[],"loss":1,"gradient":{"norm":2}})",
        R"({"spread":{"distances":[]},"smoothed":{"note":"no"},"effective_rate":7})"}) {
    EXPECT_TRUE(noise_of(Json::parse(text), 8).is_null()) << text;
  }
}

}  // namespace
}  // namespace valley::measures_test
