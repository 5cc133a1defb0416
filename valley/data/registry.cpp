#include <stdexcept>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/data/arrays.h"
#include "valley/data/cifar.h"
#include "valley/data/dataset.h"
#include "valley/data/fsdd.h"
#include "valley/data/idx.h"
#include "valley/data/package_index.h"
#include "valley/data/pictures.h"
#include "valley/data/speech.h"
#include "valley/data/subset.h"
#include "valley/data/synthetic.h"
#include "valley/data/table_data.h"
#include "valley/data/text.h"

namespace valley {
namespace {

using Path = const std::string&;
using Options = const DataOptions&;

void keep(std::shared_ptr<const Dataset>& data, int64_t samples, Key option, const char* split,
          const std::string& name, uint64_t seed) {
  if (samples == 0) return;
  require(samples <= data->size(), "{} {} is more than the {} {} samples of {}", option, samples,
          data->size(), split, name);
  if (samples < data->size()) data = stratified_subset(*data, samples, seed);
}

struct DataLoader {
  const char* name;
  DataSplits (*load)(Path, Options);  // the whole set
};

// What data_names.h cannot have, since it is known without LibTorch.
constexpr DataLoader kDataLoaders[] = {
    {"fashion-mnist",
     [](Path path, Options) {
       return load_mnist_format(path, "fashion-mnist:PATH",
                                "install the package dataset-fashion-mnist or give its folder as "
                                "fashion-mnist:PATH");
     }},
    {"mnist",
     [](Path path, Options) {
       return load_mnist_format(path, "mnist:PATH", "give the folder that holds it as mnist:PATH");
     }},
    {"cifar10", [](Path path, Options) { return load_cifar10(path); }},
    {"cifar100", [](Path path, Options) { return load_cifar100(path); }},
    {"fsdd", [](Path path, Options) { return load_fsdd(path); }},
    {"speech", [](Path path, Options options) { return load_speech(path, options); }},
    {"debian-section",
     [](Path path, Options options) { return load_package_index(path, options); }},
    {"images", [](Path path, Options options) { return load_pictures(path, options); }},
    {"table", [](Path path, Options options) { return load_table(path, options); }},
    {"arrays", [](Path path, Options options) { return load_arrays(path, options); }},
    {"text", [](Path path, Options options) { return load_text(path, options); }},
    {"blobs", [](Path, Options options) { return make_blobs(options); }},
    {"xor", [](Path, Options options) { return make_xor(options); }},
    {"spirals", [](Path, Options options) { return make_spirals(options); }},
    {"prototypes", [](Path, Options options) { return make_prototypes(options); }},
};

DataSplits load_whole(const DataChoice& choice, Options options) {
  for (const DataLoader& loader : kDataLoaders) {
    if (loader.name == choice.entry->name) return loader.load(choice.path, options);
  }
  throw std::logic_error("no loader for the data set " + choice.entry->name);
}

}  // namespace

DataSplits load_data(const std::string& name_and_path, const DataOptions& options) {
  const DataChoice choice = find_data(name_and_path);
  const std::string& name = choice.entry->name;
  require(options.train_samples >= 0, "{} must be at least 0, got {}", Key{"train-samples"},
          options.train_samples);
  require(options.test_samples >= 0, "{} must be at least 0, got {}", Key{"test-samples"},
          options.test_samples);

  DataSplits data = load_whole(choice, options);
  keep(data.train, options.train_samples, {"train-samples"}, "training", name,
       derive_seed(options.seed, 0, "train-samples"));
  keep(data.test, options.test_samples, {"test-samples"}, "test", name,
       derive_seed(options.seed, 0, "test-samples"));
  const int64_t aside = options.validation_samples;
  require(0 <= aside && aside < data.train->size(),
          "{} {} leaves nothing to train on: there are {} training samples",
          Key{"validation-samples"}, aside, data.train->size());
  if (aside > 0)
    data.train =
        with_validation(*data.train, aside, derive_seed(options.seed, 0, "validation-samples"));
  return data;
}

}  // namespace valley
