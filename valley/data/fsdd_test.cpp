#include "valley/data/fsdd.h"

#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "valley/data/test_files.h"
#include "valley/data/test_notes.h"

namespace valley::fsdd_test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// A tone of 0.5 s that differs by digit and by index.
Bytes recording(int digit, int index) {
  std::vector<int16_t> values(4000);
  const double hertz = 200 + 300 * digit + 7 * index;
  for (size_t t = 0; t < values.size(); ++t)
    values[t] =
        static_cast<int16_t>(8000 * std::sin(2 * std::numbers::pi * hertz * double(t) / 8000));
  return wav_bytes(values);
}

/// Every digit by one speaker, with these indices.
void write_recordings(const fs::path& folder, const std::vector<int>& indices) {
  fs::create_directories(folder);
  for (int digit = 0; digit < 10; ++digit)
    for (const int index : indices)
      write_file((folder / fmt::format("{}_anna_{}.wav", digit, index)).string(),
                 recording(digit, index));
}

TEST(Fsdd, SplitsByIndexAndKeepsAnOrder) {
  const DataFolder folder;
  write_recordings(folder.string(), {0, 4, 5, 12});
  write_file(folder / "readme.txt", {'x'});
  write_file(folder / "._0_anna_0.wav", {'x'});  // some systems leave such
  const DataSplits data = load_fsdd(folder.string());
  EXPECT_THAT(data.train->inputs.sizes().vec(), ElementsAre(20, 1, 64, 40));
  EXPECT_THAT(data.test->inputs.sizes().vec(), ElementsAre(20, 1, 64, 40));
  EXPECT_EQ(data.train->inputs.scalar_type(), at::kFloat);
  for (const auto& split : {data.train, data.test}) {
    EXPECT_EQ(split->classes, 10);
    EXPECT_THAT(split->mean, ElementsAre(0.0f));
    EXPECT_THAT(split->stddev, ElementsAre(1.0f));
    for (int64_t i = 0; i < 20; ++i) EXPECT_EQ(split->targets[i].item<int64_t>(), i / 2);
  }
  // Anything but the order of the folder; and the folder above does as well.
  const DataFolder above;
  write_recordings(above / "recordings", {12, 5, 0, 4});
  const DataSplits again = load_fsdd(above.string());
  EXPECT_TRUE(at::equal(again.train->inputs, data.train->inputs));
  EXPECT_TRUE(at::equal(again.test->inputs, data.test->inputs));
  EXPECT_THAT(notes_of([&] { load_fsdd(above.string()); }), ElementsAre());
}

TEST(Fsdd, WhatIsLeftOutIsCounted) {
  const DataFolder folder;
  write_recordings(folder.string(), {0, 5});
  for (int digit = 0; digit < 10; ++digit)
    fs::rename(folder / fmt::format("{}_anna_5.wav", digit),
               folder / fmt::format("{}_anna_5.{}", digit, digit % 2 == 0 ? "WAV" : "Wav"));
  const DataSplits data = load_fsdd(folder.string());
  EXPECT_EQ(data.train->size(), 10);
  EXPECT_THAT(notes_of([&] { load_fsdd(folder.string()); }), ElementsAre());
  write_file(folder / "README.md", {'x'});
  EXPECT_THAT(notes_of([&] { load_fsdd(folder.string()); }),
              ElementsAre(folder.string() +
                          ": 1 file was left out, no DIGIT_SPEAKER_INDEX.wav: README.md"));
  for (const char* name : {"._0_anna_0.wav", "0_anna_1.mp3", "z"}) write_file(folder / name, {'x'});
  EXPECT_THAT(notes_of([&] { load_fsdd(folder.string()); }),
              ElementsAre(folder.string() +
                          ": 4 files were left out, no DIGIT_SPEAKER_INDEX.wav: ._0_anna_0.wav, "
                          "0_anna_1.mp3, README.md, ..."));
}

TEST(Fsdd, EveryBandIsNormalisedByTheTrainingSplit) {
  const DataFolder folder;
  write_recordings(folder.string(), {0, 5});
  const DataSplits data = load_fsdd(folder.string());
  const at::Tensor train = data.train->inputs.to(at::kDouble).reshape({-1, 40});
  EXPECT_LT(train.mean(0).abs().max().item<double>(), 1e-5);
  EXPECT_LT(train.std(0, false).sub(1).abs().max().item<double>(), 1e-5);
  const at::Tensor test = data.test->inputs.to(at::kDouble).reshape({-1, 40});
  EXPECT_GT(test.mean(0).abs().max().item<double>(), 1e-4);

  // The same recordings in both splits: the same values.
  const DataFolder same;
  write_recordings(same.string(), {0});
  for (int digit = 0; digit < 10; ++digit)
    write_file(same / fmt::format("{}_anna_5.wav", digit), recording(digit, 0));
  const DataSplits twice = load_fsdd(same.string());
  EXPECT_TRUE(at::equal(twice.train->inputs, twice.test->inputs));
}

TEST(Fsdd, SilenceEverywhereIsNoDivisionByZero) {
  const DataFolder folder;
  for (int digit = 0; digit < 10; ++digit)
    for (const int index : {0, 5})
      write_file(folder / fmt::format("{}_anna_{}.wav", digit, index),
                 wav_bytes(std::vector<int16_t>(100)));
  EXPECT_LT(load_fsdd(folder.string()).train->inputs.abs().max().item<float>(), 1e-5f);
}

TEST(Fsdd, Errors) {
  const DataFolder folder;
  const auto message = [&] { return usage_error([&] { load_fsdd(folder.string()); }); };
  EXPECT_EQ(message(), folder.string() +
                           " holds no DIGIT_SPEAKER_INDEX.wav; give the folder recordings of "
                           "https://github.com/Jakobovski/free-spoken-digit-dataset as fsdd:PATH");
  EXPECT_EQ(usage_error([] { load_fsdd("/no/such"); }),
            "cannot read /no/such: No such file or directory");

  write_recordings(folder.string(), {0, 5});
  fs::remove(folder / "7_anna_5.wav");
  EXPECT_EQ(message(), folder.string() +
                           " holds no training recording of digit 7: 7_SPEAKER_INDEX.wav with an "
                           "index of 5 or more");
  write_recordings(folder.string(), {0, 5});
  fs::remove(folder / "9_anna_0.wav");
  EXPECT_EQ(message(), folder.string() +
                           " holds no test recording of digit 9: 9_SPEAKER_INDEX.wav with an index "
                           "of 0 to 4");
  write_recordings(folder.string(), {0, 5});
  EXPECT_EQ(usage_error([&] { load_fsdd(folder / "0_anna_0.wav"); }),
            (folder / "0_anna_0.wav") +
                " is a file; fsdd:PATH takes the folder that holds 0_jackson_0.wav and so on");

  for (const char* name : {"a_anna_0.wav", "10_anna_0.wav", "1_anna.wav", "1__0.wav", "1_0.wav",
                           "1_anna_x.wav", "1_anna_-1.wav", "1_anna_.wav", "1.wav"}) {
    write_file(folder / name, recording(0, 0));
    EXPECT_EQ(message(), (folder / name) + " must be named DIGIT_SPEAKER_INDEX.wav");
    fs::remove(folder / name);
  }
  write_file(folder / "3_anna_5.wav", wav_bytes({1, 2, 3}, {.rate = 44100}));
  EXPECT_EQ(message(), (folder / "3_anna_5.wav") + " must have 8000 samples a second, has 44100");
}

}  // namespace
}  // namespace valley::fsdd_test
