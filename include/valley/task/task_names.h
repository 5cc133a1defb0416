#pragma once

#include <string>
#include <vector>

/// The names of tasks, known without LibTorch.
namespace valley {

struct TaskName {
  std::string name, summary;
  bool real_targets = false;  ///< numbers, not classes
  bool of_text = false;       ///< the next token
  bool many_labels = false;   ///< any number of classes an example
};

/// Every task.
const std::vector<TaskName>& task_table();

/// @throws UsageError for an unknown name (the nearest is offered).
const TaskName& find_task_name(const std::string& name);
void check_task_name(const std::string& name);

}  // namespace valley
