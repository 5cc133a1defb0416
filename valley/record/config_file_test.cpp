#include "valley/record/config_file.h"

#include <bit>
#include <cmath>
#include <limits>

#include "valley/core/random.h"
#include "valley/core/testing/test_folder.h"

namespace valley::config_file_test {
namespace {

std::string error_of_text(std::string_view text) {
  return error_of<UsageError>([&] { parse_config(text, "run.toml"); });
}

TEST(Config, WritesEveryKindOfValue) {
  const Config config = {{"workers", 4},     {"algorithm", "dppf"}, {"lr", 0.1},
                         {"momentum", 1.0},  {"tiny", 1e-7},        {"huge", -2e20},
                         {"nesterov", true}, {"quiet", false},      {"seed", int64_t{-1}}};
  EXPECT_EQ(to_toml(config),
            "workers = 4\nalgorithm = \"dppf\"\nlr = 0.1\nmomentum = 1.0\ntiny = 1e-07\n"
            "huge = -2e+20\nnesterov = true\nquiet = false\nseed = -1\n");
}

TEST(Config, TheFileSaysHowToRepeatTheRun) {
  EXPECT_EQ(config_text({{"seed", 1}}),
            "# The configuration of this run, complete. To repeat it:\n"
            "#     valley train --config config.toml --out NEW_FOLDER\n"
            "\n"
            "seed = 1\n");
}

TEST(Config, RoundTripsInOrder) {
  TestFolder folder;
  const Config config = {{"zeta", "last letter first"},
                         {"alpha", 0.30000000000000004},
                         {"minus-zero", -0.0},
                         {"infinite", std::numeric_limits<double>::infinity()},
                         {"least", std::numeric_limits<double>::denorm_min()},
                         {"most", std::numeric_limits<int64_t>::min()},
                         {"empty", ""},
                         {"path", "C:\\data \"x\"\n\ttab \x01 \x7f \xc2\xb1 \xf0\x9f\x8f\x94"},
                         {"a key", true},
                         {"", 1}};
  spill(folder / "config.toml", config_text(config));
  const Config back = read_config(folder / "config.toml");
  EXPECT_EQ(back, config);
  EXPECT_TRUE(std::signbit(std::get<double>(back[2].second)));
}

TEST(Config, DoublesKeepEveryBit) {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto value = std::bit_cast<double>(random.next());
    if (!std::isfinite(value)) continue;
    const Config back = parse_config(to_toml({{"x", value}}), "x");
    ASSERT_TRUE(std::holds_alternative<double>(back[0].second)) << value;
    EXPECT_EQ(std::bit_cast<uint64_t>(std::get<double>(back[0].second)),
              std::bit_cast<uint64_t>(value));
  }
  EXPECT_TRUE(std::isnan(std::get<double>(parse_config("x = nan", "x")[0].second)));
}

TEST(Config, ReadsWhatAPersonWrites) {
  const Config expected = {{"model", "resnet18"}, {"lr", 0.1}, {"samples", 5000}};
  EXPECT_EQ(
      parse_config("# mine\nmodel = 'resnet18'  # small\n\nlr = 1e-1\nsamples = 5_000\n", "x"),
      expected);
  EXPECT_EQ(parse_config("", "x"), Config{});
}

TEST(Config, NamesFileLineAndRule) {
  EXPECT_EQ(error_of_text("lr = 0.1\n[model]\nname = 'x'\n"),
            "run.toml:2: 'model' must be a text, a number, true or false, got a table");
  EXPECT_EQ(error_of_text("lr = 0.1\nx.y = 1\n"),
            "run.toml:2: 'x' must be a text, a number, true or false, got a table");
  EXPECT_EQ(error_of_text("\n\nlr = [0.1, 0.2]"),
            "run.toml:3: 'lr' must be a text, a number, true or false, got a list");
  EXPECT_EQ(error_of_text("day = 2026-01-01"),
            "run.toml:1: 'day' must be a text, a number, true or false, got a date or time");
  const std::string broken = error_of_text("lr = 0.1\nmodel = resnet\n");
  EXPECT_EQ(broken.rfind("run.toml:2: ", 0), 0u) << broken;
  EXPECT_EQ(broken.find('\n'), std::string::npos);
  for (const std::string& text :
       {std::string("[=]\n"), std::string("[\0]\n", 4), std::string("o\xef\xbb\x8b = 1\n")}) {
    const std::string no_key = error_of_text(text);
    EXPECT_EQ(no_key.rfind("run.toml:1: ", 0), 0u) << no_key;
  }
  const std::string twice = error_of_text("lr = 0.1\nlr = 0.2\n");
  EXPECT_EQ(twice.rfind("run.toml:2: ", 0), 0u) << twice;
  EXPECT_EQ(error_of<UsageError>([] { read_config("/no/such.toml"); }),
            "cannot read /no/such.toml: No such file or directory");
  EXPECT_EQ(error_of<UsageError>([] { to_toml({{"data", "a\xff"}}); }), "data must be UTF-8 text");
}

std::string error_of_grid(const std::string& text) {
  return error_of<UsageError>([&] { parse_config_grid(text, "study.toml", "sharpness"); });
}

TEST(ConfigGrid, HasSharedSettingsAxesAndAnotherTable) {
  const ConfigGrid grid = parse_config_grid(
      "model = 'mlp'\nepochs = 5\n\n[grid]\nlr = [0.1, 1]\nbatch-size = [8]\n"
      "model = ['mlp', 'lenet']\n[sharpness]\nsamples = 200\n",
      "study.toml", "sharpness");
  EXPECT_EQ(grid.shared, (Config{{"model", "mlp"}, {"epochs", 5}}));
  EXPECT_EQ(grid.others, (Config{{"samples", 200}}));
  ASSERT_EQ(grid.grid.size(), 3u);
  EXPECT_EQ(grid.grid[0].key, "lr");
  EXPECT_EQ(grid.grid[0].values, (std::vector<ConfigValue>{0.1, int64_t{1}}));
  EXPECT_EQ(grid.grid[1].key, "batch-size");
  EXPECT_EQ(grid.grid[2].values, (std::vector<ConfigValue>{"mlp", "lenet"}));
  EXPECT_EQ(parse_config_grid("[grid]\nlr = [1]", "x", "sharpness").others, Config{});
}

TEST(ConfigGrid, NamesFileLineAndRule) {
  const std::string none =
      "study.toml has no table [grid] with the settings that vary: [grid], and below it "
      "lr = [0.1, 0.2]";
  EXPECT_EQ(error_of_grid("lr = 0.1"), none);
  EXPECT_EQ(error_of_grid("[grid]"), none);
  EXPECT_EQ(error_of_grid("grid = 3"), none);
  EXPECT_EQ(error_of_grid("[grid]\nlr = 0.1"),
            "study.toml:2: [grid] 'lr' must be a list of values, got a single value");
  EXPECT_EQ(error_of_grid("[grid]\nlr = []"),
            "study.toml:2: [grid] 'lr' must be a list of values, it is empty");
  EXPECT_EQ(error_of_grid("[grid]\nlr = [0.1, [0.2]]"),
            "study.toml:2: [grid] 'lr' must be a list of values, got a list in it");
  EXPECT_EQ(error_of_grid("[grid]\nlr = [0.1, 0.2, 0.1]"),
            "study.toml:2: [grid] 'lr' has 0.1 twice");
  EXPECT_EQ(error_of_grid("[grid]\nlr = [1]\n[sharpnes]\nrho = 1"),
            "study.toml:3: unknown table [sharpnes]; known: grid, sharpness");
  EXPECT_EQ(error_of_grid("lr = [1]\n[grid]\nlr = [1]"),
            "study.toml:1: 'lr' must be a text, a number, true or false, got a list");
}

TEST(PlainText, IsWhatAPersonWrites) {
  EXPECT_EQ(plain_text(0.1), "0.1");
  EXPECT_EQ(plain_text(1.0), "1");
  EXPECT_EQ(plain_text(int64_t{16}), "16");
  EXPECT_EQ(plain_text(true), "true");
  EXPECT_EQ(plain_text(std::string("lenet")), "lenet");
}

}  // namespace
}  // namespace valley::config_file_test
