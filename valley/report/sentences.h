#pragma once

#include <string>
#include <vector>

#include "valley/report/groups.h"

namespace valley {

/// What happened, in a sentence: the best method by the headline of the task's scores on the test
/// set, what it is compared with (ssgd, or else the runner-up), what it sent, and whether its
/// valley has the predicted width. It says so where the difference is no larger than seeds make, or
/// where there is one seed only.
std::string headline(const std::vector<RunGroup>& groups);

/// What a reader must know before believing the tables: runs that did not end, or ended worse than
/// they began or at chance level, one seed, settings that are not equal, in a sentence each.
std::vector<std::string> cautions(const std::vector<RunGroup>& groups);

}  // namespace valley
