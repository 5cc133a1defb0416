#include "valley/task/task_names.h"

#include "valley/core/names.h"

namespace valley {

const std::vector<TaskName>& task_table() {
  static const std::vector<TaskName> table = {
      {"classification", "one of the data's classes for every example: cross-entropy, accuracy"},
  };
  return table;
}

void check_task_name(const std::string& name) {
  std::vector<std::string> known;
  for (const TaskName& task : task_table()) known.push_back(task.name);
  choose("task", name, known);
}

}  // namespace valley
