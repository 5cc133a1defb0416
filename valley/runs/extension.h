#pragma once

#include "valley/data/dataset.h"
#include "valley/record/config_file.h"
#include "valley/train/run_config.h"

/// A run that goes on with another length or rate than it began with (`--extend`).
namespace valley {

/// What was changed when, a list; written before config.toml is.
constexpr const char* kExtensions = "extended.json";

/// The workers' last checkpoint is not past the end of the run that is asked for.
/// @throws UsageError if it is, or there is no checkpoint.
void require_extensible(const RunConfig& config, const DataSplits& data);

/// Appends to extended.json in the folder config.out the step that the run has come to, every
/// setting that changes with its former and its new value, and the summary it had; and removes
/// that, for the run is not finished any more.
void record_extension(const RunConfig& config, const Config& former, const Config& now);

}  // namespace valley
