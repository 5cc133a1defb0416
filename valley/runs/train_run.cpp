#include "valley/runs/train_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "valley/comm/backends.h"
#include "valley/core/error.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/runs/outcome.h"
#include "valley/runs/training_folder.h"

namespace valley {

namespace fs = std::filesystem;

Summary train_in_threads(const RunConfig& config, const DataSplits& data,
                         const JobContext& context) {
  Summary result;
  StallWatch stalls;
  if (context.progress != nullptr)
    stalls.tell = [&](const std::string& text) { context.progress->message(text); };
  run_group(
      choose_backend(config.backend, "threads"), static_cast<int>(config.workers),
      [&](Communicator& comm) {
        const Summary summary = run_job(config, data, comm, context);
        if (comm.rank() == 0) result = summary;
      },
      config.timeout, stalls);
  return result;
}

void require_trainable(const std::vector<NamedRun>& runs) {
  std::set<std::string> seen;
  for (const auto& [name, c] : runs) {
    if (finished_outcome(c.out)) continue;
    const std::string asked =
        fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
                    c.data, c.train_samples, c.test_samples, to_string(c.partition), c.model,
                    c.workers, c.batch_size, int(c.tail), c.steps, c.epochs, int(c.decay_rule),
                    c.sam.rho > 0, c.output, c.auxiliary > 0, c.device, int(c.precision), c.init,
                    c.freeze, c.accumulate, c.augmentation.erase > 0, c.augmentation.mixup > 0,
                    c.augmentation.cutmix > 0, c.adversarial.attack.any(), c.personal);
    if (!seen.insert(asked).second) continue;
    try {
      load_job_data(c);
    } catch (const UsageError& error) {
      throw UsageError(fmt::format("{}: {}", name, error.marked()));
    }
  }
}

Summary train_or_resume(const RunConfig& given, const std::string& title, const RunWatch& watch) {
  const auto say = [&](const std::string& line) {
    if (watch.say && !line.empty()) watch.say(line);
  };
  if (const auto finished = finished_outcome(given.out)) {
    say(given.out + " is finished already");
    return *finished;
  }
  const DataNotes notes;
  const DataSplits data = load_job_data(given);
  const RunConfig config = with_absolute_paths(given);
  const bool resume = fs::exists(fs::path(config.out) / RunFolder::kConfig);
  const TrainingFolder folder(config, resume);
  if (watch.left_out) watch.left_out(notes);
  say(title);
  if (resume) say(damaged_summary_notice(config.out));
  try {
    JobContext context = watch.begin ? watch.begin() : JobContext();
    context.resume = resume;
    return train_in_threads(config, data, context);
  } catch (const UsageError&) {
    folder.withdraw();
    throw;
  }
}

std::string free_run_folder(const RunConfig& config) {
  const std::string model = fs::path(config.model).stem().string();
  const std::string base = fmt::format("runs/{}-{}-seed{}", config.algorithm, model, config.seed);
  std::string out = base;
  for (int k = 2; fs::exists(out); ++k) out = fmt::format("{}-{}", base, k);
  return out;
}

}  // namespace valley
