#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "valley/comm/agreement.h"
#include "valley/record/config_file.h"
#include "valley/train/trainer.h"

namespace valley {

/// A whole training as plain values: what the flags of `valley train` and the keys of a
/// configuration file set. See config_fields() for what each means.
struct RunConfig {
  std::string data = "fashion-mnist";
  int64_t train_samples = 0;
  int64_t test_samples = 0;
  int64_t crop_padding = 0;
  bool flip = false;
  std::string tail = "drop";
  std::string partition = "iid";
  int64_t data_seed = -1;

  std::string model = "lenet";
  std::string output = "";
  double auxiliary = 0;

  std::string algorithm = "dppf";
  std::string period = "4";
  double pull = 0.1;
  double push = 0.5;
  std::string push_schedule = "constant";
  std::string push_variant = "simple";
  bool push_relative = false;
  int64_t bucket_bytes = 4 << 20;
  double moving_rate = 0.9;
  double leader_pull = 0;
  double outer_lr = 0;
  double outer_momentum = -1;
  std::string topology = "ring";
  std::string mixing = "atc";
  bool lazy = false;
  double quasi_momentum = 0.9;
  double tracking_momentum = 0;
  std::string compress = "top-k:0.1";
  double consensus_step = 0.1;
  std::string replicas = "initial";
  double noise = 0.1;

  int64_t epochs = 10;
  int64_t steps = 0;
  double until_loss = 0;
  int64_t batch_size = 32;
  std::string optimizer = "sgd";
  double sam = 0;
  bool sam_adaptive = false;
  double lr = 0.03;
  std::string lr_schedule = "cosine";
  int64_t warmup_steps = 0;
  double momentum = -1;  ///< -1: the algorithm's own, see resolved()
  bool nesterov = false;
  double weight_decay = 0.0;
  std::string decay = "all";
  int64_t seed = 0;

  int64_t workers = 4;
  std::string launch = "threads";
  std::string backend = "auto";
  double timeout = 300;
  int64_t threads = 0;
  std::string interface = "";
  std::string run_id = "";
  bool own_data = false;

  std::string out = "";
  int64_t evaluate_every = 1;
  int64_t checkpoint_every = 0;
  int64_t keep_checkpoints = 2;
  int64_t probe = 0;
  int64_t probe_samples = 1000;
  int64_t probe_draws = 5;
  bool probe_unsmoothed = false;
};

/// One setting: its key (the long flag without dashes), where it is kept, and what --help says.
struct ConfigField {
  using Member = std::variant<bool RunConfig::*, int64_t RunConfig::*, double RunConfig::*,
                              std::string RunConfig::*>;
  std::string key;
  Member member;
  std::string group;  ///< heading in --help
  std::string help;
  /// It is younger than the first run folders: a folder's config.toml has it only where it is not
  /// the default, and may lack it.
  bool younger = false;
};

/// The table that flags, configuration files, --print-config and config.toml are made from.
const std::vector<ConfigField>& config_fields();

/// Whether config.toml has it; what holds for one start of one worker only (--interface) is asked
/// again of a resumed run.
bool is_recorded(const ConfigField& field);

/// Whether all workers of a run need the same: everything but each worker's own affairs (--timeout,
/// --threads, --out, --interface).
bool must_agree(const ConfigField& field);

/// What the configuration leaves to the algorithm is set: --momentum, where nobody gave one. The
/// functions below take either form.
RunConfig resolved(RunConfig config);

/// The values of all recorded fields, resolved, in the order of the table: what --print-config
/// shows.
Config to_config(const RunConfig& config);

/// The same for config.toml: without younger fields that have their default, so that a run which
/// does not use them is recorded as it always was.
Config to_recorded_config(const RunConfig& config);

/// The fields that must agree, as a worker shows them to the others: without the paths of data and
/// model, which may lie elsewhere.
Card settings_card(const RunConfig& config);

/// Sets the fields named in `values`; `source` is named in errors ("run.toml").
/// @throws UsageError for an unknown key (the nearest is offered) or a value of the wrong type.
void apply_config(const Config& values, const std::string& source, RunConfig& config);

/// The seed of everything that is drawn about the data: --data-seed, or --seed where that is -1.
uint64_t data_seed(const RunConfig& config);

/// The configuration with the paths in `data`, `model` and `topology` made absolute: what it names
/// is then the same from every folder.
RunConfig with_absolute_paths(RunConfig config);

/// What a person calls the model: its name, or that of its file.
std::string model_title(const RunConfig& config);

/// What load_data() is asked for, beside --data itself.
DataOptions to_data_options(const RunConfig& config);

/// Checks names, ranges and combinations that need no data, and turns texts into options.
/// @throws UsageError, one line that names the option.
TrainOptions to_train_options(const RunConfig& config);

}  // namespace valley
