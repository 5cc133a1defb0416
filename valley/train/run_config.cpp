#include "valley/train/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "valley/algorithms/option_text.h"
#include "valley/core/device_name.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"
#include "valley/data/augmentation_key.h"
#include "valley/data/data_names.h"
#include "valley/models/model_names.h"
#include "valley/topology/topology.h"
#include "valley/train/config_paths.h"

namespace valley {
namespace {

// As config.toml has them; what is not here comes last in its group. Those of the algorithms stand
// behind "algorithm", see method_settings().
constexpr const char* kOrder[] = {
    // Data
    "data", "train-samples", "test-samples", "crop-padding", "flip", "tail", "partition",
    "data-seed", "target", "image-size", "strict", "context", "vocabulary", "validation-samples",
    "erase", "mixup", "cutmix",
    // Model
    "model", "output", "auxiliary", "task", "label-smoothing", "class-weights", "init", "freeze",
    // Method
    "algorithm",
    // Training
    "epochs", "steps", "until-loss", "keep", "patience", "average", "batch-size", "accumulate",
    "fewer-steps", "optimizer", "sam", "sam-adaptive", "adversarial", "adversarial-clean", "lr",
    "lr-schedule", "warmup-steps", "warmup-share", "lr-floor", "lr-milestones", "lr-factor",
    "momentum", "nesterov", "weight-decay", "decay", "beta1", "beta2", "clip-norm", "trust",
    "trust-limit", "seed",
    // Workers
    "workers", "launch", "backend", "timeout", "threads", "device", "interface", "run-id",
    "token-file", "own-data", "elastic",
    // Run
    "out", "evaluate-every", "checkpoint-every", "keep-checkpoints", "probe", "probe-samples",
    "probe-draws", "probe-unsmoothed", "metrics-file", "metrics-port"};

constexpr const char* kGroups[] = {"Data", "Model", "Method", "Training", "Workers", "Run"};

// First by group, then by the order above.
std::pair<size_t, size_t> place(const Setting& setting) {
  const auto group = std::find(std::begin(kGroups), std::end(kGroups), setting.group);
  const auto key = std::find(std::begin(kOrder), std::end(kOrder), setting.key);
  return {group - std::begin(kGroups), key - std::begin(kOrder)};
}

// A value of an algorithm's setting is kept as it is spelled; what it is checked with is the
// setting of a row that reads it.
Setting method_setting(const MethodSetting& declared, SettingValue& kept) {
  return {.group = "Method",
          .key = declared.key,
          .help = declared.help,
          .type = declared.type,
          .traits = declared.traits,
          .get = [&kept] { return kept; },
          .set =
              [&kept, &declared](const SettingValue& value) {
                declared.readers.front()->with({{declared.key, value}});
                kept = value;
              },
          .check = [] {},
          .refused = {},
          .choices = declared.choices};
}

std::string& text_of(RunConfig& config, const std::string& key) {
  const auto found = std::find_if(config.method.begin(), config.method.end(),
                                  [&](const auto& value) { return value.first == key; });
  return std::get<std::string>(found->second);
}

std::string settings_error(const std::string& source, const std::string& key,
                           const std::vector<Setting>& settings) {
  std::vector<std::string> known;
  for (const Setting& setting : settings) known.push_back(setting.key);
  const std::string near = nearest_name(key, known);
  return fmt::format("{}: unknown key '{}'{}", source, key,
                     near.empty() ? "; `valley train --print-config` shows all"
                                  : fmt::format("; did you mean '{}'?", near));
}

// Data, task and model: is it all text, or none of it?
void check_text(const RunConfig& c) {
  constexpr Key kData = {"data"}, kTask = {"task"};
  const bool text = is_text_data(c.data);
  require(!text || find_task_name(c.task).of_text,
          "{} {} is text, of which {} {} learns nothing: {} language", kData, c.data, kTask, c.task,
          kTask);
  require(text || !find_task_name(c.task).of_text, "{} {} needs text, but {} {} is none: text:PATH",
          kTask, c.task, kData, c.data);
  require(text || c.vocabulary.empty(), "{} {} is of text, and {} {} is none: text:PATH",
          Key{"vocabulary"}, c.vocabulary, kData, c.data);
  if (!is_model_file(c.model)) require_reads(*find_model(c.model).entry, c.model, text);
  require(!text || c.partition.kind == PartitionKind::kIid,
          "{} {} deals out classes, and a text has none", Key{"partition"}, to_string(c.partition));
  require(!text || !c.adversarial.attack.any(), "{} changes values, and {} {} is text",
          Key{"adversarial"}, kData, c.data);
  const Augmentation& a = c.augmentation;
  require(!text || a.none(), "{} is for pictures, and {} {} is text", key_in_use(a), kData, c.data);
}

void check_launch(const RunConfig& c) {
  const bool processes = c.launch == Launch::kProcesses;
  constexpr Key kLaunch = {"launch"};
  const BackendFacts& backend = choose_backend_name(c.backend, !processes);
  require(!find_algorithm(c.algorithm).asynchronous || backend.shares_memory,
          "{} {} needs workers that share memory: {} threads", Key{"algorithm"}, c.algorithm,
          kLaunch);
  const std::string place = c.device.starts_with("cuda") ? "cuda" : "cpu";
  require(c.device == "auto" || backend.devices.find(place) != std::string::npos,
          "{} {}: {} takes tensors on {}; processes with a GPU each need {} nccl, {} threads share "
          "a device",
          Key{"device"}, c.device, backend.name, backend.devices, Key{"backend"}, kLaunch);
  require(backend.name != "nccl" || !parse_device_name(c.device).number,
          "{} {} would be the GPU of all workers, and {} nccl needs one for each: {} cuda",
          Key{"device"}, c.device, Key{"backend"}, Key{"device"});
  require(c.fewer_steps == 0 || c.device == "cpu",
          "{} times the steps of the CPU; on {} {} they are queued", Key{"fewer-steps"},
          Key{"device"}, c.device);
  require(c.interface.empty() || !backend.by_mpi,
          "{} {} is not read by {} {}: mpirun chooses the network, with btl_tcp_if_include {}",
          Key{"interface"}, c.interface, Key{"backend"}, backend.name, c.interface);
  require(c.interface.empty() || processes,
          "{} {} needs {} processes, torchrun, mpirun or srun: threads need no network",
          Key{"interface"}, c.interface, kLaunch);
  require(c.run_id.empty() || processes,
          "{} {} needs {} processes, torchrun, mpirun or srun: threads are one job", Key{"run-id"},
          c.run_id, kLaunch);
  require(c.token_file.empty() || processes,
          "{} {} needs {} processes, torchrun, mpirun or srun: threads have no door",
          Key{"token-file"}, c.token_file, kLaunch);
  require(c.token_file.empty() || backend.name == "gloo",
          "{} {} needs {} gloo: what {} talks through asks for no token", Key{"token-file"},
          c.token_file, Key{"backend"}, backend.name);
  require(!c.own_data || processes,
          "{} needs {} processes, torchrun, mpirun or srun: threads share their data",
          Key{"own-data"}, kLaunch);
}

// What is remembered of each worker alone would be of nobody, or of another.
void check_elastic(const RunConfig& c, const AlgorithmOptions& options) {
  if (c.elastic.empty()) return;
  constexpr Key kElastic = {"elastic"}, kWorkers = {"workers"};
  require(c.personal.empty(), "{} cannot bring back what a worker has alone, which is {} ({})",
          kElastic, Key{"personal"}, c.personal);
  const ElasticRange range = parse_elastic(c.elastic);
  require(range.max == c.workers, "{} {} starts {} workers, {} is {}", kElastic, c.elastic,
          range.max, kWorkers, c.workers);
  require(c.launch == Launch::kProcesses, "{} needs {} processes: of threads none dies alone",
          kElastic, Key{"launch"});
  const BackendFacts& backend = choose_backend_name(c.backend, false);
  require(backend.name == "gloo",
          "{} needs {} gloo: mpirun ends all workers when one dies; {} auto serves there", kElastic,
          Key{"backend"}, Key{"resume"});
  const auto value = [&](std::string_view key) { return option_text(options, key); };
  require(!value("delay").empty(), "{} goes with the methods that have a {}; {} {} is none of them",
          kElastic, Key{"delay"}, Key{"algorithm"}, c.algorithm);
  require(value("hierarchy") == "none",
          "{} {} is of groups that stay whole, which {} cannot promise", Key{"hierarchy"},
          value("hierarchy"), kElastic);
  require(value("optimizer-state") == "local",
          "{} {} changes the optimizers in a round, which {} cannot take back",
          Key{"optimizer-state"}, value("optimizer-state"), kElastic);
  require(c.partition.kind == PartitionKind::kIid,
          "{} needs {} iid: with a worker of {} its examples would be lost", kElastic,
          Key{"partition"}, to_string(c.partition));
  require(c.tail == Tail::kDrop, "{} needs {} drop", kElastic, Key{"tail"});
  require(c.probe == 0, "{} is not for workers that come and go: {}", Key{"probe"}, kElastic);
}

}  // namespace

ElasticRange parse_elastic(const std::string& text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view first = std::string_view(text).substr(0, colon),
                         second = std::string_view(text).substr(std::min(colon + 1, text.size()));
  const int64_t min = parse_number<int64_t>(first).value_or(0),
                max = parse_number<int64_t>(second).value_or(0);
  require(min >= 1 && max >= 1, "{} must be MIN:MAX, numbers of workers from 1 on, got '{}'",
          Key{"elastic"}, text);
  require(min <= max, "{} {}: MIN must not be above MAX", Key{"elastic"}, text);
  return {min, max};
}

std::vector<Setting> settings_of(RunConfig& config) {
  SettingCollector collector;
  collector.group("Data");
  visit(static_cast<DataSettings&>(config), collector);
  visit(static_cast<ModelSettings&>(config), collector);
  visit(static_cast<TrainSettings&>(config), collector);
  visit(static_cast<WorkerSettings&>(config), collector);
  visit(static_cast<ProbeSettings&>(config), collector);
  std::vector<Setting> settings = collector.take();
  for (size_t i = 0; i < method_settings().size(); ++i)
    settings.push_back(method_setting(method_settings()[i], config.method[i].second));
  std::stable_sort(settings.begin(), settings.end(),
                   [](const Setting& a, const Setting& b) { return place(a) < place(b); });
  return settings;
}

void set(RunConfig& config, const std::string& key, const SettingValue& value) {
  set(settings_of(config), key, value);
}

RunConfig resolved(RunConfig config) {
  if (!config.optimizer.momentum) {
    const auto& table = algorithms();
    const auto entry = std::find_if(table.begin(), table.end(), [&](const AlgorithmEntry& e) {
      return e.name == config.algorithm;
    });
    // An unknown algorithm is another error, elsewhere.
    config.optimizer.momentum =
        entry == table.end() ? config.optimizer.momentum_in_force() : entry->default_momentum();
  }
  // There are no classes in a text: who did not say what it is for wants the next token.
  if (is_text_data(config.data) && config.task == RunConfig().task) config.task = "language";
  return config;
}

Card settings_card(const RunConfig& unresolved) {
  RunConfig config = resolved(unresolved);
  Card card;
  for (const Setting& setting : settings_of(config)) {
    if (setting.has(kMayDiffer)) continue;
    std::string value = plain_text(setting.get());
    if (setting.key == "data") value = value.substr(0, value.find(':'));
    if (setting.key == "vocabulary" && !value.empty()) value = "a file";
    if (setting.key == "model" && value.find_first_of("./") != std::string::npos) value = "a file";
    card.add(setting.key, value);
  }
  return card;
}

Config to_config(const RunConfig& unresolved) {
  RunConfig config = resolved(unresolved);
  Config values;
  for (const Setting& setting : settings_of(config)) {
    if (!setting.has(kUnrecorded)) values.emplace_back(setting.key, setting.get());
  }
  return values;
}

Config to_recorded_config(const RunConfig& unresolved) {
  RunConfig config = resolved(unresolved), defaults;
  const auto settings = settings_of(config), others = settings_of(defaults);
  Config values;
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    if (setting.has(kUnrecorded)) continue;
    if (setting.has(kYounger) && setting.get() == others[i].get()) continue;
    values.emplace_back(setting.key, setting.get());
  }
  return values;
}

