#include "valley/core/atomic_file.h"

#include "valley/core/testing/test_folder.h"

namespace valley::atomic_file_test {
namespace {

TEST(AtomicFile, AppearsOnlyAtCommit) {
  TestFolder folder;
  spill(folder / "x", "before");
  AtomicFile file(folder / "x");
  file.write("after");
  EXPECT_EQ(slurp(folder / "x"), "before");
  file.commit();
  EXPECT_EQ(slurp(folder / "x"), "after");
  EXPECT_EQ(folder.list(), "x");
}

TEST(AtomicFile, WithoutCommitNothingChanges) {
  TestFolder folder;
  spill(folder / "x", "before");
  {
    AtomicFile file(folder / "x");
    file.write("after");
  }
  EXPECT_EQ(slurp(folder / "x"), "before");
  EXPECT_EQ(folder.list(), "x");
}

TEST(AtomicFile, KeepsTheOrderOfSmallAndLargeWrites) {
  TestFolder folder;
  std::string expected;
  AtomicFile file(folder / "x");
  for (const size_t size : {1, 65535, 3, 65536, 0, 200000, 7, 65536, 65530}) {
    const std::string part(size, static_cast<char>('a' + expected.size() % 26));
    file.write(part.data(), part.size());
    expected += part;
  }
  file.commit();
  EXPECT_TRUE(slurp(folder / "x") == expected);
}

TEST(AtomicFile, TakesOverWhatACrashLeft) {
  TestFolder folder;
  spill(folder / "x.tmp", "a long rest of an earlier attempt");
  write_atomically(folder / "x", "new");
  EXPECT_EQ(slurp(folder / "x"), "new");
  EXPECT_EQ(folder.list(), "x");
}

TEST(AtomicFile, AFullDiskLeavesThePreviousFile) {
  TestFolder folder;
  const auto path = folder / "x";
  write_atomically(path, "before");
  // 4 kB pass through the buffer and fail at commit, 1 MB fails at once.
  for (const size_t size : {size_t{4096}, size_t{1} << 20}) {
    const FileSizeLimit limit(1000);
    EXPECT_EQ(error_of<IoError>([&] { write_atomically(path, std::string(size, 'x')); }),
              "cannot write " + path.string() + ": File too large");
    EXPECT_EQ(slurp(path), "before");
    EXPECT_EQ(folder.list(), "x");
  }
}

TEST(AtomicFile, SaysWhyItCannotWrite) {
  TestFolder folder;
  const auto missing = folder / "no" / "x";
  EXPECT_EQ(error_of<IoError>([&] { write_atomically(missing, ""); }),
            "cannot write " + missing.string() + ": No such file or directory");
  std::filesystem::create_directory(folder / "taken");
  EXPECT_EQ(error_of<IoError>([&] { write_atomically(folder / "taken", ""); }),
            "cannot write " + (folder / "taken").string() + ": Is a directory");
  EXPECT_EQ(folder.list(), "taken");
}

TEST(AtomicFile, WritesIntoTheWorkingFolder) {
  TestFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_atomically("bare", "x");
  std::filesystem::current_path(before);
  EXPECT_EQ(slurp(folder / "bare"), "x");
}

TEST(ReadFile, GivesAllBytesOrTheReason) {
  TestFolder folder;
  std::string content(200000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31);
  spill(folder / "x", content);
  EXPECT_TRUE(read_file(folder / "x") == content);
  EXPECT_EQ(error_of<UsageError>([&] { read_file(folder / "y"); }),
            "cannot read " + (folder / "y").string() + ": No such file or directory");
  EXPECT_EQ(error_of<UsageError>([&] { read_file(folder.path()); }),
            "cannot read " + folder.path().string() + ": Is a directory");
}

}  // namespace
}  // namespace valley::atomic_file_test
