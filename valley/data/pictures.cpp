#include "valley/data/pictures.h"

#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "valley/core/error.h"
#include "valley/data/bytes.h"
#include "valley/data/class_folders.h"
#include "valley/data/left_out.h"
#include "valley/data/notes.h"
#include "valley/data/picture_store.h"
#include "valley/data/statistics.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

// The files of a part, class after class.
struct PicturePart {
  std::vector<PictureFile> files;
  std::vector<std::string> classes;  // of each
};

PicturePart look_at_part(const ClassFiles& classes) {
  PicturePart part;
  for (const auto& [name, paths] : classes)
    for (const fs::path& path : paths) {
      part.files.push_back({.path = path});
      part.classes.push_back(name);
    }
  look_at(part.files);
  return part;
}

PictureSize common_size(const std::vector<const PicturePart*>& parts, int64_t image_size) {
  const PictureFile* first = nullptr;
  PictureSize size;
  for (const PicturePart* part : parts) {
    for (const PictureFile& file : part->files) {
      if (!file.problem.empty()) continue;
      if (first == nullptr) {
        first = &file;
        size = file.size;
      }
      const bool same = file.size.height == size.height && file.size.width == size.width;
      require(same || image_size > 0, "{} has {} x {} pixels but {} {} x {}; {} brings all to one",
              first->path.string(), size.width, size.height, file.path.string(), file.size.width,
              file.size.height, Key{"image-size"});
      size.colour |= file.size.colour;
    }
  }
  if (image_size > 0) size.height = size.width = image_size;
  return size;
}

// Those that cannot be read: said, or refused.
void tell_problems(const PicturePart& part, const fs::path& root, bool strict) {
  LeftOut left_out("not readable as pictures");
  for (const PictureFile& file : part.files) {
    if (file.problem.empty()) continue;
    require(!strict, "{}: {}", file.path.string(), file.problem);
    left_out.add(fmt::format("{} ({})", fs::relative(file.path, root).string(), file.problem));
  }
  left_out.note(root);
}

std::shared_ptr<Dataset> load_part(PicturePart& part, const PictureSize& size,
                                   const std::vector<std::string>& classes, const fs::path& root,
                                   bool strict) {
  const bool any = std::any_of(part.files.begin(), part.files.end(),
                               [](const PictureFile& file) { return file.problem.empty(); });
  require(any, "{}: {}", part.files.front().path.string(), part.files.front().problem);
  StoredPictures stored = stored_pictures(part.files, size);
  tell_problems(part, root, strict);
  if (!stored.cannot_store.empty())
    add_data_note(
        fmt::format("{}: decoded pictures are kept in memory and not for the next run: {}",
                    root.string(), stored.cannot_store));
  auto data = std::make_shared<Dataset>();
  std::vector<int64_t> targets;
  for (size_t i = 0; i < part.files.size(); ++i) {
    if (!part.files[i].problem.empty()) continue;
    const auto place = std::lower_bound(classes.begin(), classes.end(), part.classes[i]);
    targets.push_back(place - classes.begin());
  }
  data->inputs = std::move(stored.pixels);
  data->targets = at::tensor(targets, at::kLong);
  data->classes = static_cast<int64_t>(classes.size());
  data->class_names = classes;
  return data;
}

}  // namespace

DataSplits load_pictures(const std::string& folder, const DataOptions& options) {
  require_folder(folder, "images:PATH", "one folder a class");
  const fs::path root = folder;
  require(fs::exists(root),
          "{} is missing; images:PATH takes a folder with one folder of JPEG or "
          "PNG files a class",
          folder);
  const ClassParts found = find_class_files(
      root, options.seed,
      {.files = "picture",
       .usage = "images:PATH takes a folder with one folder of JPEG or PNG files a class, or with "
                "train and test of such"});
  std::vector<std::string> classes;
  for (const auto& [name, files] : found.train) classes.push_back(name);

  PicturePart train_part = look_at_part(found.train), test_part = look_at_part(found.test);
  const PictureSize size = common_size({&train_part, &test_part}, options.image_size);
  const auto train = load_part(train_part, size, classes, root, options.strict);
  const auto test = load_part(test_part, size, classes, root, options.strict);
  std::vector<int64_t> counts(classes.size());
  for (int64_t i = 0; i < train->size(); ++i) ++counts[train->targets.data_ptr<int64_t>()[i]];
  for (size_t c = 0; c < classes.size(); ++c)
    require(counts[c] > 0, "the class {} has no readable picture to train on", classes[c]);
  normalise_by_training(*train, *test);
  return {train, test};
}

}  // namespace valley
