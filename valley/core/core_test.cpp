#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <set>

#include "valley/core/error.h"
#include "valley/core/foreign_message.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"
#include "valley/core/random.h"

namespace valley::core_test {
namespace {

TEST(Names, NearestIsOfferedForATypoOnly) {
  const std::vector<std::string> known = {"ssgd", "local-sgd", "dppf"};
  EXPECT_EQ(nearest_name("dpff", known), "dppf");
  EXPECT_EQ(nearest_name("localsgd", known), "local-sgd");
  EXPECT_EQ(nearest_name("transformer", known), "");
  EXPECT_EQ(unknown_name("algorithm", "dpff", known),
            "unknown algorithm 'dpff'; did you mean 'dppf'? known: ssgd, local-sgd, dppf");
}

TEST(Names, AChoiceIsItsPlaceOrTheErrorThatListsAll) {
  EXPECT_EQ(choose("decay", "matrices", {"all", "matrices"}), 1);
  try {
    choose("decay", "none", {"all", "matrices"});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "unknown decay 'none'; known: all, matrices");
  }
}

TEST(Require, ThrowsTheFormattedLine) {
  EXPECT_NO_THROW(require(true, "fine"));
  try {
    require(false, "--period must be at least 1, got {}", 0);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "--period must be at least 1, got 0");
  }
}

TEST(Numbers, AreTheWholeTextOrNone) {
  EXPECT_EQ(parse_number<int64_t>("-12"), -12);
  EXPECT_EQ(parse_number<double>("1e-3"), 1e-3);
  EXPECT_TRUE(std::isinf(parse_number<double>("inf").value()));
  EXPECT_EQ(parse_number<int>("2147483648"), std::nullopt);
  EXPECT_EQ(parse_number<double>("1e999"), std::nullopt);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "x", "-"}) {
    EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
    EXPECT_EQ(parse_number<double>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number<int>("1.5"), std::nullopt);
}

TEST(Random, SeedsDifferByEveryPart) {
  std::set<uint64_t> seeds;
  for (uint64_t seed : {0, 1})
    for (int64_t worker : {0, 1, 2})
      for (const char* purpose : {"shuffle", "augment", "shuffl"})
        for (int64_t epoch : {0, 1, 2}) seeds.insert(derive_seed(seed, worker, purpose, epoch));
  EXPECT_EQ(seeds.size(), 2u * 3 * 3 * 3);
}

// As LibTorch writes them.
TEST(ForeignMessage, OneLineOfItIsNeverNothing) {
  EXPECT_EQ(one_line("Is a directory"), "Is a directory");
  EXPECT_EQ(one_line("\nUnknown builtin op: aten::wobble.\nCould not find any"),
            "Unknown builtin op: aten::wobble.");
  EXPECT_EQ(one_line("\n \n:\n  derivative is not implemented:\n  File \"x.py\", line 3\n"),
            "derivative is not implemented");
  EXPECT_EQ(one_line("[enforce fail at inline_container.cc:165] . file not found: a/version"),
            "file not found: a/version");
  EXPECT_EQ(one_line("[enforce fail at inline_container.cc:165] . "),
            "[enforce fail at inline_container.cc:165] .");
  EXPECT_EQ(one_line("The following operation failed.\nTraceback of TorchScript:\n  File \"x.py\"\n"
                     "RuntimeError: The size of tensor a (3) must match\nException raised from f"),
            "The size of tensor a (3) must match");
  EXPECT_EQ(one_line("Traceback:\nbuiltins.ValueError: see Error: 3\n"), "see Error: 3");
  EXPECT_EQ(one_line("Traceback:\nbuiltins.ValueError: \n"), "builtins.ValueError");
  EXPECT_EQ(one_line("Traceback:\nbuiltins.ValueError: \n\n  no such\nthing\n"), "no such");
  for (const char* nothing : {"", "\n", " \n\t\n", ":\n.\n"}) {
    EXPECT_EQ(one_line(nothing), "no reason given");
  }
}

TEST(Random, StateRestoresTheStream) {
  Random a(7);
  a.next();
  Random b(0);
  b.set_state(a.state());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(Random, DistributionsHaveTheirMoments) {
  Random random(1);
  const int n = 200000;
  double uniform = 0, normal = 0, square = 0;
  std::array<int, 3> counts{};
  for (int i = 0; i < n; ++i) {
    uniform += random.uniform();
    const double z = random.normal();
    normal += z;
    square += z * z;
    ++counts[random.below(3)];
  }
  // Five standard errors.
  EXPECT_NEAR(uniform / n, 0.5, 5 * 0.2887 / std::sqrt(n));
  EXPECT_NEAR(normal / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(square / n, 1, 5 * std::sqrt(2.0 / n));
  for (int count : counts) EXPECT_NEAR(count / double(n), 1.0 / 3, 5 * 0.4714 / std::sqrt(n));
}

}  // namespace
}  // namespace valley::core_test
