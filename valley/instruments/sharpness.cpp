#include "valley/instruments/sharpness.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "valley/analysis/minimum.h"
#include "valley/analysis/row_scale.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/pass_meter.h"

namespace valley {
namespace {

int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// What is left for vectors beside what a product itself takes, which is known after one. Small
// models need not be asked.
int64_t bytes_for_vectors(const MinimumData& data, const MeasureOptions& options, double memory) {
  const auto bytes = static_cast<int64_t>(memory * 1e9);
  const int64_t most =
      std::max(options.lanczos_steps, options.spectrum_probes * (options.spectrum_steps + 1));
  if (most * static_cast<int64_t>(data.average.nbytes()) > bytes / 10) {
    try {
      data.products({data.average});
    } catch (const UsageError&) {  // there are none: what needs them says so
    }
  }
  return std::max<int64_t>(bytes - peak_bytes(), 0);
}

// What one measure leaves for another is not done twice.
double passes_of(const MeasureEntry& entry, const Minimum& minimum,
                 const SharpnessRequest& request) {
  if (entry.beside.empty()) return entry.passes(minimum);
  const MeasureEntry& other = find_measure(entry.beside);
  const auto& asked = request.measures;
  const bool both = std::find(asked.begin(), asked.end(), &other) != asked.end();
  return both ? 0 : other.passes(minimum);
}

std::vector<Measured> measure_all(Minimum& minimum, const SharpnessRequest& request,
                                  const std::string& folder, PassMeter& meter) {
  std::vector<Measured> result;
  for (const MeasureEntry* entry : request.measures) {
    Measurement measured;
    const double start = now_seconds();
    measured.note = why_not(*entry, minimum);
    if (measured.note.empty()) {
      meter.begin(passes_of(*entry, minimum, request));
      try {
        measured = entry->measure(minimum);
      } catch (const UsageError& error) {
        if (request.required)
          throw UsageError(fmt::format("{}: {}: {}", folder, entry->name, error.marked()));
        measured.note = error.what();
      }
    } else {
      require(!request.required, "{}: {} {}", folder, entry->name, measured.note);
    }
    result.push_back({entry, std::move(measured), now_seconds() - start});
  }
  return result;
}

// The gaps of another run's workers, at this run's average.
std::vector<at::Tensor> workers_along(const std::string& folder, const RunWeights& weights,
                                      const FinishedRun& run) {
  const FinishedRun other = FinishedRun::open(folder);
  const RunWeights theirs = other.load_weights(other.load_data());
  require(theirs.average.sizes() == weights.average.sizes(),
          "{} {}: its network has {} parameters, that of {} {}", Key{"along"}, folder,
          theirs.average.numel(), run.folder(), weights.average.numel());
  std::vector<at::Tensor> workers;
  for (const at::Tensor& worker : theirs.workers)
    workers.push_back(weights.average + (worker - theirs.average));
  return workers;
}

}  // namespace

SharpnessRequest sharpness_request(const SharpnessOptions& options, int threads) {
  check(options);
  SharpnessRequest request{
      .options = options, .measures = {}, .measuring = measuring(options), .objective = {}};
  for (const MeasureEntry& entry : measures()) {
    const auto& asked = options.measures;
    if (asked.empty() || std::find(asked.begin(), asked.end(), entry.name) != asked.end())
      request.measures.push_back(&entry);
  }
  request.objective.batch_norm = options.batch_norm;
  request.objective.threads = threads;
  return request;
}

void require_measurable(const std::vector<FinishedRun>& runs, SharpnessRequest& request) {
  request.required = !request.options.measures.empty() && runs.size() == 1;
  if (request.options.measures.empty() || runs.size() == 1 || !request.options.along.empty())
    return;                                            // whether it has them, measuring will say
  std::map<const MeasureEntry*, std::string> lacking;  // and why the first run lacks it
  for (const MeasureEntry* entry : request.measures) {
    if (entry->needs != Needs::kNothing) lacking[entry];
  }
  for (size_t i = 0; i < runs.size() && !lacking.empty(); ++i) {
    const DataSplits data = runs[i].load_data();
    const RunWeights weights = runs[i].load_weights(data);
    for (auto it = lacking.begin(); it != lacking.end();) {
      const std::string reason =
          why_not(*it->first, weights.average, weights.workers, weights.initial);
      if (i == 0) it->second = reason;
      it = reason.empty() ? lacking.erase(it) : std::next(it);
    }
  }
  for (const MeasureEntry* entry : request.measures) {
    const auto found = lacking.find(entry);
    require(found == lacking.end(), "{}: {} {}; no other run has it either", runs[0].folder(),
            entry->name, found == lacking.end() ? "" : found->second);
  }
}

SharpnessResult measure_sharpness(const FinishedRun& run, const SharpnessRequest& request,
                                  const InstrumentWatch& watch) {
  const double start = now_seconds();
  const DataSplits data = run.load_data();
  RunWeights weights = run.load_weights(data);
  if (!request.options.along.empty())
    weights.workers = workers_along(request.options.along, weights, run);
  const auto train = examples_of(data.train, request.options.samples, request.options.seed);

  PassMeter* meter = nullptr;
  ObjectiveOptions options = request.objective;
  options.decay_rule = run.decay_rule();
  options.task = &run.task();
  options.on_passes = [&](double passes) {
    if (watch.stop != nullptr && *watch.stop) throw Stopped{};
    if (meter != nullptr) meter->add(passes);
  };
  Objective objective([&] { return run.make_model(data); }, train, *data.train, options);
  const at::Tensor scale =
      request.options.normalise ? row_scale(weights.average, weights.ranges) : at::Tensor();
  MinimumData minimum_data =
      minimum_of(objective, weights.average, weights.workers, weights.initial, scale);
  MeasureOptions measuring = request.measuring;
  measuring.bytes = bytes_for_vectors(minimum_data, measuring, request.options.memory);
  Minimum minimum(std::move(minimum_data), measuring);
  const double loss = options.batch_norm == BatchNormAt::kProbe ? 2 : 1;
  std::vector<double> parts = {loss};
  for (const MeasureEntry* entry : request.measures) {
    if (why_not(*entry, minimum).empty()) parts.push_back(passes_of(*entry, minimum, request));
  }
  PassMeter counting(watch.progress, parts);
  meter = &counting;
  counting.begin(loss);
  const PointScores scores = minimum.at_average();
  require_finite(scores.loss, run);
  SharpnessResult result{.run = facts_of(run),
                         .options = request.options,
                         .parameters = objective.size(),
                         .generalization_gap = run.summary().generalization_gap,
                         .examples = train->size(),
                         .training_examples = data.train->size(),
                         .scores = scores.scores,
                         .measures = measure_all(minimum, request, run.folder(), counting)};
  counting.finish();
  result.seconds = now_seconds() - start;
  return result;
}

}  // namespace valley
