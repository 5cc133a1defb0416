#include "valley/train/job.h"

#include <ATen/Parallel.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/comm/agreement.h"
#include "valley/comm/backends.h"
#include "valley/core/cores.h"
#include "valley/core/error.h"
#include "valley/data/training_sample.h"
#include "valley/data/vocabulary.h"
#include "valley/models/device.h"
#include "valley/models/model_names.h"
#include "valley/models/registry.h"
#include "valley/models/safetensors.h"
#include "valley/models/scripted.h"
#include "valley/models/state_dict.h"
#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/record/run_state.h"
#include "valley/task/classification.h"
#include "valley/task/language.h"
#include "valley/train/job_card.h"
#include "valley/train/model_file.h"
#include "valley/train/probe.h"
#include "valley/train/rehearsal.h"

namespace valley {

namespace {

// LibTorch would give every worker all cores. Threads of a process share what it has; processes
// tell each other what they see, since only together do they know who shares a core.
int cores_of_worker(Communicator& comm) {
  const CoreView own =
      view_of_cores([](const char* name) -> const char* { return std::getenv(name); });
  if (comm.capabilities().shares_memory) return std::max(1, share_of_cores(0, {own}) / comm.size());
  std::vector<CoreView> all;
  for (const std::string& text : comm.all_gather_text(to_text(own))) {
    all.push_back(core_view_from(text));
  }
  return share_of_cores(static_cast<size_t>(comm.rank()), all);
}

// By worker 0, for a person and for the record.
void tell_partition(const PartitionSpec& spec, const Dataset& train, const RunConfig& config,
                    int workers, const JobContext& context) {
  const ClassHistogram histogram =
      class_histogram(train.targets, train.classes,
                      make_partition(train.targets, train.classes, workers, spec, train.origins));
  if (!config.out.empty()) {
    write_json(std::filesystem::path(config.out) / "partition.json",
               {{"partition", to_string(spec)},
                {"seed", spec.seed},
                {"workers", workers},
                {"class_counts", histogram.counts}});
  }
  if (context.show_partition && context.progress != nullptr)
    context.progress->message(histogram_table(histogram));
}

// Of a TorchScript file, or of the registry; on the CPU, as it is made.
std::unique_ptr<Model> load_or_make(const RunConfig& config, const DataSplits& data) {
  const std::string model = model_to_load(config);
  if (is_model_file(model)) return ScriptedModel::load(model, config.output);
  require(config.output.empty(), "{} {} is for TorchScript files, {} has one output", Key{"output"},
          config.output, model);
  const Dataset& train = *data.train;
  const at::IntArrayRef sizes = train.inputs.sizes();
  ModelOptions options{
      .classes = train.classes, .vocabulary = train.vocabulary, .seed = config.seed};
  options.input = {1, 1, sizes[1]};
  if (!train.is_text()) options.input = {sizes[1], sizes[2], sizes[3]};
  return make_model(model, options);
}

FittingNames load_initial_weights(const std::string& file, Model& model) {
  const TensorFile weights = load_safetensors(file);
  try {
    return load_what_fits(model, weights.tensors);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{} {}: {}", Key{"init"}, file, error.marked()));
  }
}

// At most so many of them, and how many more.
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 4;
  const size_t shown = std::min(names.size(), kShown);
  const std::string all = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  return shown == names.size() ? all : fmt::format("{} and {} more", all, names.size() - shown);
}

// What of the weights to begin with went where, for a person.
void tell_initial_weights(const RunConfig& config, const DataSplits& data, Progress& progress) {
  const auto model = load_or_make(config, data);
  int64_t values = 0;
  for (const auto& named : model->parameters()) values += named.tensor.numel();
  const FittingNames names = load_initial_weights(weights_to_load(config), *model);
  std::string text =
      fmt::format("begins with {} tensors of {}, {:.4g} % of the parameters", names.taken.size(),
                  weights_file(config.init), 100 * double(names.values) / double(values));
  const auto add = [&](const char* what, const std::vector<std::string>& list) {
    if (!list.empty()) text += fmt::format("; {}: {}", what, some_of(list));
  };
  add("new, for it has another shape", names.other_shape);
  add("new, for the file has none", names.missing);
  add("not taken, for the model has none", names.unknown);
  progress.message(text);
}

// A divergence is for whoever reads the run folder, too.
Summary run_noting_divergence(Trainer& trainer, const std::string& out, int rank) {
  if (out.empty()) return trainer.run();
  // No worker gets to its first step before worker 0 has begun.
  if (rank == 0) forget_divergence(out);
  try {
    return trainer.run();
  } catch (const Diverged& error) {
    note_divergence(out, rank, error.what());
    throw;
  }
}

}  // namespace

