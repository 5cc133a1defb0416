#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace valley {

/// Files that a reader leaves out of a folder for one reason, counted for one sentence.
class LeftOut {
 public:
  explicit LeftOut(std::string why) : why_(std::move(why)) {}

  void add(std::string name);

  /// A data note that names the first few; nothing where none was left out.
  void note(const std::filesystem::path& folder) const;

 private:
  std::string why_;
  std::vector<std::string> names_;  // of the first
  size_t count_ = 0;
};

}  // namespace valley
