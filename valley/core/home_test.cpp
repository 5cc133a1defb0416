#include "valley/core/home.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::home_test {
namespace {

// HOME as it is in this scope.
class Home {
 public:
  explicit Home(const char* value) {
    if (const char* before = std::getenv("HOME")) before_ = before;
    value != nullptr ? ::setenv("HOME", value, 1) : ::unsetenv("HOME");
  }
  ~Home() { ::setenv("HOME", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST(ExpandHome, ATildeIsTheHomeFolder) {
  const Home home("/home/anna");
  EXPECT_EQ(expand_home("~/runs/a", "--out"), "/home/anna/runs/a");
  EXPECT_EQ(expand_home("~", "--out"), "/home/anna");
  EXPECT_EQ(expand_home("~/", "--out"), "/home/anna/");
  for (const char* path : {"", "runs/a", "/tmp/~/x", "./~/x", "./~anna", "a~"})
    EXPECT_EQ(expand_home(path, "--out"), path);
}

TEST(ExpandHome, AnothersHomeIsNoFolderOfThatName) {
  const Home home("/home/anna");
  EXPECT_EQ(
      error_of<UsageError>([] { expand_home("~bob/x", "--out"); }),
      "--out ~bob/x: ~bob is not expanded; write the path out, or ./~bob/x for that very name");
  EXPECT_EQ(error_of<UsageError>([] { expand_home("~~", "--out"); }),
            "--out ~~: ~~ is not expanded; write the path out, or ./~~ for that very name");
}

TEST(ExpandHome, WithoutAHome) {
  for (const char* value : {"", static_cast<const char*>(nullptr)}) {
    const Home home(value);
    EXPECT_EQ(error_of<UsageError>([] { expand_home("~/x", "--out"); }),
              "--out ~/x: the variable HOME, which ~ stands for, is not set");
    EXPECT_EQ(expand_home("x", "--out"), "x");
  }
}

}  // namespace
}  // namespace valley::home_test
