#pragma once

#include <string>
#include <vector>

namespace valley {

/// What is known of a backend without LibTorch.
struct BackendFacts {
  std::string name;
  std::string summary;
  bool shares_memory;           ///< its workers are threads of one process, else processes
  std::string devices;          ///< where its tensors may be, as describe_devices() says it
  std::string sums;             ///< what it adds up, as describe_dtypes() says it
  std::string needs;            ///< of the machine or the network, in words
  std::string started_by = {};  ///< who starts its workers, in words, where they are processes
  bool by_mpi = false;          ///< a launcher of MPI alone starts them
};

/// Every backend, in the order in which "auto" looks for one; the setting, `valley list backends`,
/// the documents and the tests read this table.
const std::vector<BackendFacts>& backend_table();

/// That of the setting `backend`, or with "auto" the first of the table that goes with workers that
/// are threads, or processes. @throws UsageError if it is unknown or does not go with them.
const BackendFacts& choose_backend_name(const std::string& name, bool in_threads);

/// @throws UsageError for an unknown name (the nearest is offered).
void check_backend_name(const std::string& name);

}  // namespace valley
