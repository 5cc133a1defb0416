#include "valley/train/checkpoint.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "valley/comm/group.h"
#include "valley/core/checksum.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/train/testing/small_training.h"

namespace valley::checkpoint_test {
namespace {

namespace fs = std::filesystem;

void save(const fs::path& folder, int64_t step, int workers = 2, int64_t keep = 10,
          int64_t size = 5) {
  run_threads(workers, [&](Communicator& comm) {
    Checkpoints(folder).save(
        comm,
        {.step = step, .total_steps = 50, .workers = workers, .algorithm = "dppf", .model = "m"},
        {.tensors = {{"x", at::full({size}, double(100 * step + comm.rank()))},
                     {"buffers", at::empty({0})}},
         .values = fmt::format("{{\"step\": {}}}", step)},
        keep);
  });
}

std::string list(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, " "));
}

TEST(Checkpoints, ReadWhatWasWritten) {
  const TestFolder folder;
  const Checkpoints checkpoints(folder / "checkpoints");
  EXPECT_FALSE(checkpoints.latest());
  save(folder / "checkpoints", 12, 3);
  const auto manifest = checkpoints.latest();
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->step, 12);
  EXPECT_EQ(manifest->total_steps, 50);
  EXPECT_EQ(manifest->workers, 3);
  EXPECT_EQ(manifest->algorithm, "dppf");
  EXPECT_EQ(manifest->model, "m");
  for (int m = 0; m < 3; ++m) {
    const WorkerState state = checkpoints.load(*manifest, m);
    ASSERT_EQ(state.tensors.size(), 2u);
    EXPECT_TRUE(at::equal(state.tensors[0].tensor, at::full({5}, 1200.0 + m)));
    EXPECT_EQ(state.tensors[1].tensor.numel(), 0);
    EXPECT_EQ(state.values, R"({"step": 12})");
  }
  EXPECT_EQ(list(checkpoints.path_of(12)),
            "manifest.json worker-0.safetensors worker-1.safetensors worker-2.safetensors");
}

TEST(Checkpoints, TheNewestStay) {
  const TestFolder folder;
  for (const int64_t step : {3, 8, 9, 20}) save(folder.path(), step, 2, /*keep=*/2);
  EXPECT_EQ(folder.list(), "step-00000009 step-00000020");
  save(folder.path(), 123456789, 1, /*keep=*/1);
  EXPECT_EQ(folder.list(), "step-123456789");
  EXPECT_EQ(Checkpoints(folder.path()).latest()->step, 123456789);
  EXPECT_EQ(Checkpoints(folder.path()).path_of(7), folder / "step-00000007");
}

// Of a run that went on with more workers, so that its steps count less.
TEST(Checkpoints, LaterStepsMakeWay) {
  const TestFolder folder;
  for (const int64_t step : {3, 8, 9}) save(folder.path(), step);
  save(folder.path(), 5, 3, /*keep=*/2);
  EXPECT_EQ(folder.list(), "step-00000003 step-00000005");
  EXPECT_EQ(Checkpoints(folder.path()).latest()->workers, 3);
}

TEST(Checkpoints, FoldersThatAreNoneAreIgnored) {
  const TestFolder folder;
  save(folder.path(), 5);
  fs::create_directories(folder / "step-00000009");  // interrupted before its manifest
  spill(folder / "step-00000009" / "worker-0.safetensors", "half");
  fs::create_directories(folder / "step-12x");
  spill(folder / "step-12x" / "manifest.json", "{}");
  fs::create_directories(folder / "other");
  spill(folder / "step-00000077", "a file");
  EXPECT_EQ(Checkpoints(folder.path()).latest()->step, 5);
}

