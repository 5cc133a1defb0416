#include "valley/algorithms/registry.h"

#include "valley/algorithms/ad_psgd.h"
#include "valley/algorithms/choco.h"
#include "valley/algorithms/d2.h"
#include "valley/algorithms/diloco.h"
#include "valley/algorithms/dppf.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/dsgtm_tv.h"
#include "valley/algorithms/easgd.h"
#include "valley/algorithms/gradient_tracking.h"
#include "valley/algorithms/lgrawa.h"
#include "valley/algorithms/local_sgd.h"
#include "valley/algorithms/lsgd.h"
#include "valley/algorithms/mgrawa.h"
#include "valley/algorithms/mixing.h"
#include "valley/algorithms/qg_dsgdm.h"
#include "valley/algorithms/sgp.h"
#include "valley/algorithms/slowmo.h"
#include "valley/algorithms/ssgd.h"
#include "valley/algorithms/ssgd_noise.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

using Cost = const RoundCost&;
using Options = const AlgorithmOptions&;

int64_t one_vector(Cost cost, Options) { return cost.d * cost.element_size; }

int64_t dppf_bytes(Cost cost, Options options) {
  const bool exact = options.pull_push.variant == PushVariant::kExact && options.pull_push.push > 0;
  return (exact ? 2 : 1) * cost.d * cost.element_size;
}

// x_C and `more` values, and the average where there is a push.
int64_t consensus_bytes(Cost cost, Options options, int64_t more) {
  const bool pushes = options.pull_push.push > 0;
  return ((pushes ? 2 : 1) * cost.d + more) * cost.element_size;
}

int64_t sgp_bytes(Cost cost, Options options) {
  RoundCost pushed = cost;
  ++pushed.d;
  return mixing_bytes(pushed, options);
}

// y travels from the second step on.
int64_t tracking_bytes(Cost cost, Options options) {
  return (cost.round == 0 ? 1 : 2) * mixing_bytes(cost, options);
}

}  // namespace

