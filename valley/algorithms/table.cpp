#include "valley/algorithms/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "valley/algorithms/ad_psgd.h"
#include "valley/algorithms/cd_adam.h"
#include "valley/algorithms/choco.h"
#include "valley/algorithms/d2.h"
#include "valley/algorithms/diloco.h"
#include "valley/algorithms/dppf.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/drag.h"
#include "valley/algorithms/dsgd_ac.h"
#include "valley/algorithms/dsgtm_tv.h"
#include "valley/algorithms/easgd.h"
#include "valley/algorithms/fedavg.h"
#include "valley/algorithms/fedprox.h"
#include "valley/algorithms/gradient_tracking.h"
#include "valley/algorithms/graph.h"
#include "valley/algorithms/lgrawa.h"
#include "valley/algorithms/local_sgd.h"
#include "valley/algorithms/lsgd.h"
#include "valley/algorithms/mgrawa.h"
#include "valley/algorithms/noloco.h"
#include "valley/algorithms/option_text.h"
#include "valley/algorithms/palsgd.h"
#include "valley/algorithms/qg_dsgdm.h"
#include "valley/algorithms/relaysgd.h"
#include "valley/algorithms/scaffold.h"
#include "valley/algorithms/sgp.h"
#include "valley/algorithms/slowmo.h"
#include "valley/algorithms/sparsign.h"
#include "valley/algorithms/sparta.h"
#include "valley/algorithms/ssgd.h"
#include "valley/algorithms/ssgd_noise.h"
#include "valley/algorithms/wash.h"
#include "valley/compression/payload.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

void check_one_coding(const std::string& wire, const std::string& compress_rounds) {
  require(wire == "none" || compress_rounds == "none",
          "{} and {} both say what a round sends: one of them, please", Key{"wire"},
          Key{"compress-rounds"});
}

void check_whole(Key key, const std::string& wire, const Streaming& streaming) {
  require(streaming.fragments == 1 || !powersgd_rank(wire),
          "{} {} takes matrices as a whole, which {} cuts", key, wire, Key{"fragments"});
}

template <typename Options>
void check_wires(const Options& o) {
  check_one_coding(o.wire, o.compress_rounds);
  check_whole({"wire"}, o.wire, o.streaming);
  check_whole({"inner-wire"}, o.hierarchy.inner_wire, o.streaming);
}

// Of a mean that is said by the wire.
int64_t mean_bytes(const RoundCost& cost, const std::string& wire) {
  if (wire == "none") return cost.vector();
  const auto rank = powersgd_rank(wire);
  if (!rank) return wire_bytes(wire, cost.d, cost.element_size, cost.workers);
  require(!cost.shapes.empty(), "{} {}: its bytes follow from the shapes of the layers, not {}",
          Key{"wire"}, wire, Key{"parameters"});
  return powersgd_values(*rank, cost.shapes) * cost.element_size;
}

// Of a round within a group; of the workers of a machine there are taken to be several.
int64_t inner_bytes(RoundCost cost, const Hierarchy& hierarchy) {
  if (hierarchy.group_size > 0) cost.workers = static_cast<int>(hierarchy.group_size);
  return cost.workers == 1 ? 0 : mean_bytes(cost, hierarchy.inner_wire);
}

template <typename Options>
int64_t optimizer_state_bytes(const RoundCost& cost, const Options& options) {
  if constexpr (requires { options.optimizer_state; }) {
    if (options.optimizer_state == OptimizerState::kAverage)
      return cost.optimizer_vectors * cost.vector();
  }
  return 0;
}