TEST(Checkpoints, DamageIsNamed) {
  const TestFolder folder;
  const Checkpoints checkpoints(folder.path());
  save(folder.path(), 5);
  const Manifest manifest = checkpoints.latest().value();
  const fs::path at5 = checkpoints.path_of(5);
  const auto load_error = [&] {
    return error_of<UsageError>([&] { checkpoints.load(manifest, 1); });
  };
  const std::string remedy = "; remove its folder to resume from an earlier checkpoint";

  const fs::path worker = at5 / "worker-1.safetensors";
  const std::string whole = slurp(worker);
  spill(worker, whole.substr(0, whole.size() - 8));
  EXPECT_EQ(load_error(), worker.string() + " is cut short: 12 of 20 bytes of data" + remedy);
  spill(worker, "");
  EXPECT_EQ(load_error(), worker.string() + " is cut short: 0 bytes" + remedy);
  spill(worker, std::string(100, 'x'));
  EXPECT_EQ(load_error(), worker.string() + " is no safetensors file: it has no header" + remedy);
  fs::remove(worker);
  EXPECT_EQ(load_error(),
            "cannot read " + worker.string() + ": No such file or directory" + remedy);
  for (const char* state :
       {"", R"("__metadata__":{"state":"3"},)", R"("__metadata__":{"state":"{"},)"}) {
    const std::string header =
        fmt::format(R"({{{}"x":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}}})", state);
    std::string foreign(8, '\0');
    foreign[0] = static_cast<char>(header.size());
    spill(worker, foreign + header);
    EXPECT_EQ(load_error(), worker.string() + " is no checkpoint of a worker" + remedy);
  }

  const fs::path file = at5 / "manifest.json";
  const std::string good = slurp(file);
  for (const char* content : {"[]", "{\"step\": 5}", "{\"step\": \"five\"}"}) {
    spill(file, content);
    EXPECT_EQ(error_of<DamagedFile>([&] { checkpoints.latest(); }),
              file.string() + " is damaged" + remedy)
        << content;
  }
  for (const char* content : {"", "{\"step\": 5"}) {
    spill(file, content);
    EXPECT_TRUE(error_of<DamagedFile>([&] {
                  checkpoints.latest();
                }).starts_with(file.string() + " is not JSON: "))
        << content;
  }
  for (const auto& [workers, steps] : {std::pair(0, 50), std::pair(2, 0)}) {
    spill(file,
          fmt::format(R"({{"step": 5, "total_steps": {}, "workers": {}, "algorithm": "dppf", )"
                      R"("model": "lenet"}})",
                      steps, workers));
    EXPECT_EQ(error_of<DamagedFile>([&] { checkpoints.latest(); }),
              fmt::format("{} is damaged: it is of {} workers and {} steps{}", file.string(),
                          workers, steps, remedy));
  }
  std::string other = good;
  other.replace(other.find("\"total_steps\": 50"), 17, "\"total_steps\": 51");
  spill(file, other);
  EXPECT_TRUE(error_of<DamagedFile>([&] {
                checkpoints.latest();
              }).starts_with(file.string() + " is damaged: its checksum is "));
}

// Both are whole, but not of one checkpoint.
TEST(Checkpoints, AWorkersFileOfAnotherCheckpoint) {
  const TestFolder folder;
  const Checkpoints checkpoints(folder.path());
  save(folder.path(), 5);
  save(folder.path(), 6);
  const fs::path file = checkpoints.path_of(6) / "worker-1.safetensors";
  fs::copy_file(checkpoints.path_of(5) / "worker-1.safetensors", file,
                fs::copy_options::overwrite_existing);
  EXPECT_TRUE(error_of<DamagedFile>([&] {
                checkpoints.load(checkpoints.latest().value(), 1);
              }).starts_with(file.string() + " is of another checkpoint: its checksum is "));
}

// As versions wrote them that knew no checksums.
void remove_checksums(const fs::path& checkpoint) {
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    std::string bytes = slurp(entry.path());
    if (entry.path().extension() == ".json") {
      Json manifest = Json::parse(bytes);
      manifest.erase("files");
      manifest.erase("crc32c");
      spill(entry.path(), manifest.dump(2));
    } else {
      const std::string member = "\"crc32c\":\"";
      const size_t at = bytes.find(member);
      bytes.replace(at, member.size() + 10, std::string(member.size() + 10, ' '));
      spill(entry.path(), bytes);
    }
  }
}

