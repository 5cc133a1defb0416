#include "valley/data/speech.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/class_folders.h"
#include "valley/data/left_out.h"
#include "valley/data/log_mel.h"
#include "valley/data/notes.h"
#include "valley/data/resample.h"
#include "valley/data/wav.h"

namespace valley {
namespace {

constexpr LogMelOptions kMel = {};  // 8 kHz, 40 bands
constexpr int64_t kFewestFrames = 8, kMostFrames = 256;
constexpr std::string_view kUsage =
    "speech:PATH takes a folder with one folder of sound files a class, or with train and test of "
    "such";

class Reader {
 public:
  at::Tensor read(const std::filesystem::path& path) {
    const Sound sound = read_sound(path);
    const auto found =
        filters_.try_emplace(sound.rate, std::max<int64_t>(1, sound.rate), kMel.sample_rate).first;
    return found->second(sound.samples);
  }

  // Other rates than 8 kHz.
  std::string rates() const {
    std::string text;
    for (const auto& [rate, filter] : filters_)
      if (rate != kMel.sample_rate) text += fmt::format("{}{}", text.empty() ? "" : ", ", rate);
    return text;
  }

 private:
  std::map<int64_t, Resampler> filters_;  // by rate
};

struct SpeechPart {
  std::vector<at::Tensor> sounds;  // [n] each, at 8 kHz
  std::vector<int64_t> classes;
  std::vector<std::string> names;  // of the files
};

SpeechPart read_part(const ClassFiles& files, const std::vector<std::string>& classes,
                     const std::filesystem::path& root, bool strict, Reader& reader) {
  SpeechPart part;
  LeftOut left_out("not readable as sounds");
  for (const auto& [name, paths] : files)
    for (const auto& path : paths) {
      try {
        part.sounds.push_back(reader.read(path));
        part.classes.push_back(std::lower_bound(classes.begin(), classes.end(), name) -
                               classes.begin());
        part.names.push_back(path.filename().string());
      } catch (const UsageError& error) {
        if (strict) throw;
        std::string why = error.what();
        const std::string shown = path.string() + " ";
        if (why.starts_with(shown)) why.erase(0, shown.size());
        left_out.add(fmt::format("{} ({})", path.lexically_relative(root).string(), why));
      }
    }
  left_out.note(root);
  return part;
}

// What the longest one takes.
int64_t frames_of(const SpeechPart& part) {
  int64_t longest = 0;
  for (const at::Tensor& sound : part.sounds) longest = std::max(longest, sound.numel());
  const int64_t frames = (longest - kMel.window + kMel.hop - 1) / kMel.hop + 1;
  return std::clamp(frames, kFewestFrames, kMostFrames);
}

at::Tensor speakers_of(const SpeechPart& part) {
  std::map<std::string, int64_t> speakers;
  std::vector<int64_t> origins;
  for (const std::string& name : part.names) {
    const size_t end = name.find("_nohash_");
    if (end == name.npos) return {};
    origins.push_back(
        speakers.emplace(name.substr(0, end), static_cast<int64_t>(speakers.size())).first->second);
  }
  return at::tensor(origins, at::kLong);
}

std::shared_ptr<Dataset> to_data(const SpeechPart& part, int64_t frames,
                                 const std::vector<std::string>& classes) {
  auto data = std::make_shared<Dataset>();
  const auto n = static_cast<int64_t>(part.sounds.size());
  data->inputs = at::empty({n, 1, frames, kMel.bands}, at::kFloat);
  for (int64_t i = 0; i < n; ++i)
    data->inputs[i][0].copy_(log_mel(part.sounds[static_cast<size_t>(i)], frames, kMel));
  data->targets = at::tensor(part.classes, at::kLong);
  data->classes = static_cast<int64_t>(classes.size());
  data->class_names = classes;
  data->mean = {0};
  data->stddev = {1};
  return data;
}

}  // namespace

DataSplits load_speech(const std::string& folder, const DataOptions& options) {
  require_folder(folder, "speech:PATH", "one folder a class");
  const std::filesystem::path root = folder;
  require(std::filesystem::exists(root), "{} is missing; {}", folder, kUsage);
  const ClassParts found =
      find_class_files(root, options.seed, {.files = "sound", .usage = std::string(kUsage)});
  std::vector<std::string> classes;
  for (const auto& [name, files] : found.train) classes.push_back(name);

  Reader reader;
  const SpeechPart train_part = read_part(found.train, classes, root, options.strict, reader),
                   test_part = read_part(found.test, classes, root, options.strict, reader);
  for (size_t c = 0; c < classes.size(); ++c)
    require(std::count(train_part.classes.begin(), train_part.classes.end(), c) > 0,
            "the class {} has no readable sound to train on", classes[c]);
  require(!test_part.sounds.empty(), "{} holds no readable sound to test on", folder);
  if (const std::string rates = reader.rates(); !rates.empty())
    add_data_note(
        fmt::format("{}: sounds of {} Hz are resampled to {}", folder, rates, kMel.sample_rate));
  const int64_t frames = frames_of(train_part);
  const auto train = to_data(train_part, frames, classes),
             test = to_data(test_part, frames, classes);
  train->origins = speakers_of(train_part);
  normalise_bands(train->inputs, {train->inputs, test->inputs});
  return {train, test};
}

}  // namespace valley
