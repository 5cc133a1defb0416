#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "valley/core/settings.h"

/// How examples are made hard for a network, known without LibTorch.
namespace valley {

enum class AttackKind { kNone, kFgsm, kPgd };

/// The worst examples near given ones, see attack.h. `none`, `fgsm:EPS`, `pgd:EPS:STEPS` or
/// `pgd:EPS:STEPS:STEP`.
struct AttackSpec {
  AttackKind kind = AttackKind::kNone;
  double epsilon = 0;  ///< the most that a value changes, above 0: of bytes scaled to [0, 1], else
                       ///< in the units of the data
  int64_t steps = 1;   ///< of kPgd, at least 1
  double step = 0;     ///< of kPgd: how far one goes, above 0; 2.5 EPS / STEPS unless given

  bool any() const { return kind != AttackKind::kNone; }
  bool operator==(const AttackSpec&) const = default;
};

/// Reads that; a length may be a fraction: "fgsm:8/255".
/// @throws UsageError for an unknown name (the nearest is offered), a missing number or one out of
///     range.
AttackSpec parse_attack(std::string_view text);

/// What parse_attack() reads.
std::string to_string(const AttackSpec& spec);

inline constexpr Parsed<AttackSpec> kAttackText = {&parse_attack, &to_string};

/// Training on examples that are hard for the network as it is.
struct AdversarialOptions {
  AttackSpec attack;
  double clean = 0.5;  ///< weight of the loss of the examples as they are; the rest is theirs
};

template <typename V>
void visit(AdversarialOptions& o, V& v) {
  v("adversarial", o.attack, kAttackText,
    "train on the worst examples nearby, too: none, fgsm:EPS or pgd:EPS:STEPS[:STEP]; lengths in "
    "units of bytes / 255",
    kYounger);
  v("adversarial-clean", o.clean, in(0, 1).open_above(),
    "weight of the loss of the examples as they are, beside {adversarial}", kYounger);
}

}  // namespace valley
