#include "valley/record/run_folder.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/core/testing/test_folder.h"
#include "valley/record/summary.h"

namespace valley::run_folder_test {
namespace {

TEST(RunFolder, CreateMakesParentsAndLeavesNothingElse) {
  TestFolder folder;
  const auto path = folder / "runs" / "a";
  const RunFolder run = RunFolder::create(path);
  EXPECT_EQ(run.path(), path);
  EXPECT_EQ(run.file(RunFolder::kMetrics), path / "metrics.jsonl");
  EXPECT_TRUE(std::filesystem::is_empty(path));
  run.write_atomically("config.toml", "seed = 1\n");
  EXPECT_EQ(slurp(path / "config.toml"), "seed = 1\n");
}

TEST(RunFolder, CreateRefusesAFolderThatHoldsARun) {
  for (const char* name : {"config.toml", "metrics.jsonl"}) {
    TestFolder folder;
    spill(folder / name, "");
    const std::string path = folder.path().string();
    EXPECT_EQ(error_of<UsageError>([&] { RunFolder::create(path); }),
              "out " + path + " already holds a run; choose another folder, or resume " + path +
                  " to go on");
  }
}

TEST(RunFolder, CreateAcceptsAFolderWithOtherFiles) {
  TestFolder folder;
  spill(folder / "notes.txt", "mine");
  EXPECT_EQ(error_of<UsageError>([&] { RunFolder::create(folder.path()); }), "no error");
  EXPECT_EQ(folder.list(), "notes.txt");
}

TEST(RunFolder, CreateSaysWhyItCannot) {
  TestFolder folder;
  spill(folder / "file", "");
  const std::string below = (folder / "file" / "a").string();
  EXPECT_EQ(error_of<UsageError>([&] { RunFolder::create(below); }),
            "out " + below + " cannot be created: Not a directory");
  const std::string file = (folder / "file").string();
  EXPECT_EQ(error_of<UsageError>([&] { RunFolder::create(file); }),
            "out " + file + " cannot be created: Not a directory");
  EXPECT_EQ(error_of<UsageError>([] { RunFolder::create(""); }), "out must name a folder, got ''");
}

// Nobody creates files in /proc, root included.
TEST(RunFolder, CreateAsksTheDiskWhetherItMayWrite) {
  EXPECT_EQ(error_of<UsageError>([] { RunFolder::create("/proc"); }),
            "out /proc cannot be written: No such file or directory");
}

TEST(RunFolder, OpenWantsARun) {
  TestFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(error_of<UsageError>([&] { RunFolder::open(path); }),
            path + " is no run folder: config.toml is missing");
  EXPECT_EQ(error_of<UsageError>([&] { RunFolder::open(path + "/b"); }),
            path + "/b is no run folder: there is no such folder");
  spill(folder / "config.toml", "");
  EXPECT_EQ(RunFolder::open(path).path(), folder.path());
}

TEST(Summary, ReadsBackWhatItWrote) {
  TestFolder folder;
  const RunFolder run = RunFolder::create(folder.path());
  const Json summary = {{"workers", 4},
                        {"algorithm", "dppf"},
                        {"test_loss", 0.1},
                        {"valley_width", std::nan("")},
                        {"seconds", {{"compute", 1.5}, {"wait", 0.25}}}};
  write_json(run.file(RunFolder::kSummary), summary);
  EXPECT_EQ(slurp(folder / "summary.json"),
            "{\n  \"workers\": 4,\n  \"algorithm\": \"dppf\",\n  \"test_loss\": 0.1,\n"
            "  \"valley_width\": null,\n"
            "  \"seconds\": {\n    \"compute\": 1.5,\n    \"wait\": 0.25\n  },\n"
            "  \"crc32c\": \"47679db1\"\n}\n");
  Json expected = summary;
  expected["valley_width"] = nullptr;
  EXPECT_EQ(read_summary(run), expected);
}

TEST(Summary, SaysWhatIsWrong) {
  TestFolder folder;
  const RunFolder run = RunFolder::create(folder.path());
  const std::string path = folder.path().string();
  const auto error = [&] { return error_of<UsageError>([&] { read_summary(run); }); };
  EXPECT_EQ(error(),
            path + " has no summary.json: the run has not ended; resume " + path + " goes on");
  const std::string remedy =
      "; valley train --resume " + path + " writes it anew from the last checkpoint";
  spill(folder / "summary.json", "{\"a\": }");
  EXPECT_EQ(error(), path + "/summary.json is not JSON: it breaks at byte 7 of 7" + remedy);
  spill(folder / "summary.json", "[1]");
  EXPECT_EQ(error(), path + "/summary.json is no JSON object" + remedy);
}

}  // namespace
}  // namespace valley::run_folder_test
