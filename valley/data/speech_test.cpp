#include "valley/data/speech.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "valley/data/log_mel.h"
#include "valley/data/test_files.h"
#include "valley/data/test_notes.h"
#include "valley/data/wav.h"

namespace valley::speech_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class Speech : public testing::Test {
 protected:
  struct Format {
    int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    int rate = 8000;
    int channels = 1;
    double hertz = 440;
    double seconds = 0.3;
  };

  // A tone in the first channel, silence in the others.
  std::string save(const std::string& name, const Format& f) {
    const std::string path = folder_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    SF_INFO info = {};
    info.samplerate = f.rate;
    info.channels = f.channels;
    info.format = f.format;
    SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
    EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
    const auto n = static_cast<int64_t>(f.seconds * f.rate);
    std::vector<float> values(static_cast<size_t>(n * f.channels));
    for (int64_t i = 0; i < n; ++i)
      values[static_cast<size_t>(i * f.channels)] =
          static_cast<float>(0.5 * std::sin(2 * std::numbers::pi * f.hertz * double(i) / f.rate));
    sf_writef_float(file, values.data(), n);
    sf_close(file);
    return path;
  }
  void save_two_classes(int files = 5) {
    for (int i = 0; i < files; ++i) {
      save("low/" + std::to_string(i) + ".wav", {.hertz = 200.0 + i});
      save("high/" + std::to_string(i) + ".wav", {.hertz = 2000.0 + i});
    }
  }
  void cut(const std::string& name, double share) {
    const std::string path = folder_ / name;
    std::filesystem::resize_file(
        path, static_cast<uint64_t>(share * double(std::filesystem::file_size(path))));
  }
  DataSplits load(DataOptions options = {}) {
    DataSplits data;
    notes_ = notes_of([&] { data = load_speech(folder_.string(), options); });
    return data;
  }

  DataFolder folder_;
  std::vector<std::string> notes_;
};

// The same tone, whichever file it is in.
TEST_F(Speech, FormatsRatesAndChannels) {
  const at::Tensor plain = read_sound(save("a", {})).samples;
  EXPECT_EQ(plain.numel(), 2400);
  EXPECT_NEAR(plain.abs().max().item<double>(), 0.5, 1e-3);
  for (const int format : {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, SF_FORMAT_WAV | SF_FORMAT_PCM_24,
                           SF_FORMAT_WAV | SF_FORMAT_PCM_32, SF_FORMAT_WAV | SF_FORMAT_FLOAT,
                           SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                           SF_FORMAT_AIFF | SF_FORMAT_PCM_16}) {
    const Sound sound = read_sound(save("b", {.format = format}));
    EXPECT_EQ(sound.rate, 8000);
    ASSERT_EQ(sound.samples.numel(), 2400) << std::hex << format;
    EXPECT_LT((sound.samples - plain).narrow(0, 400, 1600).abs().max().item<double>(), 0.05)
        << std::hex << format;
  }
  const Sound stereo = read_sound(save("c", {.rate = 16000, .channels = 2}));
  EXPECT_EQ(stereo.rate, 16000);
  EXPECT_NEAR(stereo.samples.abs().max().item<double>(), 0.25, 1e-3);  // the mean of both
}

TEST_F(Speech, OneFolderAClass) {
  save_two_classes();
  save("low/9.flac", {.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16, .rate = 44100, .hertz = 209});
  const auto [train, test] = load();
  EXPECT_THAT(train->class_names, ElementsAre("high", "low"));
  EXPECT_EQ(train->size() + test->size(), 11);
  // 2400 samples: 28 frames of 200, 80 apart, and what is left of one more.
  EXPECT_THAT(train->inputs.sizes().slice(1).vec(), ElementsAre(1, 29, 40));
  const at::Tensor bands = train->inputs.to(at::kDouble).mean({0, 1, 2});
  EXPECT_LT(bands.abs().max().item<double>(), 1e-4);
  EXPECT_THAT(notes_, Contains(HasSubstr("sounds of 44100 Hz are resampled to 8000")));
  EXPECT_THAT(notes_, Contains(HasSubstr("a fifth of every class is held out as the test set")));
  EXPECT_FALSE(train->origins.defined());
  // High tones have their energy in the upper bands.
  const int64_t high = (train->targets == 0).nonzero()[0][0].item<int64_t>();
  const at::Tensor energy = train->inputs[high][0].mean(0);
  EXPECT_GT(energy.narrow(0, 25, 10).mean().item<double>(),
            energy.narrow(0, 0, 10).mean().item<double>());
}

TEST_F(Speech, WhatCannotBeReadIsLeftOutAndSaid) {
  save_two_classes(6);
  for (const auto& [name, format] : {std::pair("low/x.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16),
                                     {"low/x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                                     {"low/x.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS}}) {
    const std::string path = save(name, {.format = format, .seconds = 2});
    cut(name, 0.6);
    const auto [train, test] = load();
    EXPECT_EQ(train->size() + test->size(), 12) << name;
    EXPECT_THAT(notes_, Contains(HasSubstr(std::string("1 file was left out, not readable as "
                                                       "sounds: ") +
                                           name + " (is ")));
    EXPECT_THAT(usage_error([&] { load({.strict = true}); }), HasSubstr(path));
    std::filesystem::remove(path);
  }
  write_file(folder_ / "low/readme.txt", {'h', 'i'});
  load();
  EXPECT_THAT(notes_, Contains(HasSubstr("low/readme.txt (is damaged: ")));
}

TEST_F(Speech, SpeakersAreOrigins) {
  for (const char* kind : {"yes", "no"})
    for (const char* who : {"anna", "ben", "carl"})
      for (int i = 0; i < 2; ++i)
        save(std::string(kind) + "/" + who + "_nohash_" + std::to_string(i) + ".wav", {});
  const auto [train, test] = load();
  ASSERT_TRUE(train->origins.defined());
  EXPECT_EQ(train->origins.max().item<int64_t>(), 2);
}

TEST_F(Speech, Refused) {
  EXPECT_EQ(usage_error([&] { load_speech(folder_ / "nowhere", {}); }),
            folder_ /
                "nowhere is missing; speech:PATH takes a folder with one folder of sound files "
                "a class, or with train and test of such");
  EXPECT_THAT(usage_error([&] { load(); }), HasSubstr("holds no class folder; speech:PATH takes"));
  save("low/a.wav", {});
  EXPECT_THAT(usage_error([&] { load(); }), HasSubstr("low holds one sound, of which none can be"));
  for (const char* name : {"low/b.wav", "low/a.wav", "low/c.wav"})
    write_file(folder_ / name, {'n', 'o'});
  EXPECT_EQ(usage_error([&] { load(); }), "the class low has no readable sound to train on");
}

}  // namespace
}  // namespace valley::speech_test
