#include "valley/data/data_names.h"

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

const std::vector<DataEntry>& datasets() {
  static const std::vector<DataEntry> table = {
      {"fashion-mnist", "60000 + 10000 photos of clothes, 1x28x28, 10 classes",
       "/usr/share/datasets/fashion-mnist"},
      {"mnist",
       "60000 + 10000 handwritten digits, 1x28x28, or any set in that format, with its own classes",
       "", true},
      {"cifar10", "50000 + 10000 colour photos, 3x32x32, 10 classes (binary version)", "", true},
      {"cifar100", "50000 + 10000 colour photos, 3x32x32, 100 classes (binary version)", "", true},
      {"fsdd", "3000 spoken digits as log-mel spectra, 1x64x40, 10 classes", "", true},
      {"speech", "your own sounds: WAV, FLAC, Ogg and so on, one folder a class", "", true},
      {"debian-section",
       "which section a Debian package is of, by its description: the machine's own index, or FILE",
       "/var/lib/apt/lists"},
      {"images", "your own pictures: JPEG and PNG files, one folder a class", "", true},
      {"table", "your own table: FILE.csv, or a folder with train.csv and test.csv; see --target",
       "", true},
      {"arrays",
       "your own numbers: x_train, y_train, x_test, y_test as .npy files of numpy in a folder, or "
       "in "
       "one FILE.npz or FILE.safetensors",
       "", true},
      {"text", "your own text: a file, gzipped or not, or a folder of such; see --context", "",
       true, true},
      {"blobs", "ten prototypes in noise, 1x28x28, made from the seed", ""},
      {"xor", "four noisy corners of a square, 2x1x1, 2 classes, made from the seed", ""},
      {"spirals", "two spiral arms, 2x1x1, 2 classes, made from the seed", ""},
      {"prototypes",
       "twenty prototypes and an offset in noise, 32x1x1, 10 classes, made from the seed", ""},
  };
  return table;
}

bool is_text_data(const std::string& name_and_path) {
  const std::string name = name_and_path.substr(0, name_and_path.find(':'));
  for (const DataEntry& entry : datasets())
    if (entry.name == name) return entry.is_text;
  return false;
}

DataChoice find_data(const std::string& name_and_path) {
  constexpr Key kData = {"data"};
  const size_t colon = name_and_path.find(':');
  const std::string name = name_and_path.substr(0, colon);
  std::vector<std::string> known;
  for (const DataEntry& entry : datasets()) {
    known.push_back(entry.name);
    if (entry.name != name) continue;
    std::string path = entry.default_path;
    if (colon != std::string::npos) {
      path = name_and_path.substr(colon + 1);
      require(!path.empty(), "{} {} has no path after the colon", kData, name_and_path);
      require(entry.takes_path(), "{} {} takes no path, got '{}'", kData, name, path);
    }
    require(!path.empty() || !entry.needs_path, "{} {} needs the folder of its files: {}:PATH",
            kData, name, name);
    return {&entry, path};
  }
  throw UsageError(unknown_name("data set", name, known));
}

}  // namespace valley
