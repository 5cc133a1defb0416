#include "valley/algorithms/registry.h"

#include "valley/algorithms/dppf.h"
#include "valley/algorithms/local_sgd.h"
#include "valley/algorithms/lsgd.h"
#include "valley/algorithms/mgrawa.h"
#include "valley/algorithms/ssgd.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

int64_t one_vector(int64_t d, const AlgorithmOptions&) { return d; }

int64_t dppf_values(int64_t d, const AlgorithmOptions& options) {
  const bool exact = options.pull_push.variant == PushVariant::kExact && options.pull_push.push > 0;
  return exact ? 2 * d : d;
}

int64_t lsgd_values(int64_t d, const AlgorithmOptions& options) {
  return options.pull_push.push > 0 ? 2 * d + 1 : d + 1;
}

int64_t mgrawa_values(int64_t d, const AlgorithmOptions& options) {
  return options.pull_push.push > 0 ? 2 * d + 1 : d + 1;
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
      {"local-sgd",
       "train alone, take the average every round",
       {"period"},
       "d values a round",
       &one_vector,
       &make_local_sgd},
      {"dppf",
       "pulled towards the average and pushed away from it, every round",
       {"period", "pull", "push", "push-schedule", "push-variant", "push-relative"},
       "d values a round (push variant exact: 2 d)",
       &dppf_values,
       &make_dppf},
      {"lsgd",
       "pulled towards the worker with the lowest loss, pushed away from the average",
       {"period", "pull", "push", "push-schedule", "push-relative"},
       "2 d + 1 values a round (push 0: d + 1)",
       &lsgd_values,
       &make_lsgd,
       /*impartial=*/false},
      {"mgrawa",
       "pulled towards a mean that favours small gradients, pushed away from the average",
       {"period", "pull", "push", "push-schedule", "push-relative"},
       "2 d + 1 values a round (push 0: d + 1), and one more gradient",
       &mgrawa_values,
       &make_mgrawa,
       /*impartial=*/false},
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

}  // namespace valley
