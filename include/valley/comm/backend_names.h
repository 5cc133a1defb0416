#pragma once

#include <string>
#include <vector>

/// The names of backends, known without LibTorch.
namespace valley {

struct BackendName {
  std::string name;
  bool shares_memory;  ///< its workers are threads of one process, else processes
};

/// Every backend, in the order in which "auto" looks for one.
const std::vector<BackendName>& backend_table();

/// That of the setting `backend`, or with "auto" the first of the table that goes with workers that
/// are threads, or processes. @throws UsageError if it is unknown or does not go with them.
const BackendName& choose_backend_name(const std::string& name, bool in_threads);

/// @throws UsageError for an unknown name (the nearest is offered).
void check_backend_name(const std::string& name);

}  // namespace valley
