#include "valley/data/attack_options.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr Key kAdversarial = {"adversarial"};

std::vector<std::string> fields_of(std::string_view text) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == ':') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

// A number above 0, or a fraction.
double length_of(const std::string& text, std::string_view form, std::string_view what) {
  const size_t slash = text.find('/');
  std::optional<double> value = parse_number<double>(text.substr(0, slash));
  if (value && slash != text.npos) {
    const auto below = parse_number<double>(text.substr(slash + 1));
    value = below ? std::optional(*value / *below) : std::nullopt;
  }
  require(value && *value > 0 && std::isfinite(*value), "{} {} needs a number {} above 0, got '{}'",
          kAdversarial, form, what, text);
  return *value;
}

}  // namespace

AttackSpec parse_attack(std::string_view text) {
  const std::vector<std::string> fields = fields_of(text);
  const auto field = [&](size_t i) { return i < fields.size() ? fields[i] : std::string(); };
  AttackSpec spec;
  size_t most = 1;
  if (fields[0] == "fgsm") {
    most = 2;
    spec.kind = AttackKind::kFgsm;
    spec.epsilon = length_of(field(1), "fgsm:EPS", "EPS");
  } else if (fields[0] == "pgd") {
    constexpr std::string_view kForm = "pgd:EPS:STEPS[:STEP]";
    most = 4;
    spec.kind = AttackKind::kPgd;
    spec.epsilon = length_of(field(1), kForm, "EPS");
    const auto steps = parse_number<int64_t>(field(2));
    require(steps && *steps >= 1, "{} {} needs a whole number STEPS of at least 1, got '{}'",
            kAdversarial, kForm, field(2));
    spec.steps = *steps;
    spec.step = fields.size() > 3 ? length_of(field(3), kForm, "STEP")
                                  : 2.5 * spec.epsilon / static_cast<double>(spec.steps);
  } else if (fields[0] != "none") {
    throw UsageError(unknown_name("attack", fields[0], {"none", "fgsm", "pgd"}));
  }
  require(fields.size() <= most, "{} {} has too many values", kAdversarial, text);
  return spec;
}

std::string to_string(const AttackSpec& spec) {
  switch (spec.kind) {
    case AttackKind::kFgsm:
      return fmt::format("fgsm:{}", spec.epsilon);
    case AttackKind::kPgd:
      return fmt::format("pgd:{}:{}:{}", spec.epsilon, spec.steps, spec.step);
    case AttackKind::kNone:
      break;
  }
  return "none";
}

}  // namespace valley
