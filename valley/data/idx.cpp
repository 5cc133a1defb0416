#include "valley/data/idx.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>
#include <utility>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kClasses = 10;

uint32_t big_endian(const uint8_t* b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

/// The first spelling that exists, of "train-images" and "idx3-ubyte".
std::string find_file(const fs::path& folder, const std::string& stem, const std::string& format,
                      const std::string& remedy) {
  for (const char* separator : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      const fs::path path = folder / (stem + separator + format + ending);
      std::error_code error;
      if (!fs::exists(path, error)) continue;
      require_data_file(path, remedy);
      return path.string();
    }
  throw UsageError(fmt::format("data file {}(.gz) is missing; {}",
                               (folder / (stem + "-" + format)).string(), remedy));
}

std::shared_ptr<Dataset> load_split(const fs::path& folder, const std::string& split,
                                    const std::string& remedy) {
  const std::string images_path = find_file(folder, split + "-images", "idx3-ubyte", remedy);
  const std::string labels_path = find_file(folder, split + "-labels", "idx1-ubyte", remedy);
  const at::Tensor labels = read_idx(labels_path, 1);
  const at::Tensor images = read_idx(images_path, 3);
  require(images.size(0) == labels.size(0), "{} holds {} images but {} holds {} labels",
          images_path, images.size(0), labels_path, labels.size(0));

  const uint8_t* label = labels.data_ptr<uint8_t>();
  const auto* wrong =
      std::find_if(label, label + labels.size(0), [](uint8_t l) { return l >= kClasses; });
  require(wrong == label + labels.size(0), "{}: label {} at position {}, expected 0 to {}",
          labels_path, *wrong, wrong - label, kClasses - 1);

  auto data = std::make_shared<Dataset>();
  data->inputs = images.unsqueeze(1);
  data->targets = labels.to(at::kLong);
  data->classes = kClasses;
  return data;
}

}  // namespace

at::Tensor read_idx(const std::string& path, int dimensions) {
  require_data_file(path, "");
  ByteReader reader(path);
  const int64_t header_size = 4 + 4 * dimensions;
  const std::vector<uint8_t> header = reader.read(header_size);
  const int64_t found = static_cast<int64_t>(header.size());
  const uint32_t magic = 0x0800 + dimensions;
  if (found >= 4)
    require(big_endian(header.data()) == magic,
            "{} is no IDX {} file: magic number 0x{:08x} instead of 0x{:08x}", path,
            dimensions == 1 ? "label" : "image", big_endian(header.data()), magic);
  require(found == header_size, "{} is cut short: {} bytes, but the header alone has {}", path,
          found, header_size);

  std::vector<int64_t> sizes;
  int64_t expected = 1;
  for (int k = 1; k <= dimensions; ++k) {
    const int64_t size = big_endian(&header[4 * k]);
    require(size > 0, "{} is empty: its header says {} in dimension {}", path, size, k);
    require(expected <= std::numeric_limits<int64_t>::max() / 2 / size,
            "{}: its header claims more values than any file can hold", path);
    expected *= size;
    sizes.push_back(size);
  }

  std::vector<uint8_t> values = reader.read(expected);
  require(static_cast<int64_t>(values.size()) == expected,
          "{} is cut short: {} bytes expected after the header, {} found", path, expected,
          values.size());
  const int64_t trailing = reader.skip_to_end();
  require(trailing == 0, "{} is too long: {} bytes expected after the header, {} found", path,
          expected, expected + trailing);

  // The tensor owns the bytes as they were read: no second copy of a large file.
  const auto kept = std::make_shared<std::vector<uint8_t>>(std::move(values));
  return at::from_blob(
      kept->data(), sizes, [kept](void*) {}, at::kByte);
}

DataSplits load_mnist_format(const std::string& folder, const std::string& usage,
                             const std::string& remedy) {
  require_folder(folder, usage, "train-images-idx3-ubyte");
  auto train = load_split(folder, "train", remedy);
  auto test = load_split(folder, "t10k", remedy);
  const auto sides = [](const Dataset& data) { return data.inputs.sizes().slice(2).vec(); };
  require(sides(*train) == sides(*test),
          "{}: training images have {} x {} pixels but test images {} x {}", folder,
          sides(*train)[0], sides(*train)[1], sides(*test)[0], sides(*test)[1]);
  const ChannelStatistics statistics = channel_statistics(train->inputs);
  for (Dataset* data : {train.get(), test.get()}) {
    data->mean = statistics.mean;
    data->stddev = statistics.stddev;
  }
  return {train, test};
}

}  // namespace valley