at::Device job_device(const RunConfig& config) {
  if (config.device == "auto") {
    const std::string launch = config.launch == Launch::kThreads ? "threads" : "processes";
    const BackendEntry& backend = choose_backend(config.backend, launch);
    if (!backend.capabilities.takes(at::kCUDA)) return at::kCPU;
  }
  return find_device(config.device);
}

std::unique_ptr<Model> make_job_model(const RunConfig& config, const DataSplits& data) {
  std::unique_ptr<Model> model = load_or_make(config, data);
  if (const std::string file = weights_to_load(config); !file.empty())
    load_initial_weights(file, *model);
  if (!config.freeze.empty()) freeze(*model, config.freeze);
  move_to(*model, job_device(config));
  return model;
}

const Task& job_task(const RunConfig& unresolved, const Dataset* train) {
  const RunConfig config = resolved(unresolved);
  if (!config.vocabulary.empty()) return language(Vocabulary::read(config.vocabulary)->lengths());
  if (!config.classification.class_weights.balanced)
    return find_task(config.task, config.classification);
  require(train != nullptr, "{} balanced is by a training set", Key{"class-weights"});
  return find_task(config.task, balanced_by(config.classification, train->targets, train->classes));
}

DataSplits load_job_data(const RunConfig& config) {
  job_device(config);  // before anything is read
  const DataSplits data = load_data(config.data, to_data_options(config));
  TrainOptions options = to_train_options(config);
  options.own_task = &job_task(config, data.train.get());
  const int workers = static_cast<int>(config.workers);
  check(options, data, workers);
  rehearse(*make_job_model(config, data), data, options, workers);
  if (config.probe > 0 && config.probe_draws > 0) {
    draw_training_sample(data.train, config.probe_samples, config.seed, options.partition, workers,
                         fmt::format("{}", Key{"probe-samples"}));
  }
  return data;
}

DataSplits load_job_data_together(const RunConfig& config, Communicator& comm) {
  DataSplits data;
  std::string error;
  try {
    data = load_job_data(config);
  } catch (const UsageError& e) {
    error = e.marked();
  }
  stop_together(comm, error);
  require_agreement(comm, job_card(config, *make_job_model(config, data), data));
  return data;
}

Summary run_job(const RunConfig& config, const DataSplits& data, Communicator& comm,
                const JobContext& context) {
  const int cores = cores_of_worker(comm);  // of all together, whatever each one's --threads
  at::set_num_threads(config.threads > 0 ? static_cast<int>(config.threads) : cores);

  const auto model = make_job_model(config, data);
  TrainOptions options = to_train_options(config);
  options.own_task = &job_task(config, data.train.get());
  options.resume = context.resume;
  options.extend = context.extend;
  options.keepsake = context.keepsake;

  const auto* scripted = dynamic_cast<const ScriptedModel*>(model.get());
  const bool tells = scripted != nullptr && comm.rank() == 0 && context.progress != nullptr;
  if (tells && !context.resume) {
    for (const std::string& note : scripted->notes()) {
      context.progress->message(fmt::format("{} {}", model_title(config), note));
    }
  }
  if (!config.init.empty() && !context.resume && comm.rank() == 0 && context.progress != nullptr)
    tell_initial_weights(config, data, *context.progress);
  if (comm.rank() == 0 && options.partition.kind != PartitionKind::kIid)
    tell_partition(options.partition, *data.train, config, comm.size(), context);

  // It makes models, which draw: before the trainer counts this worker's random numbers.
  std::unique_ptr<Probe> probe;
  if (config.probe > 0) {
    require(context.make_probe != nullptr, "{} needs JobContext::make_probe", Key{"probe"});
    probe = context.make_probe(config, data, comm);
  }
  Trainer trainer(comm, *model, data, std::move(options));
  trainer.set_probe(probe.get(), config.probe);
  trainer.set_progress(context.progress);
  trainer.set_stop_flag(context.stop);
  const Summary summary = run_noting_divergence(trainer, config.out, comm.rank());

  if (scripted != nullptr && comm.rank() == 0 && !config.out.empty() &&
      summary.status == RunState::Kind::kFinished) {
    scripted->save((std::filesystem::path(config.out) / "model.pt").string());
    const std::vector<std::string> unsure = scripted->own_buffers();
    if (tells && !unsure.empty()) {
      context.progress->message(
          fmt::format("model.safetensors holds {}: a TorchScript file does not tell whether such a "
                      "buffer is of the state_dict; if not (persistent=False), "
                      "net.load_state_dict(trained, strict=False) loads it, "
                      "torch.jit.load(\"model.pt\") always",
                      fmt::join(unsure, ", ")));
    }
  }
  return summary;
}

}  // namespace valley
