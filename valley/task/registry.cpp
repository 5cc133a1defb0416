#include "valley/core/names.h"
#include "valley/task/classification.h"
#include "valley/task/regression.h"
#include "valley/task/task.h"

namespace valley {

const std::vector<const Task*>& tasks() {
  static const std::vector<const Task*> table = {&classification(), &regression(),
                                                 &huber_regression()};
  return table;
}

const Task& find_task(const std::string& name) {
  std::vector<std::string> known;
  for (const Task* task : tasks()) known.push_back(task->name());
  return *tasks()[choose("task", name, known)];
}

}  // namespace valley
