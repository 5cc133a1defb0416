#include "valley/core/names.h"
#include "valley/task/classification.h"
#include "valley/task/language.h"
#include "valley/task/multi_label.h"
#include "valley/task/regression.h"
#include "valley/task/task.h"

namespace valley {

const std::vector<const Task*>& tasks() {
  static const std::vector<const Task*> table = {&classification(), &multi_label(), &regression(),
                                                 &huber_regression(), &language()};
  return table;
}

const Task& find_task(const std::string& name) {
  std::vector<std::string> known;
  for (const Task* task : tasks()) known.push_back(task->name());
  return *tasks()[choose("task", name, known)];
}

const Task& find_task(const std::string& name, const ClassificationOptions& options) {
  const Task& task = find_task(name);
  return &task == &classification() ? classification(options) : task;
}

}  // namespace valley
