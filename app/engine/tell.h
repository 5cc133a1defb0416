#pragma once

#include "valley/data/notes.h"

namespace valley::app {

/// Says on the standard error what was left out of a data set, each sentence once a process.
void tell(const DataNotes& notes);

}  // namespace valley::app
