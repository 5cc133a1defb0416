#pragma once

#include <memory>
#include <string>

#include "valley/record/progress.h"
#include "valley/train/job.h"

namespace valley::app {

/// A bar on the standard error, or none.
std::unique_ptr<Progress> progress_unless(bool quiet);

/// valley::train_or_resume() with a bar on the standard error unless `quiet`, and with probes.
/// Signals stop it: its summary then says that it was interrupted.
Summary train_one_of_several(const RunConfig& config, const std::string& title, bool quiet);

}  // namespace valley::app