// The row as the table keeps it.
template <typename Options>
AlgorithmEntry row(AlgorithmEntryOf<Options> r) {
  AlgorithmEntry entry;
  entry.name = std::move(r.name);
  entry.summary = std::move(r.summary);
  entry.cost = std::move(r.cost);
  entry.defaults = Options();
  entry.bytes_per_round = [bytes = r.bytes_per_round](RoundCost cost,
                                                      const AlgorithmOptions& options) {
    const auto& o = options.as<Options>();
    if constexpr (requires { o.streaming; }) {
      cost.d = fragment_size(cost.round, o.streaming, cost.d);
    }
    if (cost.workers == 1) return int64_t{0};
    if constexpr (requires { o.hierarchy; }) {
      if (!o.hierarchy.outer(cost.round / o.streaming.fragments))
        return inner_bytes(cost, o.hierarchy);
    }
    return bytes(cost, o) + optimizer_state_bytes(cost, o);
  };
  entry.check = [check = r.check](const AlgorithmOptions& options, int workers, uint64_t seed) {
    const auto& o = options.as<Options>();
    check_ranges(o);
    if constexpr (requires { o.hierarchy; }) {
      check_hierarchy(o.hierarchy, o.period, o.compress_rounds);
      check_groups(o.hierarchy, workers);
      check_streaming(o.streaming, period_of(o.hierarchy, o.period));
      check_optimizer_state(o.optimizer_state, o.streaming);
      check_optimizer_state(o.optimizer_state, o.hierarchy);
      check_wires(o);
    }
    if (check != nullptr) check(o, workers, seed);
  };
  entry.impartial = r.impartial;
  entry.weighs = r.weighs;
  if (r.plain_alone != nullptr) {
    entry.plain_alone = [change = r.plain_alone](AlgorithmOptions& options) {
      change(options.as<Options>());
    };
  }
  entry.asynchronous = r.asynchronous;
  if (r.momentum_in_gradient != nullptr) {
    entry.momentum_in_gradient = [momentum = r.momentum_in_gradient](const AlgorithmOptions& o) {
      return momentum(o.as<Options>());
    };
  }
  entry.needs = r.needs;
  entry.owns_update = r.owns_update;
  entry.moves_first = [moves = r.moves_first](const AlgorithmOptions& o) {
    return moves != nullptr && moves(o.as<Options>());
  };
  return entry;
}

using Cost = const RoundCost&;

template <typename Options>
int64_t one_vector(Cost cost, const Options&) {
  return cost.vector();
}

// A round that sends `vectors` vectors and `more` values; compressed, one payload and the values.
int64_t round_bytes(Cost cost, const std::string& compress, int64_t vectors, int64_t more) {
  const int64_t rest = more * cost.element_size;
  if (compress == "none") return vectors * cost.vector() + rest;
  return payload_bytes(compress, cost.d, cost.element_size) + rest;
}

template <typename Options>
int64_t mean_of_all(Cost cost, const Options& o) {
  if (o.wire != "none") return mean_bytes(cost, o.wire);
  return round_bytes(cost, o.compress_rounds, 1, 0);
}

// x_C and `more` values, and the average where there is a push. By a wire x_C is a payload that one
// worker says of all of it, or a mean.
template <typename Options>
int64_t consensus_bytes(Cost cost, const Options& o, int64_t more) {
  if (o.wire != "none") {
    const bool one_says_it = std::is_same_v<Options, LsgdOptions>;
    const int64_t mean = mean_bytes(cost, o.wire);
    return more * cost.element_size +
           (one_says_it ? payload_bytes(o.wire, cost.d, cost.element_size) : mean) +
           (o.pull_push.push > 0 ? mean : 0);
  }
  return round_bytes(cost, o.compress_rounds, o.pull_push.push > 0 ? 2 : 1, more);
}

template <typename Options>
int64_t neighbours(Cost cost, const Options& options) {
  Graph graph = graph_of(options, cost.workers, cost.seed);
  return mixing_bytes(graph.matrix(cost.round), cost.rank, cost.d, cost.element_size);
}

template <typename Options>
void check_graph(const Options& options, int workers, uint64_t seed) {
  graph_of(options, workers, seed);
}

// So many mixings a round.
int64_t dpsgd_bytes(Cost cost, const DpsgdOptions& o) {
  int64_t bytes = 0;
  RoundCost gossip = cost;
  for (int64_t i = 0; i < o.gossips; ++i) {
    gossip.round = cost.round * o.gossips + i;
    bytes += neighbours(gossip, o);
  }
  return bytes;
}

