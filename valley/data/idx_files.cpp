#include "valley/data/idx_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "valley/core/error.h"
#include "valley/data/bytes.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

// What a file's name says: "emnist-letters-", "train-images", "idx3-ubyte", or nothing.
struct FileName {
  std::string set;    // "" or up to the last dash
  std::string split;  // "train" or "test"
  bool labels = false;
};

std::optional<FileName> parse_name(std::string_view name) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  for (const auto& [split, labels, stem, format] :
       std::initializer_list<std::tuple<const char*, bool, std::string_view, std::string_view>>{
           {"train", false, "train-images", "idx3-ubyte"},
           {"train", true, "train-labels", "idx1-ubyte"},
           {"test", false, "t10k-images", "idx3-ubyte"},
           {"test", true, "t10k-labels", "idx1-ubyte"},
           {"test", false, "test-images", "idx3-ubyte"},
           {"test", true, "test-labels", "idx1-ubyte"}}) {
    if (!name.ends_with(format)) continue;
    const std::string_view before = name.substr(0, name.size() - format.size());
    if (before.empty() || (before.back() != '-' && before.back() != '.')) continue;
    const std::string_view whole = before.substr(0, before.size() - 1);
    if (!whole.ends_with(stem)) continue;
    const std::string_view set = whole.substr(0, whole.size() - stem.size());
    if (set.empty() || set.back() == '-') return FileName{std::string(set), split, labels};
  }
  return std::nullopt;
}

// One set's files in a folder, the best spelling of each.
struct SetFiles {
  std::map<std::pair<std::string, bool>, fs::path> files;  // by split, and whether it holds labels
};

struct FolderContent {
  std::map<std::string, SetFiles> sets;  // by name with its dash, "" for none
  std::vector<std::string> folders;      // named like a file, and of no use
};

// t10k is taken before test, a spelling with a dash before one with a dot, and an unpacked file
// before a packed one.
int rank_of(const fs::path& file) {
  const std::string name = file.filename().string();
  return (name.find("test-") != name.npos ? 4 : 0) + (name.find(".idx") != name.npos ? 2 : 0) +
         (name.ends_with(".gz") ? 1 : 0);
}

void offer(const fs::path& file, const FileName& name, FolderContent& content) {
  fs::path& kept = content.sets[name.set].files[{name.split, name.labels}];
  if (kept.empty() || rank_of(file) < rank_of(kept)) kept = file;
}

FolderContent look_into(const fs::path& folder) {
  FolderContent content;
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto name = parse_name(entry.path().filename().string());
    if (!name) continue;
    std::error_code unknown;
    if (entry.is_directory(unknown)) {
      folders.push_back(entry.path());
    } else {
      offer(entry.path(), *name, content);
    }
  }
  std::sort(folders.begin(), folders.end());
  for (const fs::path& path : folders) {
    const FileName name = *parse_name(path.filename().string());
    const auto set = content.sets.find(name.set);
    const bool beside =
        set != content.sets.end() && set->second.files.count({name.split, name.labels}) > 0;
    bool inside = false;
    for (const auto& entry : fs::directory_iterator(path, error)) {
      std::error_code unknown;
      const auto inner = parse_name(entry.path().filename().string());
      if (beside || !inner || !entry.is_regular_file(unknown)) continue;
      if (inner->set != name.set || inner->split != name.split || inner->labels != name.labels)
        continue;
      offer(entry.path(), name, content);
      inside = true;
    }
    if (!inside) content.folders.push_back(path.filename().string());
  }
  return content;
}

// "emnist-letters-" is written without its dash.
std::string shown(const std::string& set) {
  return set.empty() ? "one without a name" : set.substr(0, set.size() - 1);
}

// The set meant by `path`, its folder and what there is to say.
struct Choice {
  fs::path folder;
  std::string set;
  FolderContent content;
  std::vector<std::string> notes;
};

Choice choose_set(const std::string& path, const std::string& usage) {
  const std::string base = usage.substr(0, usage.find(':') + 1);
  Choice choice;
  std::error_code error;
  choice.folder = path;
  const fs::path stripped = path.ends_with('/') ? fs::path(path).parent_path() : fs::path(path);
  const fs::path parent = stripped.has_parent_path() ? stripped.parent_path() : fs::path(".");
  std::vector<std::string> others;
  if (!fs::exists(path, error) && fs::is_directory(parent, error)) {
    const std::string name = stripped.filename().string() + "-";
    FolderContent content = look_into(parent);
    if (content.sets.count(name) > 0) {
      choice.folder = parent;
      choice.set = name;
      choice.content = std::move(content);
    }
  } else {
    choice.content = look_into(choice.folder);
    if (choice.content.sets.count("") == 0 && !choice.content.sets.empty())
      choice.set = choice.content.sets.begin()->first;
    for (const auto& [set, files] : choice.content.sets)
      if (set != choice.set) others.push_back(shown(set));
    require(choice.set.empty() || others.empty(), "{} holds several sets, {}, {}; say which: {}{}",
            path, shown(choice.set), fmt::join(others, ", "), base,
            (choice.folder / shown(choice.set)).string());
    if (!others.empty())
      choice.notes.push_back(fmt::format(
          "{}{}: other sets in this folder were left out: {}; one of them is taken as {}{}", base,
          path, fmt::join(others, ", "), base, (choice.folder / others.front()).string()));
  }
  const auto& folders = choice.content.folders;
  if (!folders.empty())
    choice.notes.push_back(fmt::format(
        "{}{}: {} left out: {}", base, path,
        folders.size() == 1 ? "a folder named like a file was"
                            : fmt::format("{} folders named like files were", folders.size()),
        fmt::join(folders, ", ")));
  return choice;
}

fs::path file_of(const Choice& choice, const std::string& split, bool labels,
                 const std::string& remedy) {
  const auto set = choice.content.sets.find(choice.set);
  if (set != choice.content.sets.end()) {
    const auto file = set->second.files.find({split, labels});
    if (file != set->second.files.end()) {
      require_data_file(file->second, remedy);
      return file->second;
    }
  }
  // MNIST's own name, where nothing says that the set calls it otherwise.
  const bool emnist = choice.set.starts_with("emnist");
  const std::string name = fmt::format("{}{}-{}-ubyte", choice.set,
                                       split == "train" ? "train"
                                       : emnist         ? "test"
                                                        : "t10k",
                                       labels ? "labels-idx1" : "images-idx3");
  const auto& folders = choice.content.folders;
  const bool folder = std::find(folders.begin(), folders.end(), name) != folders.end();
  throw UsageError(fmt::format("data file {}(.gz) is missing{}; {}",
                               (choice.folder / name).string(),
                               folder ? ", there is but a folder of this name" : "", remedy));
}

}  // namespace

IdxFiles find_idx_files(const std::string& path, const std::string& usage,
                        const std::string& remedy) {
  require_folder(path, usage, "train-images-idx3-ubyte");
  Choice choice = choose_set(path, usage);
  const auto files_of = [&](const char* split) {
    return IdxSplitFiles{file_of(choice, split, false, remedy),
                         file_of(choice, split, true, remedy)};
  };
  IdxFiles files{.train = files_of("train"), .test = files_of("test")};
  files.notes = std::move(choice.notes);
  return files;
}

}  // namespace valley
