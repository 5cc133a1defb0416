#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/task/task.h"
#include "valley/train/run_config.h"
#include "valley/train/summary.h"

namespace valley {

class Probe;
class Progress;
struct Keepsake;

/// One worker's probe, made before its training begins.
using MakeProbe = std::function<std::unique_ptr<Probe>(const RunConfig& config,
                                                       const DataSplits& data, Communicator& comm)>;

/// What a run needs beside its configuration.
struct JobContext {
  bool resume = false;                      ///< go on from the checkpoint in config.out
  bool extend = false;                      ///< see TrainOptions
  Progress* progress = nullptr;             ///< used by worker 0
  const std::atomic<bool>* stop = nullptr;  ///< see Trainer::set_stop_flag
  MakeProbe make_probe = {};                ///< for --probe
  Keepsake* keepsake = nullptr;             ///< see TrainOptions
  bool show_partition = false;  ///< the classes of every worker, if --partition is not iid
};

/// Loads the data a configuration names. Called once a process, before any worker starts and before
/// there is a run folder: so it also rehearses (rehearsal.h): do data, options and model fit?
/// @throws UsageError
DataSplits load_job_data(const RunConfig& config);

/// The same on every worker of a group of processes, each with data and model of its own: they
/// compare the parameters' and buffers' names, shapes and types, the numbers of examples and, but
/// with --own-data, a checksum of the data.
/// @throws UsageError, on all workers, if one of them cannot load them or they differ
DataSplits load_job_data_together(const RunConfig& config, Communicator& comm);

/// Where the workers of a configuration compute. "auto" is the CPU where the backend takes no
/// other.
/// @throws UsageError if there is no such device here
at::Device job_device(const RunConfig& config);

/// The model a configuration names, on its device, with the weights that training begins with: of a
/// TorchScript file the copy in the run folder, where there is one (model_file.h).
/// @throws UsageError
std::unique_ptr<Model> make_job_model(const RunConfig& config, const DataSplits& data);

/// What the network of a configuration is trained for: `task` with its options, of text also what
/// its tokens are. `train` is the training set, which balanced class weights follow from; without
/// them nobody asks for it. @throws UsageError if the vocabulary's file cannot be read.
const Task& job_task(const RunConfig& config, const Dataset* train);

/// One worker of the training a configuration describes: builds the model, trains it, and leaves
/// model.safetensors (for a TorchScript model also model.pt) in the run folder. A partition other
/// than iid is recorded in partition.json: how many examples of each class every worker has.
Summary run_job(const RunConfig& config, const DataSplits& data, Communicator& comm,
                const JobContext& context);

}  // namespace valley
