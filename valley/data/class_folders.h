#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace valley {

/// The files of every class, by name and in order.
using ClassFiles = std::map<std::string, std::vector<std::filesystem::path>>;

struct ClassParts {
  ClassFiles train, test;
};

/// What errors and notes call it.
struct FolderWords {
  std::string files;  ///< of a class: "picture"
  std::string usage;  ///< "images:PATH takes a folder with ..."
};

/// Files in one folder a class: train/CLASS/* and test/CLASS/* (or val/, valid/, validation/); or
/// CLASS/*, or train/CLASS/* alone, of which a fifth of every class's files, drawn from `seed`, is
/// held out as the test set. What is hidden, no folder or no ordinary file is left out and said.
/// @throws UsageError for a class without files, or with one alone where some are held out, a test
///     class that training lacks, no class.
ClassParts find_class_files(const std::filesystem::path& root, uint64_t seed,
                            const FolderWords& words);

}  // namespace valley
