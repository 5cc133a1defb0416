#include "valley/data/class_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <system_error>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/core/shuffle.h"
#include "valley/data/left_out.h"
#include "valley/data/notes.h"

namespace valley {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

// A folder's own order is anything.
Paths sorted_entries(const fs::path& folder) {
  std::error_code error;
  Paths paths;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  require(!error, "cannot read {}: {}", folder.string(), error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

ClassFiles class_folders(const fs::path& folder, const FolderWords& words, LeftOut& others) {
  ClassFiles classes;
  std::error_code error;
  for (const fs::path& path : sorted_entries(folder)) {
    if (is_hidden(path) || !fs::is_directory(path, error)) {
      others.add(path.filename().string());
      continue;
    }
    Paths& files = classes[path.filename().string()];
    for (const fs::path& file : sorted_entries(path)) {
      if (is_hidden(file) || !fs::is_regular_file(file, error))
        others.add((path.filename() / file.filename()).string());
      else
        files.push_back(file);
    }
    require(!files.empty(), "the class folder {} holds no {}", path.string(), words.files);
  }
  return classes;
}

// A fifth of every class, at least one.
ClassFiles hold_out(ClassFiles& classes, const fs::path& folder, uint64_t seed,
                    const FolderWords& words) {
  constexpr size_t kPart = 5;
  ClassFiles held_out;
  int64_t place = 0;
  for (auto& [name, files] : classes) {
    require(
        files.size() > 1,
        "the class folder {} holds one {}, of which none can be held out to test; give a folder "
        "test",
        (folder / name).string(), words.files);
    Paths drawn = files;
    Random random(derive_seed(seed, place++, "held-out"));
    shuffle(drawn, random);
    drawn.resize(std::max<size_t>(1, files.size() / kPart));
    std::sort(drawn.begin(), drawn.end());
    Paths rest;
    std::set_difference(files.begin(), files.end(), drawn.begin(), drawn.end(),
                        std::back_inserter(rest));
    files = std::move(rest);
    held_out[name] = std::move(drawn);
  }
  return held_out;
}

}  // namespace

ClassParts find_class_files(const fs::path& root, uint64_t seed, const FolderWords& words) {
  LeftOut others("no class folder or no ordinary file");
  std::error_code error;
  const bool parts = fs::is_directory(root / "train", error);
  const fs::path train = parts ? root / "train" : root;
  fs::path test;
  for (const char* name : {"test", "val", "valid", "validation"})
    if (parts && test.empty() && fs::is_directory(root / name, error)) test = root / name;
  ClassParts found{.train = class_folders(train, words, others), .test = {}};
  require(!found.train.empty(), "{} holds no class folder; {}", train.string(), words.usage);
  if (test.empty()) {
    found.test = hold_out(found.train, train, seed, words);
    add_data_note(
        fmt::format("{}: a fifth of every class is held out as the test set", root.string()));
  } else {
    found.test = class_folders(test, words, others);
    require(!found.test.empty(), "{} holds no class folder", test.string());
    for (const auto& [name, files] : found.test)
      require(found.train.count(name) > 0, "{} is a class that {} lacks", (test / name).string(),
              train.string());
  }
  others.note(root);
  return found;
}

}  // namespace valley
