#pragma once

#include <string>

#include "valley/train/run_config.h"

namespace valley {

/// A run that trains a TorchScript file keeps a copy of it, so that its folder stands by itself:
///
///     initial.pt      the file as it was when the run began
///     initial.json    where it lay, its bytes and their CRC-32C
///
/// Every worker, a resumed run and the instruments load the copy: the original may then be moved,
/// deleted or exported anew. It costs what the file has, once a run; a checkpoint of one worker
/// weighs two to three times as much.
constexpr const char* kInitialModel = "initial.pt";
constexpr const char* kInitialRecord = "initial.json";

/// Copies the file that config.model names into the folder config.out, if it names one.
/// @throws UsageError if it cannot be read, IoError if the copy cannot be written.
void keep_model_file(const RunConfig& config);

/// What a worker loads for config.model: the copy in config.out where there is one, else
/// config.model itself.
/// @throws UsageError if the copy is not the one that the run began with.
std::string model_to_load(const RunConfig& config);

/// Another network, or other weights, may have taken the file's name since the run in config.out
/// began. @throws UsageError if the file that config.model or config.init names is not the one
///     recorded in config.out; nothing is claimed where either is missing.
void require_same_model_file(const RunConfig& config);

/// Likewise of the weights that a run begins with, `init`:
///
///     initial.safetensors   the file, or the model.safetensors of the run folder, as it was
///     init.json             where it lay, its bytes and their CRC-32C
constexpr const char* kInitialWeights = "initial.safetensors";
constexpr const char* kInitialWeightsRecord = "init.json";

/// What `init` names: the file itself, or that in a run folder.
std::string weights_file(const std::string& init);

/// As keep_model_file(). @throws likewise
void keep_initial_weights(const RunConfig& config);

/// What a worker reads for config.init: the copy in config.out where there is one; "" where nothing
/// is asked for. @throws UsageError if the copy is not the one that the run began with.
std::string weights_to_load(const RunConfig& config);

}  // namespace valley
