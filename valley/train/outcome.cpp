#include "valley/train/outcome.h"

#include <ATen/ops/tensor.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"

namespace valley {
namespace {

int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

}  // namespace

Summary summarize(const Worker& worker, const Evaluation& last, bool interrupted) {
  Communicator& comm = worker.comm;
  const TrainOptions& o = worker.options;
  const Meters& meters = worker.meters;
  const bool final_average = !interrupted && worker.algorithm->final_average_needed();
  const PhaseSeconds& s = meters.seconds;
  at::Tensor means =
      at::tensor({s.compute, s.communicate, s.wait, s.data, s.evaluate, s.total,
                  double(meters.samples), double(meters.train_bytes), s.probe, meters.first_loss},
                 at::kDouble)
          .to(worker.x.device());
  comm.all_reduce_mean(means);
  means = means.cpu();
  const double* mean = means.data_ptr<double>();

  const Task& task = task_of(o);
  const bool evaluated = !last.train.values.empty();
  const Scores none = zero_scores(task.sheet());
  const double ssgd_bytes =
      double(worker.x.numel()) * double(worker.x.element_size()) * double(worker.clock.step);
  Summary r{.status = interrupted ? RunState::Kind::kInterrupted : RunState::Kind::kFinished,
            .algorithm = o.algorithm,
            .model = o.model_name,
            .data = o.data_name,
            .workers = comm.size(),
            .backend = std::string(comm.backend()),
            .seed = o.seed,
            .parameters = worker.x.numel(),
            .steps = worker.clock.step,
            .epochs = worker.clock.epoch(),
            .sheet = task.sheet(),
            .train = evaluated ? last.train : none,
            .test = evaluated && !last.test.values.empty() ? last.test : none,
            .test_by_worker = last.test_by_worker,
            .validation = last.validation,
            .model_step = last.model_step,
            .generalization_gap = last.generalization_gap,
            .first_loss = mean[9],
            .chance = last.chance ? last.chance : task.chance(worker.data.test->targets),
            .valley_width = last.valley_width,
            .predicted_width = meters.predicted_width,
            .rounds = worker.algorithm->rounds() + (final_average ? 1 : 0),
            .comm_bytes_per_worker = std::llround(mean[7]),
            .comm_fraction_of_ssgd = mean[7] / ssgd_bytes,
            .seconds = {.compute = mean[0],
                        .communicate = mean[1],
                        .wait = mean[2],
                        .data = mean[3],
                        .evaluate = mean[4],
                        .probe = mean[8],
                        .total = mean[5]},
            .probes = meters.probes,
            .peak_rss_bytes = peak_rss_bytes()};
  r.samples_per_second =
      mean[6] * comm.size() / (r.seconds.total - r.seconds.evaluate - r.seconds.probe);
  if (!interrupted) {
    r.verdict =
        judge({.first_loss = r.first_loss,
               .train_loss = r.train.loss(),
               .train_score = r.train[r.sheet.main().name],
               .test_score = r.headline(),
               .train_chance = last.chance ? last.chance : task.chance(worker.data.train->targets),
               .test_chance = r.chance},
              r.sheet.main());
  }
  if (!o.out.empty() && comm.rank() == 0) {
    write_json(std::filesystem::path(o.out) / RunFolder::kSummary, r.to_json());
  }
  return r;
}

}  // namespace valley
