#include "valley/train/run_config.h"

#include <algorithm>
#include <filesystem>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/models/model_names.h"
#include "valley/topology/topology.h"
#include "valley/train/config_paths.h"

namespace valley {
namespace {

template <typename T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, int64_t>) return "a whole number";
  if constexpr (std::is_same_v<T, double>) return "a number";
  return "a text in quotes";
}

template <typename T>
void assign(T RunConfig::*member, const ConfigValue& value, const std::string& key,
            const std::string& source, RunConfig& config) {
  if (const T* exact = std::get_if<T>(&value)) {
    config.*member = *exact;
    if constexpr (std::is_same_v<T, std::string>)
      config.*member = expand_home_in_setting(key, *exact, fmt::format("{}: {} =", source, key));
    return;
  }
  if constexpr (std::is_same_v<T, double>) {
    if (const int64_t* whole = std::get_if<int64_t>(&value)) {
      config.*member = static_cast<double>(*whole);
      return;
    }
  }
  if constexpr (std::is_same_v<T, std::string>) {
    // period = 4 is as good as period = "4".
    if (const int64_t* whole = std::get_if<int64_t>(&value)) {
      config.*member = std::to_string(*whole);
      return;
    }
  }
  throw UsageError(fmt::format("{}: {} must be {}", source, key, type_name<T>()));
}

