#include "app/measure_sharpness.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/numbers.h"
#include "app/pass_meter.h"
#include "valley/analysis/row_scale.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

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

Json measure_all(Minimum& minimum, const SharpnessRequest& request, const std::string& folder,
                 PassMeter& meter) {
  Json result = Json::object();
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
          throw UsageError(fmt::format("{}: {}: {}", folder, entry->name, error.what()));
        measured.note = error.what();
      }
    } else {
      require(!request.required, "{}: {} {}", folder, entry->name, measured.note);
    }
    Json json = {{"value", measured.value ? Json(*measured.value) : Json()}};
    if (measured.standard_error) json["standard_error"] = *measured.standard_error;
    if (!measured.note.empty()) json["note"] = measured.note;
    json.update(measured.details);
    json["seconds"] = now_seconds() - start;
    result[entry->name] = json;
  }
  return result;
}

}  // namespace

void add_measuring_flags(CLI::App& command, SharpnessFlags& flags) {
  command
      .add_option("--measures", flags.measures,
                  "separated by commas; see `valley list measures`; nothing: all that apply")
      ->delimiter(',');
  add_sample_flags(command, flags,
                   "training examples the loss is taken over, drawn balanced; 0: all",
                   "of the examples and of all draws");
  add_number(command, "--draws", flags.draws, "of every mean over random points or vectors");
  add_number(command, "--kappa", flags.kappa,
             "mean-valley: the valley ends where the loss is kappa times that of the average");
  command
      .add_option("--search", flags.search,
                  "mean-valley: bisect, or step: walk until the first crossing")
      ->capture_default_str();
  add_number(command, "--step", flags.step, "mean-valley: length of a step; bisect: of the first");
  command
      .add_option("--batch-norm", flags.batch_norm,
                  "average: the statistics of the average model everywhere; probe: re-estimated "
                  "wherever the loss is taken, at twice the cost")
      ->capture_default_str();
  command.add_flag("--normalise", flags.normalise,
                   "measure in weights whose rows (filters) have length 1");
  add_number(command, "--rho", flags.rho, "sam: radius of the ball");
  add_number(command, "--lanczos", flags.lanczos, "lambda-max: Lanczos vectors at most");
  add_number(command, "--memory", flags.memory, "GB; Lanczos keeps fewer vectors and says so");
}

SharpnessRequest check_flags(const SharpnessFlags& flags) {
  SharpnessRequest request;
  std::set<std::string> seen;
  for (const std::string& name : flags.measures) {
    require(seen.insert(name).second, "--measures has {} twice", name);
    find_measure(name);
  }
  for (const MeasureEntry& entry : measures()) {
    if (seen.empty() || seen.contains(entry.name)) request.measures.push_back(&entry);
  }

  const bool by_step = choose("--search", flags.search, {"bisect", "step"}) == 1;
  request.objective.batch_norm = parse_batch_norm(flags.batch_norm);
  check(flags);
  require(flags.lanczos >= 2, "--lanczos must be at least 2, got {}", flags.lanczos);
  require(std::isfinite(flags.memory) && flags.memory > 0, "--memory must be above 0, got {}",
          flags.memory);
  require(std::isfinite(flags.step) && 0 < flags.step && flags.step <= 1e4,
          "--step must be in (0, 10000], got {}", flags.step);

  request.options.valley = {.kappa = flags.kappa,
                            .search = by_step ? ValleySearch::kStep : ValleySearch::kBisect,
                            .step = flags.step};
  request.options.seed = flags.seed_bits();
  request.options.draws = flags.draws;
  request.options.rho = flags.rho;
  request.options.lanczos_steps = flags.lanczos;
  check(request.options);
  request.objective.threads = static_cast<int>(flags.workers);
  return request;
}

void require_measurable(const std::vector<FinishedRun>& runs, const SharpnessFlags& flags,
                        SharpnessRequest& request) {
  request.required = !flags.measures.empty() && runs.size() == 1;
  if (flags.measures.empty() || runs.size() == 1)
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

Json options_of(const SharpnessFlags& flags) {
  return {{"samples", flags.samples},       {"draws", flags.draws},         {"seed", flags.seed},
          {"kappa", flags.kappa},           {"search", flags.search},       {"step", flags.step},
          {"batch-norm", flags.batch_norm}, {"normalise", flags.normalise}, {"rho", flags.rho},
          {"lanczos", flags.lanczos},       {"memory", flags.memory}};
}

Json measure_sharpness(const FinishedRun& run, const SharpnessFlags& flags,
                       const SharpnessRequest& request, Progress& progress,
                       const std::atomic<bool>* stop) {
  const double start = now_seconds();
  const DataSplits data = run.load_data();
  const RunWeights weights = run.load_weights(data);
  const auto train = examples_of(data.train, flags);

  PassMeter* meter = nullptr;
  ObjectiveOptions options = request.objective;
  options.decay_rule = run.decay_rule();
  options.on_passes = [&](double passes) {
    if (stop != nullptr && *stop) throw Stopped{};
    if (meter != nullptr) meter->add(passes);
  };
  Objective objective([&] { return run.make_model(data); }, train, *data.train, options);
  const at::Tensor scale =
      flags.normalise ? row_scale(weights.average, weights.ranges) : at::Tensor();
  MinimumData minimum_data =
      minimum_of(objective, weights.average, weights.workers, weights.initial, scale);
  MeasureOptions measure_options = request.options;
  measure_options.bytes = bytes_for_vectors(minimum_data, measure_options, flags.memory);
  Minimum minimum(std::move(minimum_data), measure_options);
  const double loss = options.batch_norm == BatchNormAt::kProbe ? 2 : 1;
  std::vector<double> parts = {loss};
  for (const MeasureEntry* entry : request.measures) {
    if (why_not(*entry, minimum).empty()) parts.push_back(passes_of(*entry, minimum, request));
  }
  PassMeter counting(progress, parts);
  meter = &counting;
  counting.begin(loss);
  const PointScores scores = minimum.at_average();
  require_finite(scores.loss, run);
  const Summary& s = run.summary();
  Json result = about(run);
  result.update({{"workers", s.workers},
                 {"run_seed", s.seed},
                 {"parameters", objective.size()},
                 {"generalization_gap", s.generalization_gap},
                 {"examples", train->size()},
                 {"training_examples", data.train->size()},
                 {"loss", scores.loss},
                 {"accuracy", scores.accuracy},
                 {"seed", request.options.seed},
                 {"batch_norm", flags.batch_norm},
                 {"normalised", flags.normalise},
                 {"options", options_of(flags)}});
  result["measures"] = measure_all(minimum, request, run.folder(), counting);
  counting.finish();
  result["seconds"] = now_seconds() - start;
  result["version"] = kVersion;
  return result;
}

Json earlier_sharpness(const std::string& file, const Json& options) {
  try {
    if (!fs::exists(file)) return nullptr;
    Json earlier = read_json(file);
    if (earlier.is_object() && earlier.value("options", Json()) == options) return earlier;
  } catch (const UsageError&) {  // damaged: nothing to keep
  }
  return nullptr;
}

Json with_earlier_measures(Json result, const std::string& file) {
  const Json earlier = earlier_sharpness(file, result["options"]);
  if (earlier.is_null() || earlier.value("loss", Json()) != result["loss"]) return result;
  const Json measures = earlier.value("measures", Json::object());
  for (const auto& [name, measure] : measures.items()) {
    if (!result["measures"].contains(name)) result["measures"][name] = measure;
  }
  return result;
}

}  // namespace valley::app
