#pragma once

#include <cstdint>
#include <optional>

#include "valley/core/settings.h"

/// What can be chosen about the local optimizer, known without LibTorch.
namespace valley {

enum class OptimizerKind { kSgd, kAdamW, kLars, kLamb };

inline constexpr OneOf<OptimizerKind>::Name kOptimizerNames[] = {{"sgd", OptimizerKind::kSgd},
                                                                 {"adamw", OptimizerKind::kAdamW},
                                                                 {"lars", OptimizerKind::kLars},
                                                                 {"lamb", OptimizerKind::kLamb}};
inline constexpr auto kOptimizers = one_of("optimizer", kOptimizerNames);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  std::optional<double> momentum = {};  ///< sgd and lars: in [0, 1); a run's algorithm has its own,
                                        ///< see AlgorithmEntry::default_momentum(), else 0.9
  bool nesterov = false;                ///< sgd and lars: needs momentum > 0
  double weight_decay = 0.0;         ///< >= 0; sgd and lars add it to the gradient, the others not
  double beta1 = 0.9;                ///< adamw and lamb, in [0, 1)
  double beta2 = 0.999;              ///< adamw and lamb, in [0, 1)
  double clip_norm = 0;              ///< the longest gradient, 0: no limit; see step()
  std::optional<double> trust = {};  ///< of a layer's size is a step; .001 for lars, 1 for lamb
  double trust_limit = 10;           ///< > 0, the largest trust ratio

  double momentum_in_force() const { return momentum.value_or(0.9); }

  /// Vectors of d values that it remembers from step to step: momentum, moments.
  int64_t remembered_vectors() const {
    if (kind == OptimizerKind::kAdamW || kind == OptimizerKind::kLamb) return 2;
    return kind == OptimizerKind::kLars || momentum_in_force() > 0 ? 1 : 0;
  }
};

template <typename V>
void visit(OptimizerOptions& o, V& v) {
  v("optimizer", o.kind, kOptimizers, "sgd, adamw, lars or lamb");
  v("momentum", o.momentum, in(0, 1).open_above().not_given(-1),
    "of sgd and lars; -1: 0.9, or 0 where the method has its own (qg-dsgdm)");
  v("nesterov", o.nesterov, "Nesterov's momentum");
  v("weight-decay", o.weight_decay, at_least(0), "strength of the decay");
  v("beta1", o.beta1, in(0, 1).open_above(),
    "of adamw and lamb: how slowly the mean gradient forgets", kYounger);
  v("beta2", o.beta2, in(0, 1).open_above(),
    "of adamw and lamb: how slowly the mean square forgets", kYounger);
  v("clip-norm", o.clip_norm, at_least(0),
    "shorten a longer gradient to this norm before the optimizer's step; 0: never", kYounger);
  v("trust", o.trust, above(0).not_given(-1),
    "of lars and lamb: what a step is of a layer's own size; -1: 0.001 for lars, 1 for lamb",
    kYounger);
  v("trust-limit", o.trust_limit, above(0), "of lars and lamb: the largest trust ratio", kYounger);
}

/// @throws UsageError if an option is out of range.
void check(const OptimizerOptions& options);

struct SamOptions {
  double rho = 0;         ///< how far uphill, >= 0; 0 turns it off
  bool adaptive = false;  ///< distances in units of the parameters' size
};

template <typename V>
void visit(SamOptions& o, V& v) {
  v("sam", o.rho, at_least(0),
    "rho of sharpness-aware minimisation: the gradient is taken this far uphill; 0: off");
  v("sam-adaptive", o.adaptive, "uphill in units of the parameters' size (ASAM)");
}

/// Which parameters weight decay pulls to zero.
enum class DecayRule {
  kAll,       ///< every parameter, as torch::optim does
  kMatrices,  ///< only those with two or more dimensions: no biases, no normalisation weights
};

inline constexpr OneOf<DecayRule>::Name kDecayNames[] = {{"all", DecayRule::kAll},
                                                         {"matrices", DecayRule::kMatrices}};
inline constexpr Declared kDecay = {"decay", one_of("decay", kDecayNames),
                                    "what decays: all, or matrices (no biases, no normalisation)"};

}  // namespace valley