bool is_one_of(const std::string& key, std::initializer_list<const char*> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

const std::vector<ConfigField>& config_fields() {
  using C = RunConfig;
  static const std::vector<ConfigField> fields = {
      {"data", &C::data, "Data", "NAME or NAME:PATH; see `valley list data`"},
      {"train-samples", &C::train_samples, "Data",
       "train on this many, drawn evenly by class; 0: all"},
      {"test-samples", &C::test_samples, "Data", "test on this many; 0: all"},
      {"crop-padding", &C::crop_padding, "Data",
       "pad images by this many pixels and crop at random"},
      {"flip", &C::flip, "Data", "mirror images at random"},
      {"tail", &C::tail, "Data", "what of an epoch fills no batch on every worker: drop or keep"},
      {"partition", &C::partition, "Data",
       "examples of a worker: iid (all, dealt out anew every epoch), dirichlet:ALPHA or shards:K"},
      {"data-seed", &C::data_seed, "Data",
       "of synthetic data, --train-samples, --test-samples and --partition; -1: that of --seed"},

      {"model", &C::model, "Model",
       "NAME, or a TorchScript file (net.pt); see `valley list models`"},
      {"output", &C::output, "Model",
       "of a TorchScript file that returns a tuple or dict: the NAME or INDEX of its logits", true},
      {"auxiliary", &C::auxiliary, "Model",
       "weight of the cross-entropy of its other outputs in the loss that is trained", true},

      {"algorithm", &C::algorithm, "Method", "see `valley list algorithms`"},
      {"period", &C::period, "Method",
       "local steps a round: N, post-local:EPOCH:N or qsr:BASE:COEF"},
      {"pull", &C::pull, "Method", "alpha, pull towards the average, in (0, 1]"},
      {"push", &C::push, "Method", "lambda, push away from it, a distance; 0 turns it off"},
      {"push-schedule", &C::push_schedule, "Method",
       "constant, increasing, decreasing, linear-increasing or linear-decreasing"},
      {"push-variant", &C::push_variant, "Method",
       "simple, or exact (leaves the average in place)"},
      {"push-relative", &C::push_relative, "Method", "--push is in units of the average's norm"},
      {"bucket-bytes", &C::bucket_bytes, "Method", "gradients travel in buckets of this size"},
      {"moving-rate", &C::moving_rate, "Method", "beta; the pull is beta / workers"},
      {"leader-pull", &C::leader_pull, "Method",
       "pull towards the last leader within a period, in [0, 1]"},
      {"outer-lr", &C::outer_lr, "Method",
       "learning rate over rounds; 0: the method's own, 1 or 0.7"},
      {"outer-momentum", &C::outer_momentum, "Method",
       "momentum over rounds; -1: the method's own, 0.5 or 0.9"},
      {"topology", &C::topology, "Method", "who talks to whom; see `valley list topologies`"},
      {"mixing", &C::mixing, "Method",
       "awc (mix while the gradient is computed), atc (after the step) or cta (before the "
       "gradient)"},
      {"lazy", &C::lazy, "Method", "mix with (I + P) / 2"},
      {"quasi-momentum", &C::quasi_momentum, "Method", "beta, in [0, 1); with --momentum below 1"},
      {"tracking-momentum", &C::tracking_momentum, "Method", "beta, in [0, 1)"},
      {"compress", &C::compress, "Method",
       "none, bf16, fp16, int8, sign, top-k:SHARE or random-k:SHARE"},
      {"consensus-step", &C::consensus_step, "Method", "gamma, in (0, 1]"},
      {"replicas", &C::replicas, "Method", "begin at the workers' initial weights, or at zero",
       true},
      {"noise", &C::noise, "Method", "deviation of the noise in every parameter"},

      {"epochs", &C::epochs, "Training", "passes over the data, all workers together"},
      {"steps", &C::steps, "Training", "steps of each worker; above 0 it replaces --epochs"},
      {"until-loss", &C::until_loss, "Training",
       "end at the first evaluation with a training loss this low; 0: do not"},
      {"batch-size", &C::batch_size, "Training", "examples a step and worker"},
      {"optimizer", &C::optimizer, "Training", "sgd or adamw"},
      {"sam", &C::sam, "Training",
       "rho of sharpness-aware minimisation: the gradient is taken this far uphill; 0: off"},
      {"sam-adaptive", &C::sam_adaptive, "Training",
       "uphill in units of the parameters' size (ASAM)"},
      {"lr", &C::lr, "Training", "learning rate"},
      {"lr-schedule", &C::lr_schedule, "Training", "constant, cosine or step"},
      {"warmup-steps", &C::warmup_steps, "Training", "linear warm-up of the learning rate"},
      {"momentum", &C::momentum, "Training",
       "of sgd; -1: 0.9, or 0 where the method has its own (qg-dsgdm)"},
      {"nesterov", &C::nesterov, "Training", "Nesterov's momentum"},
      {"weight-decay", &C::weight_decay, "Training", "strength of the decay"},
      {"decay", &C::decay, "Training",
       "what decays: all, or matrices (no biases, no normalisation)"},
      {"seed", &C::seed, "Training", "of weights, data order and augmentation"},

      {"workers", &C::workers, "Workers", "number of workers"},
      {"launch", &C::launch, "Workers", "threads of this process, or processes"},
      {"backend", &C::backend, "Workers", "thread, gloo, or auto: what --launch asks for"},
      {"timeout", &C::timeout, "Workers", "seconds until a silent worker counts as lost"},
      {"threads", &C::threads, "Workers", "computing threads a worker; 0: cores / workers"},
      {"interface", &C::interface, "Workers",
       "network interface to listen at; empty: that of the route to the master"},
      {"run-id", &C::run_id, "Workers",
       "name of the job, to tell it from others where no launcher does; the same for all workers"},
      {"own-data", &C::own_data, "Workers",
       "the workers' data differ, in as many examples each; else they are compared"},

      {"out", &C::out, "Run", "run folder; empty: runs/ALGORITHM-MODEL-seedN"},
      {"evaluate-every", &C::evaluate_every, "Run", "evaluate every so many epochs; 0: at the end"},
      {"checkpoint-every", &C::checkpoint_every, "Run", "steps; 0: at the end"},
      {"keep-checkpoints", &C::keep_checkpoints, "Run", "how many of the newest stay"},
      {"probe", &C::probe, "Run",
       "look at the workers every so many steps, and at the end; 0: never; docs/dynamics.md"},
      {"probe-samples", &C::probe_samples, "Run",
       "training examples for its losses and gradients; 0: all"},
      {"probe-draws", &C::probe_draws, "Run",
       "its mini-batches and draws of noise; 0: only where the workers are, at no pass"},
      {"probe-unsmoothed", &C::probe_unsmoothed, "Run",
       "without the smoothed loss and curvatures, the larger part of its cost", true},
  };
  return fields;
}

RunConfig resolved(RunConfig config) {
  if (config.momentum == -1) {
    const auto& table = algorithms();
    const auto entry = std::find_if(table.begin(), table.end(), [&](const AlgorithmEntry& e) {
      return e.name == config.algorithm;
    });
    // An unknown algorithm is another error, elsewhere.
    config.momentum =
        entry == table.end() ? OptimizerOptions{}.momentum : entry->default_momentum();
  }
  return config;
}

bool is_recorded(const ConfigField& field) {
  return !is_one_of(field.key, {"interface", "run-id", "own-data"});
}

bool must_agree(const ConfigField& field) {
  // launch and backend say how workers talk, which they are about to do; run-id whether they may.
  return !is_one_of(field.key,
                    {"launch", "backend", "timeout", "threads", "interface", "run-id", "out"});
}

Card settings_card(const RunConfig& unresolved) {
  const RunConfig config = resolved(unresolved);
  Card card;
  for (const auto& field : config_fields()) {
    if (!must_agree(field)) continue;
    std::string value =
        std::visit([&](auto member) { return fmt::format("{}", config.*member); }, field.member);
    if (field.key == "data") value = value.substr(0, value.find(':'));
    if (field.key == "model" && value.find_first_of("./") != std::string::npos) value = "a file";
    card.add(field.key, value);
  }
  return card;
}

Config to_config(const RunConfig& unresolved) {
  const RunConfig config = resolved(unresolved);
  Config values;
  for (const auto& field : config_fields()) {
    if (!is_recorded(field)) continue;
    std::visit([&](auto member) { values.emplace_back(field.key, config.*member); }, field.member);
  }
  return values;
}

Config to_recorded_config(const RunConfig& unresolved) {
  const RunConfig config = resolved(unresolved), defaults;
  Config values;
  for (const auto& field : config_fields()) {
    if (!is_recorded(field)) continue;
    std::visit(
        [&](auto member) {
          if (field.younger && config.*member == defaults.*member) return;
          values.emplace_back(field.key, config.*member);
        },
        field.member);
  }
  return values;
}

void apply_config(const Config& values, const std::string& source, RunConfig& config) {
  for (const auto& [key, value] : values) {
    const auto& fields = config_fields();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const ConfigField& f) { return f.key == key; });
    if (field == fields.end()) {
      std::vector<std::string> known;
      for (const auto& f : fields) known.push_back(f.key);
      const std::string near = nearest_name(key, known);
      throw UsageError(fmt::format("{}: unknown key '{}'{}", source, key,
                                   near.empty() ? "; `valley train --print-config` shows all"
                                                : fmt::format("; did you mean '{}'?", near)));
    }
    std::visit([&](auto member) { assign(member, value, key, source, config); }, field->member);
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
  behind_colon(config.data);
  for (const TopologyEntry& entry : topologies()) {
    if (entry.argument == "PATH" && config.topology.starts_with(entry.name + ":")) {
      behind_colon(config.topology);
    }
  }
  return config;
}

