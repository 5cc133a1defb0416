#include "valley/task/task_names.h"

#include "valley/core/names.h"

namespace valley {

const std::vector<TaskName>& task_table() {
  static const std::vector<TaskName> table = {
      {"classification", "one of the data's classes for every example: cross-entropy, accuracy"},
      {"multi-label", "any number of labels for every example: binary cross-entropy, F1", false,
       false, true},
      {"regression", "one or more real numbers for every example: squared error, R^2", true},
      {"huber", "the same with Huber's loss, which far outliers pull less", true},
      {"language", "the next token of a text: cross-entropy, bits a byte, perplexity", false, true},
  };
  return table;
}

const TaskName& find_task_name(const std::string& name) {
  std::vector<std::string> known;
  for (const TaskName& task : task_table()) known.push_back(task.name);
  return task_table()[choose("task", name, known)];
}

void check_task_name(const std::string& name) { find_task_name(name); }

}  // namespace valley
