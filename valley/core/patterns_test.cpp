#include "valley/core/patterns.h"

#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::patterns_test {
namespace {

TEST(Patterns, NamesStarsAndCommas) {
  const std::vector<std::string> names = {"conv.weight", "conv.bias", "fc.weight"};
  const auto of = [&](const char* text) { return parameters_called(text, names, Key{"x"}); };
  EXPECT_EQ(of(""), (std::vector<bool>{false, false, false}));
  EXPECT_EQ(of("conv*"), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(of("*.bias,fc.weight"), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(error_of<UsageError>([&] { of("conv*,cnov"); }),
            "x: no parameter is called 'cnov'; there are conv.weight, conv.bias, fc.weight");
}

}  // namespace
}  // namespace valley::patterns_test
