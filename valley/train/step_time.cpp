#include "valley/train/step_time.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "valley/algorithms/option_text.h"
#include "valley/core/error.h"
#include "valley/schedule/period.h"

namespace valley {
namespace {

constexpr double kFraming = 1514.0 / 1448.0;
constexpr double kHeaderBytes = 64;
constexpr int64_t kLargestGraph = 512;
constexpr int64_t kRounds = 32;  // that are looked at, where they differ
// Of a core, a value or a byte.
constexpr double kPass = 1.3e-9, kCoding = 3e-9, kLate = 3e-9, kMoving = 1.2e-9;

struct Method {
  const AlgorithmEntry& entry;
  AlgorithmOptions options;
  PeriodSpec period{.base = 1};
  double delay = 0;
  bool of_neighbours = false, in_slices = false, gathers = false, of_factors = false;
  bool local_steps = false;  // and a pass over x in every round

  explicit Method(const RunConfig& config)
      : entry(find_algorithm(config.algorithm)), options(entry.with(config.method)) {
    const std::string levels = option_text(options, "hierarchy");
    require(levels.empty() || levels == "none",
            "{} {} has two kinds of rounds: estimate one of them", Key{"hierarchy"}, levels);
    if (const std::string text = option_text(options, "period"); !text.empty())
      period = parse_period(text);
    if (const std::string text = option_text(options, "delay"); !text.empty())
      delay = std::stod(text);
    const std::string topology = option_text(options, "topology"),
                      wire = option_text(options, "wire");
    of_neighbours = (!topology.empty() && topology != "complete") || options.has("relay-tree") ||
                    config_is("noloco");
    const auto chosen = [](const std::string& text) { return !text.empty() && text != "none"; };
    of_factors = chosen(wire) && powersgd_rank(wire);
    in_slices = (chosen(wire) && !of_factors) || entry.owns_update;
    gathers = config_is("sparsign") || config_is("wash") ||
              chosen(option_text(options, "compress-rounds"));
    local_steps = options.has("period");
    if (const std::string text = option_text(options, "gossip-period"); !text.empty())
      period = parse_period(text);
  }

  // What may travel while a worker computes one step, in steps.
  double hides() const {
    if (config_is("ssgd")) return in_slices ? 0 : 0.5;
    if (delay > 0) return delay;
    return option_text(options, "mixing") == "awc" ? 1 : 0;
  }

  bool config_is(std::string_view name) const { return entry.name == name; }
};

// The most that one of the workers hands in, in the mean over rounds.
double payload_of(const Method& method, const Network& network, int64_t workers, uint64_t seed) {
  const int64_t graph = std::min(workers, kLargestGraph);
  double most = 0;
  for (const int64_t rank : {int64_t{0}, int64_t{1}, graph / 2, graph - 1}) {
    double sum = 0;
    const int64_t rounds = method.of_neighbours || method.in_slices ? kRounds : 1;
    for (int64_t round = 0; round < rounds; ++round) {
      sum +=
          double(method.entry.bytes_per_round({.d = network.parameters,
                                               .rank = static_cast<int>(std::min(rank, graph - 1)),
                                               .workers = static_cast<int>(graph),
                                               .seed = seed,
                                               .round = round + 1,
                                               .shapes = network.shapes,
                                               .optimizer_vectors = 0},
                                              method.options));
    }
    most = std::max(most, sum / double(rounds));
  }
  if (workers > graph && option_text(method.options, "topology") == "exponential")
    most *= std::ceil(std::log2(double(workers))) / std::log2(double(graph));
  return most;
}

}  // namespace

double largest_normal(int64_t count) {
  if (count < 2) return 0;
  const double p = (double(count) - 0.375) / (double(count) + 0.25);
  double low = 0, high = 10;  // where the distribution reaches p
  for (int k = 0; k < 60; ++k) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return low;
}

StepTime step_time(const RunConfig& config, const Network& network, const LocalStep& local,
                   const Link& link) {
  require(network.parameters >= 1, "{} must be at least 1, got {}", Key{"parameters"},
          network.parameters);
  require(local.seconds > 0, "{} must be above 0, got {}", Key{"step-seconds"}, local.seconds);
  require(local.spread >= 0 && local.spread <= 1, "{} must be in [0, 1], got {}", Key{"spread"},
          local.spread);
  require(link.bits_per_second > 0, "{} must be above 0, got {}", Key{"bandwidth"},
          link.bits_per_second / 1e6);
  require(link.latency >= 0, "{} must be at least 0, got {}", Key{"latency"}, link.latency * 1e3);
  StepTime time{.compute = local.seconds};
  const int64_t m = config.workers;
  if (m == 1) return time;
  const Method method(config);
  require(!method.of_factors || !network.shapes.empty(),
          "{} {} sends factors of matrices: give {}, the rows and columns of the layers",
          Key{"wire"}, option_text(method.options, "wire"), Key{"shapes"});
  const double payload = payload_of(method, network, m, static_cast<uint64_t>(config.seed));
  const double others = double(m - 1), share = others / double(m), ring = 2 * others;
  // A slice of what is coded is handed in once and sent to all others.
  const double sent = method.of_neighbours ? payload
                      : method.gathers     ? others * payload
                                           : 2 * share * payload;
  // What the optimizers remember is an all-reduce of its own, where it is averaged.
  const bool averaged = option_text(method.options, "optimizer-state") == "average";
  const double vectors = averaged ? double(resolved(config).optimizer.remembered_vectors()) : 0;
  const auto d = static_cast<double>(network.parameters);
  const double operations = (method.in_slices || method.of_factors ? 2 : 1) + vectors;
  const double of_data = method.of_neighbours || method.gathers ? 1
                         : method.in_slices                     ? 2
                         : method.of_factors                    ? 2 * ring
                                                                : ring;
  const double turns = operations + of_data + vectors * ring;
  const double bytes =
      (sent + vectors * 2 * share * d * 4 + kHeaderBytes * others * operations) * kFraming;
  const double travels = bytes * 8 / link.bits_per_second + turns * link.latency;

  const auto tau = static_cast<double>(method.period.base);
  const auto fragments = option_text(method.options, "fragments");
  const double pieces = fragments.empty() ? 1 : std::stod(fragments), rounds = pieces / tau;
  const double hidden = std::min(travels, method.hides() * local.seconds);
  const double moving = hidden / travels * sent * kMoving;
  const double values = (method.local_steps ? kPass : 0) + (method.in_slices ? kCoding : 0) +
                        (method.delay > 0 ? kLate : 0);
  time.hidden = hidden * rounds;
  time.communicate = (travels - hidden + moving + values * d / pieces) * rounds;
  time.wait = local.spread * local.seconds * std::sqrt(tau) * largest_normal(m) / tau;
  time.wire_bytes = bytes * rounds;
  return time;
}

std::optional<int64_t> period_for_share(const RunConfig& config, const Network& network,
                                        const LocalStep& local, const Link& link, double share) {
  const Method method(config);
  if (!method.options.has("period")) return std::nullopt;
  const StepTime now = step_time(config, network, local, link);
  const double round = now.communicate * double(method.period.base);
  return std::max<int64_t>(1, std::llround(std::ceil(round / (share * local.seconds) - 1e-9)));
}

}  // namespace valley