int64_t noloco_bytes(Cost cost, const NoLoCoOptions& o) {
  RoundCost counted_from_one = cost;
  ++counted_from_one.round;
  return neighbours(counted_from_one, o);
}

void check_noloco(const NoLoCoOptions& o, int workers, uint64_t seed) {
  check_graph(o, workers, seed);
  require(o.optimizer_state != OptimizerState::kAverage,
          "{} average is the mean of all workers, and of noloco only pairs meet: local or reset",
          Key{"optimizer-state"});
}

int64_t relaysgd_bytes(Cost cost, const RelaySgdOptions& o) {
  const Graph graph = graph_of(o, cost.workers, cost.seed);
  const auto peers = static_cast<int64_t>(graph.topology().graph(0).receivers(cost.rank).size());
  return peers * (cost.vector() + cost.element_size);
}

template <typename Options>
int64_t share_bytes(Cost cost, const Options& o) {
  return count_of(o.exchange_share, cost.d) * cost.element_size;
}

// A payload of every slice to its owner, and of the own one to all.
int64_t squeezed_bytes(Cost cost, const std::string& compress) {
  const int64_t slice = (cost.d + cost.workers - 1) / cost.workers;
  return cost.workers * payload_bytes(compress, slice, cost.element_size);
}

int64_t dsgtm_tv_bytes(Cost cost, const DsgtmTvOptions& options) {
  const Graph graph = graph_of(options, cost.workers, cost.seed);
  return mixing_bytes(row_stochastic(graph.topology().graph(cost.round)), cost.rank, cost.d,
                      cost.element_size);
}

int64_t choco_bytes(Cost cost, const ChocoOptions& options) {
  Graph graph = graph_of(options, cost.workers, cost.seed);
  const auto messages = static_cast<int64_t>(neighbourhood(graph.matrix(0), cost.rank).send.size());
  return messages * payload_bytes(options.compress, cost.d, cost.element_size);
}

int64_t ad_psgd_bytes(Cost cost, const AdPsgdOptions& options) {
  const auto size = static_cast<int>(options.super_learner);
  const Graph graph = graph_of(options, cost.workers, cost.seed);
  const bool active = cost.rank % size == 0 && !partners(graph, cost.rank / size).empty();
  return (active ? 2 * cost.vector() : 0) + (size > 1 ? 2 * cost.vector() : 0);
}

template <typename Options>
bool mixes_first(const Options& options) {
  return options.mixing == MixingOrder::kCta;
}

}  // namespace

