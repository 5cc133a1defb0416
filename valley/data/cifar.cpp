#include "valley/data/cifar.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPixels = 3 * 32 * 32;

struct Format {
  std::string usage;   // "cifar10:PATH"
  std::string folder;  // as the archive names it
  std::string archive;
  int64_t classes;
  int64_t label_bytes;  // the last one counts
  std::vector<std::string> train, test;
};

std::shared_ptr<Dataset> load_split(const fs::path& folder, const Format& format,
                                    const std::vector<std::string>& files) {
  const std::string remedy = fmt::format(
      "unpack {} (https://www.cs.toronto.edu/~kriz/cifar.html) and give its folder as {}",
      format.archive, format.usage);
  const int64_t record = format.label_bytes + kPixels;
  int64_t n = 0;
  for (const auto& file : files) {
    require_data_file(folder / file, remedy);
    const auto bytes = static_cast<int64_t>(fs::file_size(folder / file));
    require(bytes % record == 0, "{} is damaged: {} bytes is no multiple of the {} of a record",
            (folder / file).string(), bytes, record);
    n += bytes / record;
  }

  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 3, 32, 32}, at::kByte);
  data->targets = at::empty({n}, at::kLong);
  data->classes = format.classes;
  uint8_t* pixels = data->inputs.data_ptr<uint8_t>();
  int64_t* target = data->targets.data_ptr<int64_t>();
  for (const auto& file : files) {
    ByteReader reader(folder / file);
    const int64_t records = static_cast<int64_t>(fs::file_size(folder / file)) / record;
    const std::vector<uint8_t> bytes = reader.read(records * record);
    require(static_cast<int64_t>(bytes.size()) == records * record,
            "{} is damaged: {} bytes expected, {} found", (folder / file).string(),
            records * record, bytes.size());
    for (int64_t i = 0; i < records; ++i, ++target, pixels += kPixels) {
      const uint8_t* from = &bytes[i * record] + format.label_bytes;
      *target = from[-1];
      require(*target < format.classes, "{}: label {} in record {}, expected 0 to {}",
              (folder / file).string(), *target, i, format.classes - 1);
      std::memcpy(pixels, from, kPixels);
    }
  }
  return data;
}

DataSplits load(const std::string& path, const Format& format) {
  require_folder(path, format.usage, format.train[0]);
  std::error_code error;
  const fs::path inner = fs::path(path) / format.folder;
  const fs::path folder = fs::is_directory(inner, error) ? inner : fs::path(path);
  auto train = load_split(folder, format, format.train);
  auto test = load_split(folder, format, format.test);
  normalise_by_training(*train, *test);
  return {train, test};
}

}  // namespace

DataSplits load_cifar10(const std::string& path) {
  return load(path, {.usage = "cifar10:PATH",
                     .folder = "cifar-10-batches-bin",
                     .archive = "cifar-10-binary.tar.gz",
                     .classes = 10,
                     .label_bytes = 1,
                     .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                               "data_batch_4.bin", "data_batch_5.bin"},
                     .test = {"test_batch.bin"}});
}

DataSplits load_cifar100(const std::string& path) {
  return load(path, {.usage = "cifar100:PATH",
                     .folder = "cifar-100-binary",
                     .archive = "cifar-100-binary.tar.gz",
                     .classes = 100,
                     .label_bytes = 2,
                     .train = {"train.bin"},
                     .test = {"test.bin"}});
}

}  // namespace valley