void apply_config(const Config& values, const std::string& source, RunConfig& config) {
  const auto settings = settings_of(config);
  for (const auto& [name_in_file, value] : values) {
    const std::string& key = name_in_file;
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& s) { return s.key == key; });
    if (setting == settings.end()) throw UsageError(settings_error(source, key, settings));
    auto fitting = converted(value, setting->type);
    require(fitting.has_value(), "{}: {} must be {}", source, key, name(setting->type));
    if (auto* text = std::get_if<std::string>(&*fitting))
      *text = expand_home_in_setting(key, *text, fmt::format("{}: {} =", source, key));
    setting->set(*fitting);
  }
}

RunConfig with_absolute_paths(RunConfig config) {
  const auto absolute = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  };
  const auto behind_colon = [&](std::string& setting) {
    const size_t begin = setting.find(':') + 1;
    if (begin == 0 || begin == setting.size()) return;
    setting = setting.substr(0, begin) + absolute(setting.substr(begin));
  };
  if (is_model_file(config.model)) config.model = absolute(config.model);
  if (!config.vocabulary.empty()) config.vocabulary = absolute(config.vocabulary);
  if (!config.init.empty()) config.init = absolute(config.init);
  behind_colon(config.data);
  for (const char* key : {"topology", "relay-tree"}) {
    std::string& topology = text_of(config, key);
    for (const TopologyEntry& entry : topologies()) {
      if (entry.argument == "PATH" && topology.starts_with(entry.name + ":")) {
        behind_colon(topology);
      }
    }
  }
  return config;
}

