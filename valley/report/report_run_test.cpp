#include "valley/report/report_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/core/testing/test_folder.h"
#include "valley/record/run_lock.h"

namespace valley::report_run_test {
namespace {

using testing::ElementsAre;

void make_run(const std::filesystem::path& path, const std::string& more = "") {
  std::filesystem::create_directories(path);
  spill(path / "config.toml", "algorithm = \"dppf\"\nseed = 3\npush = 0.5\n" + more);
}

ReportRun read(const std::filesystem::path& path) {
  return read_report_run(RunFolder::open(path), {});
}

std::vector<std::string> names(const std::vector<RunFolder>& runs) {
  std::vector<std::string> result;
  for (const auto& run : runs) result.push_back(run.path().filename().string());
  return result;
}

TEST(ReportRun, ReadsWhatIsThere) {
  TestFolder folder;
  make_run(folder / "a");
  spill(folder / "a/summary.json",
        R"({"status":"finished","test_accuracy":0.5,"seconds":{"total":2}})");
  spill(folder / "a/metrics.jsonl",
        "{\"step\":4,\"epoch\":0.5,\"worker\":\"mean\",\"test_loss\":1.5}\n");
  spill(folder / "a/trace.json",
        R"({"traceEvents":[{"name":"compute","pid":0,"ts":0,"dur":5,"args":{"step":0}}]})");
  spill(folder / "a/landscape.json", R"({"x":[0,1],"y":[0,1],"loss":[[1,2],[3,4]]})");
  spill(folder / "a/sharpness.json", R"({"measures":{"trace":1}})");
  spill(folder / "a/dynamics.json", R"({"series":[{"name":"a","x":[1],"y":[2]}]})");
  const ReportRun run = read(folder / "a");
  EXPECT_EQ(run.name, "a");
  EXPECT_EQ(run.algorithm, "dppf");
  EXPECT_TRUE(run.finished());
  EXPECT_EQ(run.reached, "step 4 (epoch 0.5)");
  EXPECT_EQ(run.setting("seed"), "3");
  EXPECT_EQ(run.setting("push"), "0.5");
  EXPECT_EQ(run.setting("pull"), "");
  EXPECT_EQ(run.figure("seconds.total"), 2);
  EXPECT_EQ(run.figure("seconds"), std::nullopt);
  EXPECT_EQ(run.figure("test_loss"), std::nullopt);
  EXPECT_EQ(run.curves["evaluations"]["test_loss"], Json({1.5}));
  for (const Json* part : {&run.timeline, &run.landscapes[0], &run.sharpness, &run.dynamics}) {
    EXPECT_TRUE(part->is_object());
  }
}

TEST(ReportRun, AConfigurationIsEnough) {
  TestFolder folder;
  make_run(folder / "a");
  const ReportRun run = read(folder / "a");
  EXPECT_EQ(run.status, RunState::Kind::kBrokenOff);
  EXPECT_EQ(run.reached, "");
  EXPECT_EQ(run.figure("test_accuracy"), std::nullopt);
  for (const Json* part : {&run.timeline, &run.landscapes, &run.sharpness, &run.dynamics}) {
    EXPECT_TRUE(part->is_null());
  }
}

TEST(ReportRun, StatusOfRunsThatDidNotEnd) {
  TestFolder folder;
  make_run(folder / "a");
  spill(folder / "a/metrics.jsonl",
        "{\"step\":8,\"epoch\":1.0,\"worker\":0,\"loss\":2.5}\n"
        "{\"step\":16,\"epoch\":2.0,\"worker\":0,\"loss\":null}\n");
  EXPECT_EQ(read(folder / "a").status, RunState::Kind::kDiverged);
  EXPECT_EQ(read(folder / "a").reached, "step 16 (epoch 2)");
  spill(folder / "a/summary.json", R"({"status":"interrupted"})");
  EXPECT_EQ(read(folder / "a").status, RunState::Kind::kInterrupted);
  EXPECT_EQ(read(folder / "a").reason, "");
  spill(folder / "a/diverged.json", R"({"reason":"the loss is nan at step 17 on worker 0"})");
  EXPECT_EQ(read(folder / "a").status, RunState::Kind::kDiverged);
  EXPECT_EQ(read(folder / "a").reason, "the loss is nan at step 17 on worker 0");
  const RunLock lock(folder / "a");
  EXPECT_EQ(read(folder / "a").status, RunState::Kind::kRunning);
}

TEST(ReportRun, DamagedFilesAreLeftOutAndNamed) {
  TestFolder folder;
  make_run(folder / "a");
  const std::string path = (folder / "a").string();
  for (const auto& [name, remedy] :
       {std::pair{"trace.json", std::string("nothing writes it anew")},
        {"landscape.json", "valley landscape " + path + " writes it anew"},
        {"landscape-spread.json", "valley landscape " + path + " --plane spread writes it anew"},
        {"sharpness.json", "valley sharpness " + path + " writes it anew"},
        {"classes.json", "valley evaluate " + path + " --classes writes it anew"},
        {"robust.json", "valley evaluate " + path + " --adversarial writes it anew"},
        {"dynamics.json", "valley dynamics " + path + " writes it anew"}}) {
    spill(folder / "a" / name, "{\"x\": ");
    EXPECT_THAT(
        read(folder / "a").damages,
        ElementsAre(path + "/" + name + " is not JSON: it breaks at byte 7 of 6; " + remedy + "."));
    std::filesystem::remove(folder / "a" / name);
  }
  spill(folder / "a/summary.json", "{\"x\": ");
  const ReportRun run = read(folder / "a");
  EXPECT_EQ(run.status, RunState::Kind::kDamaged);
  EXPECT_EQ(run.reason, path +
                            "/summary.json is not JSON: it breaks at byte 7 of 6; valley train "
                            "--resume " +
                            path + " writes it anew from the last checkpoint");
  EXPECT_TRUE(run.summary.is_null());
  EXPECT_THAT(run.damages, testing::IsEmpty());
}

TEST(ReportRun, EveryPlaneIsALandscape) {
  TestFolder folder;
  make_run(folder / "a");
  const auto survey = [](const std::string& plane) {
    return R"({"x":[0,1],"y":[0,1],"loss":[[1,2],[3,4]],"plane":")" + plane + "\"}";
  };
  spill(folder / "a/landscape-spread.json", survey("spread"));
  spill(folder / "a/landscape-random.json", survey("random"));
  spill(folder / "a/landscape-random.svg", "");
  // Written by a version that had one file for all planes.
  spill(folder / "a/landscape.json", survey("workers"));
  const ReportRun run = read(folder / "a");
  ASSERT_EQ(run.landscapes.size(), 3);
  EXPECT_EQ(run.landscapes[0]["plane"], "workers");
  EXPECT_EQ(run.landscapes[1]["plane"], "random");
  EXPECT_EQ(run.landscapes[2]["plane"], "spread");
}

TEST(ReportRun, FilesThatNothingCanReplaceAreRefused) {
  TestFolder folder;
  make_run(folder / "a");
  spill(folder / "a/metrics.jsonl", "what\n{}\n");
  EXPECT_EQ(error_of<UsageError>([&] { read(folder / "a"); }),
            (folder / "a/metrics.jsonl").string() + ":1 is no JSON object");
  spill(folder / "a/config.toml", "seed = 3\n");
  EXPECT_EQ(error_of<UsageError>([&] { read(folder / "a"); }),
            (folder / "a/config.toml").string() + " names no algorithm");
}

TEST(FindRuns, RunsAndFoldersOfRunsEachOnce) {
  TestFolder folder;
  for (const char* name : {"one", "some/a-10", "some/a-9", "some/b"}) make_run(folder / name);
  std::filesystem::create_directories(folder / "some/empty");
  spill(folder / "some/notes.txt", "");
  EXPECT_THAT(names(find_runs({(folder / "one").string(), (folder / "some").string(),
                               (folder / "some/b/").string(), (folder / "one").string()})),
              ElementsAre("one", "a-9", "a-10", "b"));
}

TEST(FindRuns, KeepsTheOrderOfAComparison) {
  TestFolder folder;
  for (const char* name : {"dppf-seed0", "dppf-seed1", "extra", "ssgd-seed0", "ssgd-seed10"}) {
    make_run(folder / name);
  }
  spill(folder / "compare.json", R"({"methods":[{"label":"ssgd"},{"label":"dppf"},{}]})");
  EXPECT_THAT(names(find_runs({folder.path().string()})),
              ElementsAre("ssgd-seed0", "ssgd-seed10", "dppf-seed0", "dppf-seed1", "extra"));
}

TEST(FindRuns, RefusesWhatIsNeither) {
  TestFolder folder;
  const std::string path = folder.path().string();
  EXPECT_EQ(error_of<UsageError>([&] { find_runs({path}); }),
            path + " is no run folder and holds none: config.toml is missing");
  EXPECT_EQ(error_of<UsageError>([&] { find_runs({path + "/none"}); }),
            path + "/none is no run folder: there is no such folder");
}

TEST(Limits, LessOfEachWhereThereAreMany) {
  EXPECT_EQ(limits_for(1).points, 2000);
  EXPECT_EQ(limits_for(50).points, 400);
  EXPECT_EQ(limits_for(1000).points, 200);
  EXPECT_EQ(limits_for(0).points, 2000);
}

}  // namespace
}  // namespace valley::report_run_test
