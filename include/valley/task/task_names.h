#pragma once

#include <string>
#include <vector>

/// The names of tasks, known without LibTorch.
namespace valley {

struct TaskName {
  std::string name, summary;
};

/// Every task.
const std::vector<TaskName>& task_table();

/// @throws UsageError for an unknown name (the nearest is offered).
void check_task_name(const std::string& name);

}  // namespace valley
