#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/random.h"
#include "valley/data/cifar.h"
#include "valley/data/dataset.h"
#include "valley/data/fsdd.h"
#include "valley/data/idx.h"
#include "valley/data/subset.h"
#include "valley/data/synthetic.h"

namespace valley {
namespace {

using Path = const std::string&;
using Options = const DataOptions&;

const DataEntry& find_entry(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& entry : datasets()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw UsageError(unknown_name("data set", name, known));
}

void keep(std::shared_ptr<const Dataset>& data, int64_t samples, const char* option,
          const char* split, const std::string& name, uint64_t seed) {
  if (samples == 0) return;
  require(samples <= data->size(), "{} {} is more than the {} {} samples of {}", option, samples,
          data->size(), split, name);
  if (samples < data->size()) data = balanced_subset(*data, samples, seed);
}

}  // namespace

const std::vector<DataEntry>& datasets() {
  static const std::vector<DataEntry> table = {
      {"fashion-mnist", "60000 + 10000 photos of clothes, 1x28x28, 10 classes",
       "/usr/share/datasets/fashion-mnist",
       [](Path path, Options) {
         return load_mnist_format(path, "fashion-mnist:PATH",
                                  "install the package dataset-fashion-mnist or give its folder as "
                                  "fashion-mnist:PATH");
       }},
      {"mnist",
       "60000 + 10000 handwritten digits, 1x28x28, or any set in that format, with its own classes",
       "",
       [](Path path, Options) {
         return load_mnist_format(path, "mnist:PATH",
                                  "give the folder that holds it as mnist:PATH");
       },
       true},
      {"cifar10", "50000 + 10000 colour photos, 3x32x32, 10 classes (binary version)", "",
       [](Path path, Options) { return load_cifar10(path); }, true},
      {"cifar100", "50000 + 10000 colour photos, 3x32x32, 100 classes (binary version)", "",
       [](Path path, Options) { return load_cifar100(path); }, true},
      {"fsdd", "3000 spoken digits as log-mel spectra, 1x64x40, 10 classes", "",
       [](Path path, Options) { return load_fsdd(path); }, true},
      {"blobs", "ten prototypes in noise, 1x28x28, made from the seed", "",
       [](Path, Options options) { return make_blobs(options); }},
      {"xor", "four noisy corners of a square, 2x1x1, 2 classes, made from the seed", "",
       [](Path, Options options) { return make_xor(options); }},
      {"spirals", "two spiral arms, 2x1x1, 2 classes, made from the seed", "",
       [](Path, Options options) { return make_spirals(options); }},
      {"prototypes",
       "twenty prototypes and an offset in noise, 32x1x1, 10 classes, made from the seed", "",
       [](Path, Options options) { return make_prototypes(options); }},
  };
  return table;
}

DataSplits load_data(const std::string& name_and_path, const DataOptions& options) {
  const size_t colon = name_and_path.find(':');
  const std::string name = name_and_path.substr(0, colon);
  const DataEntry& entry = find_entry(name);
  std::string path = entry.default_path;
  if (colon != std::string::npos) {
    path = name_and_path.substr(colon + 1);
    require(!path.empty(), "--data {} has no path after the colon", name_and_path);
    require(entry.takes_path(), "--data {} takes no path, got '{}'", name, path);
  }
  require(!path.empty() || !entry.needs_path, "--data {} needs the folder of its files: {}:PATH",
          name, name);
  require(options.train_samples >= 0, "--train-samples must be at least 0, got {}",
          options.train_samples);
  require(options.test_samples >= 0, "--test-samples must be at least 0, got {}",
          options.test_samples);

  DataSplits data = entry.load(path, options);
  keep(data.train, options.train_samples, "--train-samples", "training", name,
       derive_seed(options.seed, 0, "train-samples"));
  keep(data.test, options.test_samples, "--test-samples", "test", name,
       derive_seed(options.seed, 0, "test-samples"));
  return data;
}

}  // namespace valley
