#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/comm/agreement.h"
#include "valley/comm/backend_table.h"
#include "valley/core/device_name.h"
#include "valley/record/config_file.h"
#include "valley/train/train_options.h"

/// A whole training as plain values: what the flags of `valley train` and the keys of a
/// configuration file set. Known without LibTorch.
namespace valley {

struct ModelSettings {
  std::string model = "lenet";
  std::string output;  ///< of a TorchScript file with several
  std::string init;    ///< weights to begin with, see weights_file.h
  std::string freeze;  ///< names that are not trained, see freeze()
};

template <typename V>
void visit(ModelSettings& o, V& v) {
  v.group("Model");
  v("model", o.model, "NAME, or a TorchScript file (net.pt); see `valley list models`");
  v("output", o.output,
    "of a TorchScript file that returns a tuple or dict: the NAME or INDEX of its logits",
    kYounger);
  v("init", o.init,
    "begin with the weights of this file (net.safetensors) or run folder, as far as they fit",
    kYounger | kMayDiffer);
  v("freeze", o.freeze,
    "parameters that stay as they are: names, with * for any letters and commas between (conv*)",
    kYounger);
}

enum class Launch { kThreads, kProcesses };

inline constexpr OneOf<Launch>::Name kLaunchNames[] = {{"threads", Launch::kThreads},
                                                       {"processes", Launch::kProcesses}};

struct WorkerSettings {
  int64_t workers = 4;
  Launch launch = Launch::kThreads;
  std::string backend = "auto";  ///< choose_backend_name() takes it
  double timeout = 300;
  int64_t threads = 0;
  std::string device = "cpu";  ///< find_device() takes it
  std::string interface;
  std::string run_id;
  std::string token_file;
  bool own_data = false;
  std::string elastic;  ///< parse_elastic() takes it; empty: a lost worker ends the run
};

template <typename V>
void visit(WorkerSettings& o, V& v) {
  v.group("Workers");
  v("workers", o.workers, at_least(1).at_most(1 << 20), "number of workers");
  v("launch", o.launch, one_of("launch", kLaunchNames), "threads of this process, or processes",
    kMayDiffer);
  v("backend", o.backend, CheckedText{&check_backend_name},
    "thread, gloo, or auto: what {launch} asks for", kMayDiffer);
  v("timeout", o.timeout, above(0).at_most(1e6), "seconds until a silent worker counts as lost",
    kMayDiffer);
  v("threads", o.threads, at_least(0), "computing threads a worker; 0: cores / workers",
    kMayDiffer);
  v("device", o.device, CheckedText{&check_device_name},
    "where to compute: cpu, cuda, cuda:N, or auto: cuda where there is one", kYounger | kMayDiffer);
  v("interface", o.interface,
    "network interface to listen at; empty: that of the route to the master",
    kMayDiffer | kUnrecorded);
  v("run-id", o.run_id,
    "name of the job, to tell it from others where no launcher does; the same for all workers",
    kMayDiffer | kUnrecorded);
  v("token-file", o.token_file,
    "a file with a secret that all workers of the job know and nobody else; empty: the variable "
    "VALLEY_TOKEN, or none",
    kMayDiffer | kUnrecorded);
  v("own-data", o.own_data,
    "the workers' data differ, in as many examples each; else they are compared", kUnrecorded);
  v("elastic", o.elastic,
    "MIN:MAX, the latter as {workers}: a worker that dies is done without, while MIN are left, and "
    "replaced; empty: it ends the run",
    kYounger | kMayDiffer);
}

/// How many workers a run needs, and is given where it has fewer.
struct ElasticRange {
  int64_t min = 1, max = 1;
};

/// Reads "MIN:MAX". @throws UsageError
ElasticRange parse_elastic(const std::string& text);

/// How a run is looked at while it trains.
struct ProbeSettings {
  int64_t probe = 0;
  int64_t probe_samples = 1000;
  int64_t probe_draws = 5;
  bool probe_unsmoothed = false;
};

template <typename V>
void visit(ProbeSettings& o, V& v) {
  v.group("Run");
  v("probe", o.probe, at_least(0),
    "look at the workers every so many steps, and at the end; 0: never; docs/dynamics.md");
  v("probe-samples", o.probe_samples, at_least(0),
    "training examples for its losses and gradients; 0: all");
  v("probe-draws", o.probe_draws, at_least(2).or_just(0),
    "its mini-batches and draws of noise; 0: only where the workers are, at no pass");
  v("probe-unsmoothed", o.probe_unsmoothed,
    "without the smoothed loss and curvatures, the larger part of its cost", kYounger);
}

struct RunConfig : TrainSettings, DataSettings, ModelSettings, WorkerSettings, ProbeSettings {
  /// Of all algorithms: what they do not read is in config.toml, too.
  MethodValues method = default_method_values();
};

/// All settings of a configuration, bound to it, in the order of config.toml.
std::vector<Setting> settings_of(RunConfig& config);

/// Sets one of them. @throws UsageError as set() of settings.h.
void set(RunConfig& config, const std::string& key, const SettingValue& value);

/// What the configuration leaves to others is set: the momentum, which the algorithm chooses where
/// nobody gave one, and the task of text, which is language where none is given. The functions
/// below take either form.
RunConfig resolved(RunConfig config);

/// The values of all recorded settings, resolved, in their order: what --print-config shows.
Config to_config(const RunConfig& config);

/// The same for config.toml: without younger settings that have their default, so that a run which
/// does not use them is recorded as it always was.
Config to_recorded_config(const RunConfig& config);

/// The settings that must agree, as a worker shows them to the others: without the paths of data
/// and model, which may lie elsewhere.
Card settings_card(const RunConfig& config);

/// Sets what `values` name; `source` is named in errors ("run.toml").
/// @throws UsageError for an unknown key (the nearest is offered), a value of the wrong type, or a
///     text that means nothing.
void apply_config(const Config& values, const std::string& source, RunConfig& config);

/// The seed of everything that is drawn about the data: data_seed, or else the run's own.
uint64_t data_seed(const RunConfig& config);

/// The configuration with the paths in `data`, `model` and `topology` made absolute: what it names
/// is then the same from every folder.
RunConfig with_absolute_paths(RunConfig config);

/// What a person calls the model: its name, or that of its file.
std::string model_title(const RunConfig& config);

/// What load_data() is asked for, beside the name of the data.
DataOptions to_data_options(const RunConfig& config);

/// Which worker has which examples, and how they are drawn.
PartitionSpec to_partition(const RunConfig& config);

/// Checks names, ranges and combinations that need no data.
/// @throws UsageError, one line that names the setting.
void check(const RunConfig& config);

/// What the trainer is asked for. @throws UsageError as check().
TrainOptions to_train_options(const RunConfig& config);

}  // namespace valley