const std::vector<AlgorithmEntry>& algorithms() {
  static const std::vector<AlgorithmEntry> table = {
      row<SsgdOptions>(
          {.name = "ssgd",
           .summary = "synchronous SGD: the mean gradient in every step",
           .cost = "d values a step",
           .bytes_per_round = [](Cost cost,
                                 const SsgdOptions& o) { return mean_bytes(cost, o.wire); },
           .needs = {.gradient = true}}),
      row<SsgdNoiseOptions>({.name = "ssgd-noise",
                             .summary = "synchronous SGD with gradients taken at noisy points",
                             .cost = "d values a step",
                             .bytes_per_round = &one_vector,
                             .plain_alone = [](SsgdNoiseOptions& o) { o.noise = 0; },
                             .needs = {.gradient = true},
                             .moves_first = [](const SsgdNoiseOptions& o) { return o.noise > 0; }}),
      row<SparsignOptions>(
          {.name = "sparsign",
           .summary = "ssgd with votes for the signs of the large values of a gradient",
           .cost = "2 bits a value a step",
           .bytes_per_round = [](Cost cost,
                                 const SparsignOptions&) { return ternary_bytes(cost.d); },
           .impartial = false,
           .needs = {.gradient = true}}),
      row<CdAdamOptions>(
          {.name = "cd-adam",
           .summary = "AMSGrad on a mean gradient that is compressed on both ways",
           .cost = "a payload of {compress} of d values a step",
           .bytes_per_round =
               [](Cost cost, const CdAdamOptions& o) { return squeezed_bytes(cost, o.compress); },
           .needs = {.gradient = true},
           .owns_update = true}),
      row<LocalSgdOptions>({.name = "local-sgd",
                            .summary = "train alone, take the average every round",
                            .cost = "d values a round",
                            .bytes_per_round = &mean_of_all,
                            .weighs = true}),
      row<SlowMoOptions>(
          {.name = "slowmo",
           .summary = "local SGD with momentum over the rounds",
           .cost = "d values a round",
           .bytes_per_round = &mean_of_all,
           .weighs = true,
           .plain_alone = [](SlowMoOptions& o) { o.outer_lr = 1, o.outer_momentum = 0; }}),
      row<DiLoCoOptions>(
          {.name = "diloco",
           .summary = "local SGD with a Nesterov step over every round",
           .cost = "d values a round",
           .bytes_per_round = &mean_of_all,
           .weighs = true,
           .plain_alone = [](DiLoCoOptions& o) { o.outer_lr = 1, o.outer_momentum = 0; }}),
      row<PalSgdOptions>(
          {.name = "palsgd",
           .summary = "diloco with random steps towards the last average between its rounds",
           .cost = "d values a round",
           .bytes_per_round = &one_vector,
           .plain_alone =
               [](PalSgdOptions& o) {
                 o.outer_lr = 1, o.outer_momentum = 0, o.anchor_probability = 0;
               }}),
      row<NoLoCoOptions>({.name = "noloco",
                          .summary = "local SGD whose workers meet in random pairs, with momentum",
                          .cost = "d values a round, none for an odd worker out",
                          .bytes_per_round = &noloco_bytes,
                          .check = &check_noloco}),
      row<FedAvgOptions>({.name = "fedavg",
                          .summary = "local SGD in which a random share of the workers takes part",
                          .cost = "d values a round",
                          .bytes_per_round = &one_vector,
                          .impartial = false}),
      row<FedProxOptions>({.name = "fedprox",
                           .summary = "fedavg whose workers are held to where their round began",
                           .cost = "d values a round",
                           .bytes_per_round = &one_vector,
                           .impartial = false,
                           .plain_alone = [](FedProxOptions& o) { o.prox = 0; },
                           .needs = {.gradient = true}}),
      row<ScaffoldOptions>(
          {.name = "scaffold",
           .summary = "fedavg whose gradients are corrected by those of all, for data that differ",
           .cost = "2 d values a round",
           .bytes_per_round = [](Cost cost, const ScaffoldOptions&) { return 2 * cost.vector(); },
           .impartial = false,
           .needs = {.gradient = true}}),
      row<DragOptions>({.name = "drag",
                        .summary = "fedavg whose workers' ways are turned to that of all",
                        .cost = "d values a round",
                        .bytes_per_round = &one_vector,
                        .impartial = false,
                        .plain_alone = [](DragOptions& o) { o.drag = 0; }}),
      row<SpartaOptions>({.name = "sparta",
                          .summary = "averages a random share of the values in every step",
                          .cost = "{exchange-share} of d values a step",
                          .bytes_per_round = &share_bytes}),
      row<WashOptions>({.name = "wash",
                        .summary = "shuffles a random share of the values among the workers",
                        .cost = "{exchange-share} of d values a step",
                        .bytes_per_round = &share_bytes}),
      row<DppfOptions>(
          {.name = "dppf",
           .summary = "pulled towards the average and pushed away from it, every round",
           .cost = "d values a round (push variant exact: 2 d)",
           .bytes_per_round =
               [](Cost cost, const DppfOptions& o) {
                 const auto& [pull, push, relative, variant] = o.pull_push;
                 const bool second = variant == PushVariant::kExact && push > 0;
                 return mean_of_all(cost, o) + (second ? cost.vector() : 0);
               },
           .check = [](const DppfOptions& o, int, uint64_t) { check_compressible(o); },
           .weighs = true}),
      row<EasgdOptions>(
          {.name = "easgd",
           .summary = "pulled towards a centre that follows, pushed away from the average",
           .cost = "d values a round",
           .bytes_per_round = &mean_of_all,
           .weighs = true}),
      row<LsgdOptions>(
          {.name = "lsgd",
           .summary =
               "pulled towards the worker with the lowest loss, pushed away from the average",
           .cost = "2 d + 1 values a round (push 0: d + 1)",
           .bytes_per_round = [](Cost cost,
                                 const LsgdOptions& o) { return consensus_bytes(cost, o, 1); },
           .check = [](const LsgdOptions& o, int,
                       uint64_t) { check_rounding_wire("lsgd", o.wire); },
           .impartial = false,
           .needs = {.loss = true}}),
      row<GrawaOptions>(
          {.name = "mgrawa",
           .summary =
               "pulled towards a mean that favours small gradients, pushed away from the average",
           .cost = "2 d + 1 values a round (push 0: d + 1), and one more gradient",
           .bytes_per_round = [](Cost cost,
                                 const GrawaOptions& o) { return consensus_bytes(cost, o, 1); },
           .check = [](const GrawaOptions& o, int,
                       uint64_t) { check_rounding_wire("mgrawa", o.wire); },
           .impartial = false,
           .needs = {.another_gradient = true}}),
      row<GrawaOptions>(
          {.name = "lgrawa",
           .summary = "mgrawa with a weight for every layer",
           .cost = "2 d + L values a round (push 0: d + L), L layers, and one more gradient",
           .bytes_per_round =
               [](Cost cost, const GrawaOptions& o) {
                 return consensus_bytes(cost, o, cost.layers);
               },
           .check = [](const GrawaOptions& o, int,
                       uint64_t) { check_rounding_wire("lgrawa", o.wire); },
           .impartial = false,
           .needs = {.another_gradient = true}}),
      row<DpsgdOptions>({.name = "dpsgd",
                         .summary = "mixes the weights with those of the neighbours in every step",
                         .cost = "d values to every neighbour a step (complete: d)",
                         .bytes_per_round = &dpsgd_bytes,
                         .check = &check_graph,
                         .moves_first = &mixes_first}),
      row<DsgdAcOptions>({.name = "dsgd-ac",
                          .summary = "dpsgd whose mixing falls with the learning rate",
                          .cost = "d values to every neighbour a step (complete: d)",
                          .bytes_per_round = &neighbours,
                          .check = &check_graph}),
      row<SgpOptions>({.name = "sgp",
                       .summary = "dpsgd over directed graphs, by push-sum",
                       .cost = "d + 1 values to every receiver a step (complete: d + 1)",
                       .bytes_per_round =
                           [](Cost cost, const SgpOptions& o) {
                             RoundCost pushed = cost;
                             ++pushed.d;
                             return neighbours(pushed, o);
                           },
                       .check = &check_graph}),
      row<GradientTrackingOptions>(
          {.name = "gradient-tracking",
           .summary = "dpsgd along an estimate of the mean gradient, for data that differ",
           .cost = "2 d values to every neighbour a step (complete: 2 d)",
           // y travels from the second step on.
           .bytes_per_round =
               [](Cost cost, const GradientTrackingOptions& o) {
                 return (cost.round == 0 ? 1 : 2) * neighbours(cost, o);
               },
           .check = &check_graph,
           .needs = {.gradient = true}}),
      row<DsgtmTvOptions>(
          {.name = "dsgtm-tv",
           .summary = "gradient tracking with momentum over directed graphs that change",
           .cost = "2 d values to every receiver a step (complete: 2 d)",
           .bytes_per_round =
               [](Cost cost, const DsgtmTvOptions& o) {
                 return (cost.round == 0 ? 1 : 2) * dsgtm_tv_bytes(cost, o);
               },
           .check = &check_graph,
           .needs = {.gradient = true}}),
      row<RelaySgdOptions>({.name = "relaysgd",
                            .summary = "relays sums along a tree, for data that differ",
                            .cost = "d + 1 values to every neighbour a step",
                            .bytes_per_round = &relaysgd_bytes,
                            .check = &check_graph}),
      row<D2Options>({.name = "d2",
                      .summary = "dpsgd with its last step taken back, for data that differ",
                      .cost = "d values to every neighbour a step (complete: d)",
                      .bytes_per_round = &neighbours,
                      .check = &check_graph}),
      row<QgDsgdmOptions>(
          {.name = "qg-dsgdm",
           .summary = "dpsgd with momentum of how the mixed weights move, for data that differ",
           .cost = "d values to every neighbour a step (complete: d)",
           .bytes_per_round = &neighbours,
           .check = &check_graph,
           .plain_alone = [](QgDsgdmOptions& o) { o.quasi_momentum = 0; },
           .momentum_in_gradient = [](const QgDsgdmOptions& o) { return o.quasi_momentum; },
           .needs = {.gradient = true}}),
      row<ChocoOptions>({.name = "choco",
                         .summary = "dpsgd that sends compressed differences",
                         .cost = "a payload of {compress} to every neighbour a step",
                         .bytes_per_round = &choco_bytes,
                         .check = &check_graph}),
      row<AdPsgdOptions>(
          {.name = "ad-psgd",
           .summary =
               "meets a random neighbour in every step and waits for nobody; only with threads",
           .cost = "2 d values a step for half of the workers, none for the others",
           .bytes_per_round = &ad_psgd_bytes,
           .check = &check_graph,
           .impartial = false,
           .asynchronous = true,
           .needs = {.gradient = true},
           .moves_first = [](const AdPsgdOptions&) { return true; }}),
  };
  return table;
}

