#include "valley/train/outcome.h"

#include <ATen/ops/tensor.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"

namespace valley {
namespace {

int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// What always answering the commonest class scores.
double share_of_commonest(const Dataset& data) {
  std::vector<int64_t> counts(static_cast<size_t>(data.classes));
  const at::Tensor targets = data.targets.contiguous();
  for (int64_t i = 0; i < targets.numel(); ++i) {
    ++counts[static_cast<size_t>(targets.data_ptr<int64_t>()[i])];
  }
  return double(*std::max_element(counts.begin(), counts.end())) / double(targets.numel());
}

}  // namespace

Summary summarize(Communicator& comm, const WorkerOutcome& outcome) {
  const TrainOptions& o = outcome.options;
  const Meters& meters = outcome.meters;
  const PhaseSeconds& s = meters.seconds;
  at::Tensor means =
      at::tensor({s.compute, s.communicate, s.wait, s.data, s.evaluate, s.total,
                  double(meters.samples), double(meters.train_bytes), s.probe, meters.first_loss},
                 at::kDouble);
  comm.all_reduce_mean(means);
  const double* mean = means.data_ptr<double>();

  const Scores &train = outcome.last.train, &test = outcome.last.test;
  const double ssgd_bytes =
      double(outcome.x.numel()) * double(outcome.x.element_size()) * double(outcome.clock.step);
  Summary r{
      .status = outcome.interrupted ? RunState::Kind::kInterrupted : RunState::Kind::kFinished,
      .algorithm = o.algorithm,
      .model = o.model_name,
      .data = o.data_name,
      .workers = comm.size(),
      .backend = std::string(comm.backend()),
      .seed = o.seed,
      .parameters = outcome.x.numel(),
      .steps = outcome.clock.step,
      .epochs = outcome.clock.epoch(),
      .train_loss = train.loss,
      .train_accuracy = train.accuracy,
      .test_loss = test.loss,
      .test_accuracy = test.accuracy,
      .generalization_gap = outcome.last.generalization_gap(),
      .first_loss = mean[9],
      .chance_accuracy = share_of_commonest(*outcome.data.test),
      .valley_width = outcome.last.valley_width,
      .predicted_width = meters.predicted_width,
      .rounds = outcome.rounds,
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
  if (!outcome.interrupted) {
    r.verdict = judge({.first_loss = r.first_loss,
                       .train_loss = r.train_loss,
                       .train_accuracy = r.train_accuracy,
                       .test_accuracy = r.test_accuracy,
                       .train_chance = share_of_commonest(*outcome.data.train),
                       .test_chance = r.chance_accuracy});
  }
  if (!o.out.empty() && comm.rank() == 0) {
    write_json(std::filesystem::path(o.out) / RunFolder::kSummary, r.to_json());
  }
  return r;
}

}  // namespace valley
