#include "valley/data/fsdd.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/data/bytes.h"
#include "valley/data/left_out.h"
#include "valley/data/log_mel.h"
#include "valley/data/wav.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDigits = 10, kTestIndices = 5;
constexpr int64_t kRate = 8000, kFrames = 64, kBands = 40;

struct Recording {
  int64_t digit;
  std::string speaker;
  int64_t index;
  fs::path path;
};

/// @throws UsageError unless the name is DIGIT_SPEAKER_INDEX.wav.
Recording parse_recording(const fs::path& path) {
  const std::string stem = path.stem().string();
  const size_t last = stem.rfind('_');
  Recording recording{.digit = stem[0] - '0', .speaker = {}, .index = -1, .path = path};
  bool good = 0 <= recording.digit && recording.digit < kDigits && stem.size() >= 2 &&
              stem[1] == '_' && last > 2 && last != std::string::npos;
  if (good) {
    recording.speaker = stem.substr(2, last - 2);
    recording.index = parse_number<int64_t>(stem.substr(last + 1)).value_or(-1);
    good = recording.index >= 0;
  }
  require(good, "{} must be named DIGIT_SPEAKER_INDEX.wav", path.string());
  return recording;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

struct Found {
  std::vector<Recording> recordings;
  std::vector<std::string> others;  // names of what is no recording, sorted
};

Found find_recordings(const fs::path& folder) {
  Found found;
  auto& recordings = found.recordings;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path& path = entry.path();
    const bool hidden = path.filename().string().starts_with('.');
    if (!hidden && lower_case(path.extension().string()) == ".wav") {
      recordings.push_back(parse_recording(path));
    } else {
      found.others.push_back(path.filename().string());
    }
  }
  require(!error, "cannot read {}: {}", folder.string(), error.message());
  require(!recordings.empty(),
          "{} holds no DIGIT_SPEAKER_INDEX.wav; give the folder recordings of "
          "https://github.com/Jakobovski/free-spoken-digit-dataset as fsdd:PATH",
          folder.string());
  // A folder's own order is anything.
  std::sort(recordings.begin(), recordings.end(), [](const Recording& a, const Recording& b) {
    return std::tie(a.digit, a.speaker, a.index, a.path) <
           std::tie(b.digit, b.speaker, b.index, b.path);
  });
  std::sort(found.others.begin(), found.others.end());
  return found;
}

std::shared_ptr<Dataset> load_split(const fs::path& folder, const std::vector<Recording>& all,
                                    bool test) {
  std::vector<const Recording*> chosen;
  std::array<bool, kDigits> present{};
  for (const Recording& recording : all) {
    if ((recording.index < kTestIndices) != test) continue;
    chosen.push_back(&recording);
    present[recording.digit] = true;
  }
  for (int64_t digit = 0; digit < kDigits; ++digit)
    require(present[digit], "{} holds no {} recording of digit {}: {}_SPEAKER_INDEX.wav with {}",
            folder.string(), test ? "test" : "training", digit, digit,
            test ? "an index of 0 to 4" : "an index of 5 or more");

  const auto n = static_cast<int64_t>(chosen.size());
  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 1, kFrames, kBands}, at::kFloat);
  data->targets = at::empty({n}, at::kLong);
  data->classes = kDigits;
  data->mean = {0};
  data->stddev = {1};
  std::map<std::string, int64_t> speakers;
  for (int64_t i = 0; i < n; ++i) {
    const at::Tensor samples = read_wav(chosen[i]->path, kRate);
    data->inputs[i][0].copy_(log_mel(samples, kFrames, {.sample_rate = kRate, .bands = kBands}));
    data->targets.data_ptr<int64_t>()[i] = chosen[i]->digit;
    speakers.emplace(chosen[i]->speaker, 0);
  }
  int64_t place = 0;
  for (auto& [speaker, number] : speakers) number = place++;
  data->origins = at::empty({n}, at::kLong);
  for (int64_t i = 0; i < n; ++i)
    data->origins.data_ptr<int64_t>()[i] = speakers[chosen[i]->speaker];
  return data;
}

}  // namespace

DataSplits load_fsdd(const std::string& path) {
  require_folder(path, "fsdd:PATH", "0_jackson_0.wav and so on");
  std::error_code error;
  const fs::path inner = fs::path(path) / "recordings";
  const fs::path folder = fs::is_directory(inner, error) ? inner : fs::path(path);
  const Found found = find_recordings(folder);
  const auto train = load_split(folder, found.recordings, /*test=*/false);
  const auto test = load_split(folder, found.recordings, /*test=*/true);
  LeftOut others("no DIGIT_SPEAKER_INDEX.wav");
  for (const std::string& name : found.others) others.add(name);
  others.note(folder);

  normalise_bands(train->inputs, {train->inputs, test->inputs});
  return {train, test};
}

}  // namespace valley