const std::vector<AlgorithmEntry>& algorithms() {
  static const std::vector<AlgorithmEntry> table = {
      {"ssgd",
       "synchronous SGD: the mean gradient in every step",
       {"bucket-bytes"},
       "d values a step",
       &one_vector,
       &make_ssgd},
      {"ssgd-noise",
       "synchronous SGD with gradients taken at noisy points",
       {"noise", "bucket-bytes"},
       "d values a step",
       &one_vector,
       &make_ssgd_noise,
       /*impartial=*/true,
       [](AlgorithmOptions& options) { options.noise = 0; }},
      {"local-sgd",
       "train alone, take the average every round",
       {"period"},
       "d values a round",
       &one_vector,
       &make_local_sgd},
      {"slowmo",
       "local SGD with momentum over the rounds",
       {"period", "outer-lr", "outer-momentum"},
       "d values a round",
       &one_vector,
       &make_slowmo,
       /*impartial=*/true,
       [](AlgorithmOptions& options) { options.outer_lr = 1, options.outer_momentum = 0; }},
      {"diloco",
       "local SGD with a Nesterov step over every round",
       {"period", "outer-lr", "outer-momentum"},
       "d values a round",
       &one_vector,
       &make_diloco,
       /*impartial=*/true,
       [](AlgorithmOptions& options) { options.outer_lr = 1, options.outer_momentum = 0; }},
      {"dppf",
       "pulled towards the average and pushed away from it, every round",
       {"period", "pull", "push", "push-schedule", "push-variant", "push-relative"},
       "d values a round (push variant exact: 2 d)",
       &dppf_bytes,
       &make_dppf},
      {"easgd",
       "pulled towards a centre that follows, pushed away from the average",
       {"period", "moving-rate", "push", "push-schedule", "push-relative"},
       "d values a round",
       &one_vector,
       &make_easgd},
      {"lsgd",
       "pulled towards the worker with the lowest loss, pushed away from the average",
       {"period", "pull", "leader-pull", "push", "push-schedule", "push-relative"},
       "2 d + 1 values a round (push 0: d + 1)",
       [](Cost cost, Options options) { return consensus_bytes(cost, options, 1); },
       &make_lsgd,
       /*impartial=*/false},
      {"mgrawa",
       "pulled towards a mean that favours small gradients, pushed away from the average",
       {"period", "pull", "push", "push-schedule", "push-relative"},
       "2 d + 1 values a round (push 0: d + 1), and one more gradient",
       [](Cost cost, Options options) { return consensus_bytes(cost, options, 1); },
       &make_mgrawa,
       /*impartial=*/false},
      {"lgrawa",
       "mgrawa with a weight for every layer",
       {"period", "pull", "push", "push-schedule", "push-relative"},
       "2 d + L values a round (push 0: d + L), L layers, and one more gradient",
       [](Cost cost, Options options) { return consensus_bytes(cost, options, cost.layers); },
       &make_lgrawa,
       /*impartial=*/false},
      {"dpsgd",
       "mixes the weights with those of the neighbours in every step",
       {"topology", "mixing", "lazy"},
       "d values to every neighbour a step (complete: d)",
       &mixing_bytes,
       &make_dpsgd},
      {"sgp",
       "dpsgd over directed graphs, by push-sum",
       {"topology", "mixing", "lazy"},
       "d + 1 values to every receiver a step (complete: d + 1)",
       &sgp_bytes,
       &make_sgp},
      {"gradient-tracking",
       "dpsgd along an estimate of the mean gradient, for data that differ",
       {"topology", "mixing", "lazy"},
       "2 d values to every neighbour a step (complete: 2 d)",
       &tracking_bytes,
       &make_gradient_tracking},
      {"dsgtm-tv",
       "gradient tracking with momentum over directed graphs that change",
       {"topology", "tracking-momentum"},
       "2 d values to every receiver a step (complete: 2 d)",
       &dsgtm_tv_bytes,
       &make_dsgtm_tv},
      {"d2",
       "dpsgd with its last step taken back, for data that differ",
       {"topology", "lazy"},
       "d values to every neighbour a step (complete: d)",
       &mixing_bytes,
       &make_d2},
      {"qg-dsgdm",
       "dpsgd with momentum of how the mixed weights move, for data that differ",
       {"topology", "lazy", "quasi-momentum"},
       "d values to every neighbour a step (complete: d)",
       &mixing_bytes,
       &make_qg_dsgdm,
       /*impartial=*/true,
       [](AlgorithmOptions& options) { options.quasi_momentum = 0; },
       /*asynchronous=*/false,
       [](Options options) { return options.quasi_momentum; }},
      {"choco",
       "dpsgd that sends compressed differences",
       {"topology", "lazy", "compress", "consensus-step", "replicas"},
       "a payload of --compress to every neighbour a step",
       &choco_bytes,
       &make_choco},
      {"ad-psgd",
       "meets a random neighbour in every step and waits for nobody; only with threads",
       {"topology"},
       "2 d values a step for half of the workers, none for the others",
       &ad_psgd_bytes,
       &make_ad_psgd,
       /*impartial=*/false,
       /*plain_alone=*/nullptr,
       /*asynchronous=*/true},
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

void require_stable_momentum(const std::string& name, const AlgorithmOptions& options,
                             double optimizer_momentum) {
  const AlgorithmEntry& entry = find_algorithm(name);
  if (entry.momentum_in_gradient == nullptr) return;
  const double own = entry.momentum_in_gradient(options);
  require(own == 0 || own + optimizer_momentum < 1,
          "--momentum {} beside the momentum {} of {} itself diverges: their sum must be below 1 "
          "(--momentum 0 is the method as its authors have it)",
          optimizer_momentum, own, name);
}

void check_algorithm(const std::string& name, const AlgorithmOptions& options, int workers,
                     uint64_t seed) {
  const AlgorithmContext context = {.seed = seed,
                                    .learning_rate = [](int64_t) { return 1.0; },
                                    .layers = {{0, 1}},
                                    .layer_gradient_norms = [] { return std::vector{1.0}; }};
  find_algorithm(name).make(options, context)->prepare(workers);
}

}  // namespace valley
