#include "valley/data/wav.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "valley/data/test_files.h"

namespace valley::wav_test {
namespace {

using testing::ElementsAre;

TEST(Wav, SamplesAreSharesOfFullScale) {
  const DataFolder folder;
  write_file(folder / "a.wav", wav_bytes({0, 16384, -32768, 32767, -1}));
  const at::Tensor samples = read_wav(folder / "a.wav", 8000);
  ASSERT_EQ(samples.scalar_type(), at::kFloat);
  const float* x = samples.data_ptr<float>();
  EXPECT_THAT(std::vector<float>(x, x + samples.numel()),
              ElementsAre(0.0f, 0.5f, -1.0f, 32767 / 32768.0f, -1 / 32768.0f));
}

TEST(Wav, OtherChunksAreSkipped) {
  const DataFolder folder;
  Bytes bytes = wav_bytes({1, 2, 3});
  const Bytes note = {'L', 'I', 'S', 'T', 4, 0, 0, 0, 'I', 'N', 'F', 'O'};
  bytes.insert(bytes.begin() + 36, note.begin(), note.end());
  bytes[4] += note.size();
  write_file(folder / "a.wav", bytes);
  EXPECT_EQ(read_wav(folder / "a.wav", 8000).size(0), 3);
}

// What a program leaves that wrote into a pipe, where it could not go back and fill in the sizes.
TEST(Wav, APlaceholderForASizeClaimsNothing) {
  const DataFolder folder;
  const std::string path = folder / "a.wav";
  const Bytes good = wav_bytes({1, 2, 3});
  const auto with = [&](uint32_t riff, uint32_t data) {
    Bytes bytes = good;
    for (int k = 0; k < 4; ++k) {
      bytes[4 + k] = static_cast<uint8_t>(riff >> (8 * k));
      bytes[40 + k] = static_cast<uint8_t>(data >> (8 * k));
    }
    write_file(path, bytes);
    return bytes;
  };
  for (const auto& [riff, data] : std::vector<std::pair<uint32_t, uint32_t>>{
           {~0u, ~0u}, {~0u, 6}, {0, 0}, {0, 6}, {42, ~0u}, {42, 0}, {0x7FFFF024, 0x7FFFF000}}) {
    with(riff, data);
    const at::Tensor samples = read_wav(path, 8000);
    ASSERT_EQ(samples.size(0), 3) << riff << " " << data;
    EXPECT_FLOAT_EQ(samples.data_ptr<float>()[2], 3 / 32768.0f);
  }
  // The other size still tells that a file was cut.
  Bytes bytes = with(~0u, 6);
  bytes.pop_back();
  write_file(path, bytes);
  EXPECT_EQ(usage_error([&] { read_wav(path, 8000); }),
            path + " is cut short: 50 bytes expected, 49 found");
}

// libsndfile would go through such a list for ever.
TEST(Wav, OtherChunksArePassedOver) {
  const DataFolder folder;
  const std::string path = folder / "a.wav";
  const Bytes good = wav_bytes(std::vector<int16_t>(100, 1000));
  const auto with_list = [&](uint8_t last_of_size) {
    Bytes bytes = good, list = {'L', 'I', 'S', 'T', 80, 0, 0, last_of_size};
    list.insert(list.end(), 80, 0xff);
    bytes.insert(bytes.begin() + 36, list.begin(), list.end());  // behind "fmt "
    write_file(path, bytes);
  };
  with_list(0);
  EXPECT_EQ(read_wav(path, 8000).numel(), 100);
  with_list(0xff);
  EXPECT_EQ(usage_error([&] { read_wav(path, 8000); }),
            path + " is damaged: a chunk claims 4278190160 bytes, 288 follow");
}

TEST(Wav, Errors) {
  const DataFolder folder;
  const std::string path = folder / "a.wav";
  const auto message = [&](const Bytes& bytes) {
    write_file(path, bytes);
    return usage_error([&] { read_wav(path, 8000); });
  };
  const std::vector<int16_t> values(100, 1000);
  const Bytes good = wav_bytes(values);
  EXPECT_EQ(message(wav_bytes(values, {.rate = 16000})),
            path + " must have 8000 samples a second, has 16000");
  EXPECT_EQ(message(wav_bytes(values, {.channels = 2})), path + " must have one channel, has 2");
  EXPECT_EQ(message(wav_bytes(values, {.bits = 8})), path + " must hold samples of 16-bit PCM");
  EXPECT_EQ(message(wav_bytes({})), path + " holds no samples");
  EXPECT_EQ(message({}), path + " is empty");
  EXPECT_EQ(message({'R', 'I', 'F', 'F'}), path + " is no WAV file");
  const std::string text = "GIF89a, certainly no sound";
  EXPECT_EQ(message({text.begin(), text.end()}), path + " is no WAV file");
  EXPECT_EQ(message({good.begin(), good.begin() + 243}),
            path + " is cut short: 244 bytes expected, 243 found");
  EXPECT_EQ(message({good.begin(), good.begin() + 20}),
            path + " is cut short: 244 bytes expected, 20 found");
  Bytes headless = good;
  headless[12] = 'x';  // no "fmt "
  EXPECT_TRUE(message(headless).starts_with(path + " is damaged: ")) << message(headless);
  EXPECT_EQ(usage_error([&] { read_wav(folder / "b.wav", 8000); }),
            "data file " + (folder / "b.wav") + " is missing");
  EXPECT_EQ(usage_error([&] { read_wav(folder.string(), 8000); }),
            folder.string() + " is not an ordinary file");
}

}  // namespace
}  // namespace valley::wav_test
