#include "valley/data/idx.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/idx_files.h"
#include "valley/data/notes.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

uint32_t big_endian(const uint8_t* b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

struct Split {
  std::shared_ptr<Dataset> data;
  std::string labels_path;
  std::array<int64_t, 256> counts{};  // of every label

  int64_t largest() const {
    int64_t label = 255;
    while (label > 0 && counts[label] == 0) --label;
    return label;
  }
};

Split load_split(const IdxSplitFiles& files) {
  const std::string images_path = files.images.string(), labels_path = files.labels.string();
  const at::Tensor labels = read_idx(labels_path, 1);
  const at::Tensor images = read_idx(images_path, 3);
  require(images.size(0) == labels.size(0), "{} holds {} images but {} holds {} labels",
          images_path, images.size(0), labels_path, labels.size(0));

  Split result{.data = std::make_shared<Dataset>(), .labels_path = labels_path};
  const uint8_t* label = labels.data_ptr<uint8_t>();
  for (int64_t i = 0; i < labels.size(0); ++i) ++result.counts[label[i]];
  result.data->inputs = images.unsqueeze(1);
  result.data->targets = labels.to(at::kLong);
  return result;
}

// As many classes as the training labels ask for. A test label beyond them is of another set, since
// no model of these classes could ever give it; one that training merely lacks is a sentence.
void count_classes(const Split& train, const Split& test, std::vector<std::string>& notes) {
  const int64_t classes = train.largest() + 1;
  const int64_t* label = test.data->targets.data_ptr<int64_t>();
  const int64_t* end = label + test.data->size();
  const int64_t* wrong = std::find_if(label, end, [&](int64_t l) { return l >= classes; });
  require(wrong == end, "{}: label {} at position {}, but the training labels are 0 to {}: {}",
          test.labels_path, wrong == end ? 0 : *wrong, wrong - label, classes - 1,
          train.labels_path);
  int64_t images = 0, unseen = 0;
  for (int64_t k = 0; k < classes; ++k) {
    if (train.counts[k] > 0 || test.counts[k] == 0) continue;
    images += test.counts[k];
    ++unseen;
  }
  if (images > 0)
    notes.push_back(fmt::format("{}: {} test {} of {} that no training image has", test.labels_path,
                                images, images == 1 ? "image is" : "images are",
                                unseen == 1 ? "a class" : fmt::format("{} classes", unseen)));
  for (Dataset* data : {train.data.get(), test.data.get()}) data->classes = classes;
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

DataSplits load_mnist_format(const std::string& path, const std::string& usage,
                             const std::string& remedy) {
  IdxFiles files = find_idx_files(path, usage, remedy);
  const Split train_split = load_split(files.train);
  const Split test_split = load_split(files.test);
  const auto &train = train_split.data, &test = test_split.data;
  const auto sides = [](const Dataset& data) { return data.inputs.sizes().slice(2).vec(); };
  require(sides(*train) == sides(*test),
          "{}: training images have {} x {} pixels but test images {} x {}", path, sides(*train)[0],
          sides(*train)[1], sides(*test)[0], sides(*test)[1]);
  count_classes(train_split, test_split, files.notes);
  normalise_by_training(*train, *test);
  for (auto& note : files.notes) add_data_note(std::move(note));
  return {train, test};
}

}  // namespace valley