const AlgorithmEntry& find_algorithm(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& entry : algorithms()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw UsageError(unknown_name("algorithm", name, known));
}

AlgorithmOptions AlgorithmEntry::with(const MethodValues& values) const {
  AlgorithmOptions options = defaults;
  const auto settings = options.settings();
  for (const auto& [key, value] : values) {
    if (options.has(key)) set(settings, key, value);
  }
  return options;
}

AlgorithmOptions AlgorithmEntry::or_defaults(const AlgorithmOptions& options) const {
  if (options.empty()) return defaults;
  require(options.like(defaults), "the options are those of another algorithm than {}", name);
  return options;
}

void require_stable_momentum(const std::string& name, const AlgorithmOptions& options,
                             double optimizer_momentum) {
  const AlgorithmEntry& entry = find_algorithm(name);
  if (!entry.momentum_in_gradient) return;
  const double own = entry.momentum_in_gradient(entry.or_defaults(options));
  require(own == 0 || own + optimizer_momentum < 1,
          "{0} {1} beside the momentum {2} of {3} itself diverges: their sum must be below 1 ({0} "
          "0 is the method as its authors have it)",
          Key{"momentum"}, optimizer_momentum, own, name);
}

void check_algorithm(const std::string& name, const AlgorithmOptions& options, int workers,
                     uint64_t seed) {
  const AlgorithmEntry& entry = find_algorithm(name);
  entry.check(entry.or_defaults(options), workers, seed);
}

void check_fewer_steps(const std::string& name, const AlgorithmOptions& given) {
  constexpr Key kFewerSteps = {"fewer-steps"};
  const AlgorithmEntry& entry = find_algorithm(name);
  if (!entry.weighs) {
    std::vector<std::string> names;
    for (const AlgorithmEntry& other : algorithms())
      if (other.weighs) names.push_back(other.name);
    throw UsageError(
        fmt::format("{} counts the workers by their steps, which has a meaning in the means of {}, "
                    "not of {}",
                    kFewerSteps, fmt::join(names, ", "), name));
  }
  const AlgorithmOptions options = entry.or_defaults(given);
  for (const auto& [key, plain] :
       {std::pair{"delay", "0"}, std::pair{"fragments", "1"}, std::pair{"hierarchy", "none"},
        std::pair{"compress-rounds", "none"}, std::pair{"wire", "none"},
        std::pair{"push-variant", "simple"}}) {
    const std::string value = option_text(options, key);
    require(value.empty() || value == plain,
            "{} sends all of a worker as it is, in a plain round: {} {}", kFewerSteps, Key{key},
            plain);
  }
}

}  // namespace valley
