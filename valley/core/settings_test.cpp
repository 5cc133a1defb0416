#include "valley/core/settings.h"

#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::settings_test {
namespace {

enum class Colour { kRed, kBlue };
constexpr OneOf<Colour>::Name kColours[] = {{"red", Colour::kRed}, {"blue", Colour::kBlue}};

struct Version {
  int64_t major = 1;
};
Version parse_version(std::string_view text) {
  require(text.starts_with("v"), "a version must begin with v, got '{}'", text);
  return {.major = std::stoll(std::string(text.substr(1)))};
}
std::string spell_version(const Version& version) { return "v" + std::to_string(version.major); }
void check_word(const std::string& text) {
  require(text != "?", "{} must be a word, got '?'", Key{"word"});
}

struct Options {
  bool on = false;
  int64_t count = 4;
  uint64_t seed = 0;
  double share = 0.5;
  double rate = 0.1;
  int64_t draws = 5;
  std::optional<double> own_rate = {};
  std::optional<int64_t> own_seed = {};
  Colour colour = Colour::kRed;
  Version version = {};
  std::string free = "any";
  std::string word = "w";
};

constexpr Declared kShare = {"share", in(0, 1).open_below(), "in units of {count}", kYounger};

template <typename V>
void visit(Options& o, V& v) {
  v.group("Some");
  v("on", o.on, "a switch");
  v("count", o.count, at_least(1).at_most(1e6), "a number");
  v("seed", o.seed, at_least(0), "a seed");
  v(kShare, o.share);
  v.group("Others");
  v("rate", o.rate, above(0), "a rate");
  v("draws", o.draws, at_least(2).or_just(0), "0 or some");
  v("own-rate", o.own_rate, above(0).not_given(0), "0: the method's own");
  v("own-seed", o.own_seed, at_least(0).not_given(-1, "that of {seed}"), "-1: that of {seed}");
  v("colour", o.colour, one_of("colour", kColours), "red or blue", kMayDiffer | kUnrecorded);
  v("version", o.version, Parsed<Version>{&parse_version, &spell_version}, "vN");
  v("free", o.free, "any text");
  v("word", o.word, CheckedText{&check_word}, "a word");
}

// What comes of a value: "" if it is taken.
std::string refusal(const std::string& key, const SettingValue& value) {
  Options options;
  const auto settings = settings_of(options);
  const std::string error = error_of<UsageError>([&] {
    set(settings, key, value);
    check_ranges(options);
  });
  return error == "no error" ? "" : error;
}

TEST(Settings, AreReadAndWrittenThroughTheStruct) {
  Options options;
  const auto settings = settings_of(options);
  set(settings, "count", int64_t{7});
  set(settings, "rate", int64_t{2});  // serves as 2.0
  set(settings, "seed", int64_t{9});
  set(settings, "own-rate", 0.25);
  set(settings, "colour", "blue");
  set(settings, "version", "v3");
  EXPECT_EQ(options.count, 7);
  EXPECT_EQ(options.rate, 2);
  EXPECT_EQ(options.seed, 9u);
  EXPECT_EQ(options.own_rate, 0.25);
  EXPECT_EQ(options.colour, Colour::kBlue);
  EXPECT_EQ(options.version.major, 3);
  std::string all;
  for (const Setting& setting : settings)
    all += setting.key + "=" + plain_text(setting.get()) + " ";
  EXPECT_EQ(
      all,
      "on=false count=7 seed=9 share=0.5 rate=2 draws=5 own-rate=0.25 own-seed=-1 colour=blue "
      "version=v3 free=any word=w ");
}

TEST(Settings, NotGivenHasAnotherSpellingThanTheMember) {
  Options options;
  options.own_rate = 3;
  set(settings_of(options), "own-rate", 0.0);
  EXPECT_FALSE(options.own_rate.has_value());
  options.own_rate = 0;  // in C++ it is a number out of range
  EXPECT_EQ(error_of<UsageError>([&] { check_ranges(options); }),
            "own-rate must be above 0, got 0");
}

TEST(Settings, ARefusalNamesKeyRuleAndValue) {
  EXPECT_EQ(refusal("count", int64_t{0}), "count must be at least 1, got 0");
  EXPECT_EQ(refusal("count", int64_t{2000000}), "count must be at most 1000000, got 2000000");
  EXPECT_EQ(refusal("seed", int64_t{-1}), "seed must be at least 0, got -1");
  EXPECT_EQ(refusal("share", 0.0), "share must be in (0, 1], got 0");
  EXPECT_EQ(refusal("share", 1.5), "share must be in (0, 1], got 1.5");
  EXPECT_EQ(refusal("share", 1.0), "");
  EXPECT_EQ(refusal("rate", std::nan("")), "rate must be above 0, got nan");
  EXPECT_EQ(refusal("rate", INFINITY), "rate must be above 0, got inf");
  EXPECT_EQ(refusal("draws", int64_t{1}), "draws must be 0 or at least 2, got 1");
  EXPECT_EQ(refusal("draws", int64_t{0}), "");
  EXPECT_EQ(refusal("own-rate", -1.0), "own-rate must be above 0, got -1");
  EXPECT_EQ(refusal("own-seed", int64_t{-2}),
            "own-seed must be at least 0, or -1 for that of seed, got -2");
  EXPECT_EQ(refusal("own-seed", int64_t{-1}), "");
  EXPECT_EQ(refusal("colour", "bleu"),
            "unknown colour 'bleu'; did you mean 'blue'? known: red, blue");
  EXPECT_EQ(refusal("version", "3"), "a version must begin with v, got '3'");
  EXPECT_EQ(refusal("word", "?"), "word must be a word, got '?'");
  EXPECT_EQ(refusal("count", 1.5), "count must be a whole number");
  EXPECT_EQ(refusal("on", int64_t{1}), "on must be true or false");
  EXPECT_EQ(refusal("cuont", int64_t{1}).substr(0, 46),
            "unknown setting 'cuont'; did you mean 'count'?");
}

TEST(Settings, WhatARuleRefusesIsRefused) {
  Options options;
  int refused = 0;
  for (const Setting& setting : settings_of(options)) {
    for (const SettingValue& value : setting.refused) {
      EXPECT_NE(refusal(setting.key, value), "") << setting.key << " " << plain_text(value);
      ++refused;
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(Settings, KnowGroupHelpTraitsAndChoices) {
  Options options;
  const auto settings = settings_of(options);
  EXPECT_EQ(settings[3].group, "Some");
  EXPECT_EQ(settings[4].group, "Others");
  EXPECT_EQ(with_keys(settings[3].help, "--"), "in units of --count");
  EXPECT_TRUE(settings[3].has(kYounger));
  EXPECT_FALSE(settings[4].has(kYounger));
  EXPECT_TRUE(settings[8].has(kMayDiffer) && settings[8].has(kUnrecorded));
  EXPECT_EQ(settings[8].choices, (std::vector<std::string>{"red", "blue"}));
}

TEST(Errors, AProgramOfFlagsWritesKeysAsFlags) {
  try {
    require(false, "{} must be below {}, got {}", Key{"pull"}, Key{"push"}, 2);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "pull must be below push, got 2");
    EXPECT_EQ(error.with_flags(), "--pull must be below --push, got 2");
    EXPECT_EQ(UsageError("run a: " + error.marked()).with_flags(),
              "run a: --pull must be below --push, got 2");
  }
  EXPECT_EQ(marked_text(std::runtime_error("no keys")), "no keys");
}

}  // namespace
}  // namespace valley::settings_test