// What `take_newest_whole` gives every worker.
struct Taken {
  int64_t step = -1;  // of the manifest; -1: there is none
  std::vector<double> x;
  std::vector<std::string> said;
};

Taken take(const fs::path& folder, int workers = 2) {
  Taken taken;
  taken.x.resize(static_cast<size_t>(workers));
  std::mutex mutex;
  std::vector<int64_t> steps;
  run_threads(workers, [&](Communicator& comm) {
    const Checkpoints checkpoints(folder);
    WorkerState state;
    const auto manifest = checkpoints.take_newest_whole(
        comm, [&](const Manifest& m) { state = checkpoints.load(m, comm.rank(), ""); },
        [&](const std::string& text) { taken.said.push_back(text); });
    const std::lock_guard<std::mutex> lock(mutex);
    steps.push_back(manifest ? manifest->step : -1);
    if (manifest)
      taken.x[static_cast<size_t>(comm.rank())] = state.tensors[0].tensor[0].item<double>();
  });
  for (const int64_t step : steps) EXPECT_EQ(step, steps.front());
  taken.step = steps.front();
  return taken;
}

void flip_bit(const fs::path& file, size_t bit) {
  std::string bytes = slurp(file);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  spill(file, bytes);
}

// One worker alone may see the damage; all of them go back, and nothing is lost.
TEST(Checkpoints, ADamagedOneIsSetAsideAndAnOlderOneTaken) {
  const TestFolder folder;
  const Checkpoints checkpoints(folder.path());
  EXPECT_EQ(take(folder.path()).step, -1);
  for (const int64_t step : {5, 6, 7, 8}) save(folder.path(), step);
  Taken taken = take(folder.path());
  EXPECT_EQ(taken.step, 8);
  EXPECT_EQ(taken.x, (std::vector<double>{800, 801}));
  EXPECT_TRUE(taken.said.empty());

  const fs::path worker = checkpoints.path_of(8) / "worker-1.safetensors";
  flip_bit(worker, 8 * slurp(worker).size() - 1);
  flip_bit(checkpoints.path_of(7) / "manifest.json", 100);
  fs::remove(checkpoints.path_of(6) / "worker-0.safetensors");
  taken = take(folder.path());
  EXPECT_EQ(taken.step, 5);
  EXPECT_EQ(taken.x, (std::vector<double>{500, 501}));
  ASSERT_EQ(taken.said.size(), 3u);
  EXPECT_TRUE(taken.said[0].starts_with(worker.string() + " is damaged: its checksum is "));
  EXPECT_TRUE(
      taken.said[0].ends_with("; set aside as " + (folder / "step-00000008.damaged").string()));
  EXPECT_TRUE(taken.said[1].starts_with((checkpoints.path_of(7) / "manifest.json").string()));
  EXPECT_EQ(taken.said[2], "cannot read " +
                               (checkpoints.path_of(6) / "worker-0.safetensors").string() +
                               ": No such file or directory; set aside as " +
                               (folder / "step-00000006.damaged").string());
  EXPECT_EQ(folder.list(),
            "step-00000005 step-00000006.damaged step-00000007.damaged step-00000008.damaged");

  // They count as none from now on, and stay.
  save(folder.path(), 8, 2, /*keep=*/1);
  EXPECT_EQ(folder.list(),
            "step-00000006.damaged step-00000007.damaged step-00000008 step-00000008.damaged");
  save(folder.path(), 3, 2, /*keep=*/1);
  flip_bit(checkpoints.path_of(3) / "worker-0.safetensors", 0);
  save(folder.path(), 8);
  save(folder.path(), 9);
  flip_bit(checkpoints.path_of(8) / "manifest.json", 0);
  flip_bit(checkpoints.path_of(9) / "manifest.json", 0);
  EXPECT_EQ(checkpoints.latest_readable()->step, 3);
}