std::string model_title(const RunConfig& config) {
  if (!is_model_file(config.model)) return config.model;
  return std::filesystem::path(config.model).filename().string();
}

uint64_t data_seed(const RunConfig& c) {
  return static_cast<uint64_t>(c.data_seed < 0 ? c.seed : c.data_seed);
}

DataOptions to_data_options(const RunConfig& c) {
  return {.train_samples = c.train_samples, .test_samples = c.test_samples, .seed = data_seed(c)};
}

TrainOptions to_train_options(const RunConfig& config) {
  const RunConfig c = resolved(config);
  TrainOptions o;
  find_algorithm(c.algorithm);
  o.algorithm = c.algorithm;
  o.algorithm_options.pull_push = {
      .pull = c.pull,
      .push = c.push,
      .push_relative = c.push_relative,
      .variant = choose("push variant", c.push_variant, {"simple", "exact"}) == 0
                     ? PushVariant::kSimple
                     : PushVariant::kExact};
  PullPush check_ranges(o.algorithm_options.pull_push);
  o.algorithm_options.push_schedule = parse_push_shape(c.push_schedule);
  o.algorithm_options.period = parse_period(c.period);
  require(c.bucket_bytes >= 1, "--bucket-bytes must be at least 1, got {}", c.bucket_bytes);
  AlgorithmOptions& a = o.algorithm_options;
  a.bucket_bytes = c.bucket_bytes;
  a.moving_rate = c.moving_rate;
  a.leader_pull = c.leader_pull;
  if (c.outer_lr != 0) a.outer_lr = c.outer_lr;
  if (c.outer_momentum != -1) a.outer_momentum = c.outer_momentum;
  a.topology = c.topology;
  a.mixing = parse_mixing_order(c.mixing);
  a.lazy = c.lazy;
  a.quasi_momentum = c.quasi_momentum;
  a.tracking_momentum = c.tracking_momentum;
  a.compress = c.compress;
  a.consensus_step = c.consensus_step;
  a.replicas = choose("start of the replicas", c.replicas, {"initial", "zero"}) == 0
                   ? Replicas::kInitial
                   : Replicas::kZero;
  a.noise = c.noise;

  o.epochs = c.epochs;
  o.steps = c.steps;
  require(c.batch_size >= 1, "--batch-size must be at least 1, got {}", c.batch_size);
  o.batch_size = c.batch_size;
  o.tail = choose("tail", c.tail, {"drop", "keep"}) == 0 ? Tail::kDrop : Tail::kKeep;
  o.partition = parse_partition(c.partition);
  require(c.data_seed >= -1, "--data-seed must be at least 0, or -1 for that of --seed, got {}",
          c.data_seed);
  o.partition.seed = data_seed(c);
  require(c.crop_padding >= 0, "--crop-padding must be at least 0, got {}", c.crop_padding);
  o.augmentation = {.crop_padding = c.crop_padding, .flip = c.flip};
  o.optimizer = {.kind = parse_optimizer(c.optimizer),
                 .momentum = c.momentum,
                 .nesterov = c.nesterov,
                 .weight_decay = c.weight_decay};
  o.auxiliary = c.auxiliary;
  o.sam = {.rho = c.sam, .adaptive = c.sam_adaptive};
  o.decay_rule =
      choose("decay", c.decay, {"all", "matrices"}) == 0 ? DecayRule::kAll : DecayRule::kMatrices;
  o.learning_rate = {
      .shape = parse_lr_shape(c.lr_schedule), .base = c.lr, .warmup_steps = c.warmup_steps};
  require(c.seed >= 0, "--seed must be at least 0, got {}", c.seed);
  o.seed = static_cast<uint64_t>(c.seed);
  require(c.workers >= 1, "--workers must be at least 1, got {}", c.workers);
  check_algorithm(o.algorithm, a, static_cast<int>(c.workers), o.seed);
  require(c.timeout > 0, "--timeout must be above 0, got {}", c.timeout);
  require(c.timeout <= 1e6, "--timeout must be at most 1000000, got {}", c.timeout);
  require(c.threads >= 0, "--threads must be at least 0, got {}", c.threads);
  choose("launch", c.launch, {"threads", "processes"});
  choose("backend", c.backend, {"auto", "thread", "gloo"});
  require(!(c.launch == "processes" && c.backend == "thread"),
          "--backend thread needs --launch threads: processes share no memory");
  require(!(find_algorithm(o.algorithm).asynchronous && c.launch == "processes"),
          "--algorithm {} needs workers that share memory: --launch threads", o.algorithm);
  require(!(c.launch == "threads" && c.backend == "gloo"),
          "--backend gloo needs --launch processes, torchrun, mpirun or srun");
  require(c.interface.empty() || c.launch == "processes",
          "--interface {} needs --launch processes, torchrun, mpirun or srun: threads need no "
          "network",
          c.interface);
  require(c.run_id.empty() || c.launch == "processes",
          "--run-id {} needs --launch processes, torchrun, mpirun or srun: threads are one job",
          c.run_id);
  require(
      !c.own_data || c.launch == "processes",
      "--own-data needs --launch processes, torchrun, mpirun or srun: threads share their data");
  require(c.probe >= 0, "--probe must be at least 0, got {}", c.probe);
  require_no_probe_of_asynchronous(o.algorithm, c.probe);
  require(c.probe_samples >= 0, "--probe-samples must be at least 0, got {}", c.probe_samples);
  require(c.probe_draws == 0 || c.probe_draws >= 2, "--probe-draws must be 0 or at least 2, got {}",
          c.probe_draws);
  o.out = c.out;
  o.evaluate_every = c.evaluate_every;
  o.until_loss = c.until_loss;
  o.checkpoint_every = c.checkpoint_every;
  o.keep_checkpoints = c.keep_checkpoints;
  o.model_name = c.model;
  o.data_name = c.data;
  check(o);
  return o;
}

}  // namespace valley