std::string model_title(const RunConfig& config) {
  if (!is_model_file(config.model)) return config.model;
  return std::filesystem::path(config.model).filename().string();
}

uint64_t data_seed(const RunConfig& c) {
  return c.data_seed ? static_cast<uint64_t>(*c.data_seed) : c.seed;
}

DataOptions to_data_options(const RunConfig& c) {
  return {.train_samples = c.train_samples,
          .test_samples = c.test_samples,
          .seed = data_seed(c),
          .image_size = c.image_size,
          .strict = c.strict,
          .target = c.target,
          .real_targets = find_task_name(c.task).real_targets,
          .context = c.context,
          .validation_samples = c.validation_samples,
          .many_labels = find_task_name(c.task).many_labels,
          .vocabulary = c.vocabulary};
}

PartitionSpec to_partition(const RunConfig& c) {
  PartitionSpec partition = c.partition;
  partition.seed = data_seed(c);
  return partition;
}

void check(const RunConfig& unresolved) {
  RunConfig config = resolved(unresolved);
  const AlgorithmEntry& entry = find_algorithm(config.algorithm);
  const AlgorithmOptions options = entry.with(config.method);
  for (const Setting& setting : settings_of(config)) setting.check();
  check_algorithm(config.algorithm, options, static_cast<int>(config.workers), config.seed);
  check(config, options);
  find_data(config.data);
  if (!is_model_file(config.model)) {
    find_model(config.model);
    require(config.output.empty(), "{} {} is for TorchScript files, {} has one output",
            Key{"output"}, config.output, config.model);
  }
  check_text(config);
  require_validation(config, config.validation_samples > 0);
  check_launch(config);
  check_elastic(config, options);
  require_no_probe_of_asynchronous(config.algorithm, config.probe);
  require_no_probe_of_personal(config.personal, config.probe);
}

TrainOptions to_train_options(const RunConfig& unresolved) {
  const RunConfig config = resolved(unresolved);
  check(config);
  TrainOptions options;
  static_cast<TrainSettings&>(options) = config;
  options.algorithm_options = find_algorithm(config.algorithm).with(config.method);
  options.partition = to_partition(config);
  options.model_name = config.model;
  options.data_name = config.data;
  return options;
}

}  // namespace valley
