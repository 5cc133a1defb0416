#pragma once

#include <string>
#include <vector>

/// The names of data sets, known without LibTorch.
namespace valley {

struct DataEntry {
  std::string name;
  std::string summary;
  std::string default_path;  ///< "" where a path must be given or none is needed
  bool needs_path = false;
  bool is_text = false;  ///< tokens in their order, not values; see Dataset

  bool takes_path() const { return needs_path || !default_path.empty(); }
};

/// Every data set by name; `valley list data`, --help and the tests read this table.
const std::vector<DataEntry>& datasets();

struct DataChoice {
  const DataEntry* entry;
  std::string path;  ///< given, or the default; "" where none is needed
};

/// Whether "text:PATH" or the like: a name that is unknown is none.
bool is_text_data(const std::string& name_and_path);

/// "fashion-mnist", "mnist:PATH", "cifar10:PATH", ... as the setting `data` has it.
/// @throws UsageError for an unknown name (the nearest is offered), or a path that is missing or
///     not wanted.
DataChoice find_data(const std::string& name_and_path);

}  // namespace valley
