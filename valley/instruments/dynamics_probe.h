#pragma once

#include <memory>

#include "valley/train/job.h"
#include "valley/train/probe.h"

namespace valley {

/// What `--probe` takes of a training: the figures of `valley dynamics`, on the way. For
/// JobContext::make_probe.
std::unique_ptr<Probe> make_probe(const RunConfig& config, const DataSplits& data,
                                  Communicator& comm);

}  // namespace valley
