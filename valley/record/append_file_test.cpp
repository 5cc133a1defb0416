#include "valley/record/append_file.h"

#include "valley/core/testing/test_folder.h"

namespace valley::append_file_test {
namespace {

TEST(AppendFile, GrowsAtOnceAndGoesOn) {
  TestFolder folder;
  {
    AppendFile file(folder / "x");
    file.append("one\n");
    EXPECT_EQ(slurp(folder / "x"), "one\n");
    file.append("two\n");
    file.sync();
  }
  AppendFile again(folder / "x");
  AppendFile moved(std::move(again));
  moved.append("three\n");
  EXPECT_EQ(slurp(folder / "x"), "one\ntwo\nthree\n");
}

TEST(AppendFile, ARecordThatDoesNotFitLeavesNoPart) {
  TestFolder folder;
  const auto path = folder / "x";
  AppendFile file(path);
  file.append("one\n");
  {
    const FileSizeLimit limit(10);
    EXPECT_EQ(error_of<IoError>([&] { file.append("a record of some length\n"); }),
              "cannot write " + path.string() + ": File too large");
  }
  EXPECT_EQ(slurp(path), "one\n");
  file.append("two\n");
  EXPECT_EQ(slurp(path), "one\ntwo\n");
}

TEST(AppendFile, CreateNewRefusesAnExistingFile) {
  TestFolder folder;
  const auto path = folder / "x";
  spill(path, "");
  EXPECT_EQ(error_of<IoError>([&] { AppendFile(path, AppendFile::Mode::kCreateNew); }),
            "cannot write " + path.string() + ": File exists");
}

}  // namespace
}  // namespace valley::append_file_test
