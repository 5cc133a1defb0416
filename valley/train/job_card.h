#pragma once

#include "valley/comm/agreement.h"
#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/train/run_config.h"

namespace valley {

/// What the workers compare once each has its model and its data: of the data the number, shape and
/// type of examples, the number of classes, and, but with --own-data, a CRC-32C of inputs and
/// targets; of the model name, type and shape of every parameter and buffer.
///
/// The checksum reads each byte once, at several GB/s. Data of floats that are computed and not
/// read (made from a seed, or log-mel spectra) may differ in their last bits between kinds of
/// processors, and with them the checksum.
Card job_card(const RunConfig& config, Model& model, const DataSplits& data);

}  // namespace valley