TEST(Checkpoints, NoneIsWhole) {
  const TestFolder folder;
  for (const int64_t step : {5, 6}) {
    save(folder.path(), step);
    flip_bit(Checkpoints(folder.path()).path_of(step) / "worker-0.safetensors", 800);
  }
  const std::string text = error_of<IoError>([&] { take(folder.path()); });
  EXPECT_TRUE(text.starts_with("no checkpoint in " + folder.path().string() +
                               " is whole: " + Checkpoints(folder.path()).path_of(6).string()))
      << text;
  EXPECT_EQ(folder.list(), "step-00000005 step-00000006");  // the next call says the same
}

TEST(Checkpoints, WithoutChecksumsNothingIsClaimed) {
  const TestFolder folder;
  save(folder.path(), 5);
  remove_checksums(Checkpoints(folder.path()).path_of(5));
  EXPECT_EQ(take(folder.path()).x, (std::vector<double>{500, 501}));
}

TEST(Checkpoints, AFullDiskLeavesTheEarlierOne) {
  const TestFolder folder;
  save(folder.path(), 5);
  {
    const FileSizeLimit limit(20000);
    EXPECT_EQ(error_of<IoError>([&] {
                save(folder.path(), 9, 2, /*keep=*/1, 100000);
              }).substr(0, (folder / "step-00000009").string().size() + 20),
              "cannot write " + (folder / "step-00000009").string() + "/worker");
  }
  const Checkpoints checkpoints(folder.path());
  const Manifest manifest = checkpoints.latest().value();
  EXPECT_EQ(manifest.step, 5);
  for (int m = 0; m < 2; ++m) {
    EXPECT_TRUE(
        at::equal(checkpoints.load(manifest, m).tensors[0].tensor, at::full({5}, 500.0 + m)));
  }
  save(folder.path(), 9, 2, /*keep=*/1);  // there is room again
  EXPECT_EQ(folder.list(), "step-00000009");
}

TEST(Checkpoints, AFolderThatCannotBeMade) {
  const TestFolder folder;
  spill(folder / "file", "");
  EXPECT_EQ(error_of<IoError>([&] { save(folder / "file", 3); }),
            "cannot write " + (folder / "file/step-00000003").string() + ": Not a directory");
}

// The same through the trainer, with the model's own size.
TEST(Checkpoints, ATrainingOnAFullDiskCanBeResumed) {
  const TestFolder folder, reference;
  SmallTraining training{.workers = 2, .options = small_options("dppf")};
  training.options.checkpoint_every = 4;
  training.options.out = reference.path().string();
  train(training);

  training.options.out = folder.path().string();
  std::optional<FileSizeLimit> limit;
  RecordingProgress progress;
  progress.on_update = [&](const ProgressState& state) {
    if (state.step == 11) limit.emplace(5000);  // a worker's file has 9000 bytes, metrics fewer
  };
  training.progress = &progress;
  const std::string text = error_of<IoError>([&] { train(training); });
  limit.reset();
  EXPECT_EQ(text.substr(0, 13), "cannot write ");
  EXPECT_NE(text.find("File too large"), std::string::npos) << text;
  const Checkpoints checkpoints(folder / std::string(RunFolder::kCheckpoints));
  EXPECT_EQ(checkpoints.latest()->step, 8);

  training.progress = nullptr;
  training.options.resume = true;
  train(training);
  EXPECT_EQ(slurp(folder / std::string(RunFolder::kModel)),
            slurp(reference / std::string(RunFolder::kModel)));
  EXPECT_EQ(metrics_without_seconds(folder.path()), metrics_without_seconds(reference.path()));
}

TEST(WorkerState, ItsViewIsXUnlessSomethingWasPending) {
  const at::Tensor x = at::zeros({2}), moved = at::full({2}, 1);
  EXPECT_TRUE((WorkerState{.tensors = {{"x", x}, {"buffers", moved}}}).view().is_same(x));
  EXPECT_TRUE((WorkerState{.tensors = {{"x", x}, {"view", moved}}}).view().is_same(moved));
  EXPECT_FALSE(WorkerState{}.view().defined());
}

}  // namespace
}  // namespace valley::checkpoint_test
