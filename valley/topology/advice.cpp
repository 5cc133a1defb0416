#include "valley/topology/advice.h"

#include <fmt/format.h>

#include <cmath>

#include "valley/topology/shapes.h"

namespace valley {
namespace {

// What rounding makes of an eigenvalue.
constexpr double kEigenRounding = 1e-9;

std::string short_number(double value) {
  return std::abs(value) < 1e-12 ? "0" : fmt::format("{:.4g}", value);
}

}  // namespace

std::vector<std::string> topology_warnings(const Topology& topology, const TopologyFacts& facts) {
  std::vector<std::string> result;
  if (facts.rate && *facts.rate > 1 - kEigenRounding) {
    result.push_back(
        "the workers never agree: some have no way to each other, or only exchange "
        "places");
  }
  if (topology.workers() > 1 && facts.awc_limit && *facts.awc_limit < 1 - kEigenRounding) {
    if (*facts.awc_limit < kEigenRounding) {
      result.push_back(
          "mixing awc is stable at no learning rate: P has an eigenvalue -1, or another of modulus "
          "1 "
          "that a step takes outside");
    } else {
      result.push_back(fmt::format(
          "mixing awc bears learning rates only below {} / curvature{}, {:.0f} % of what "
          "ssgd, atc and cta bear",
          short_number(*facts.awc_limit), topology.cycle() == 0 ? " in mean square" : "",
          50 * *facts.awc_limit));
    }
  }
  return result;
}

std::vector<std::string> topology_notes(const Topology& topology, const TopologyFacts& facts,
                                        const std::string& name, int64_t seed) {
  std::vector<std::string> result;
  const int n = topology.workers();
  if (facts.exact_after && n > 1) {
    result.push_back(*facts.exact_after == 1
                         ? "exact: a step brings everyone to the mean"
                         : fmt::format("exact: any {} steps in a row bring everyone to the mean",
                                       *facts.exact_after));
  }
  if (topology.cycle() == 0) {
    result.push_back(fmt::format("random: steps to consensus are those of seed {}{}", seed,
                                 facts.rate ? ", the gap is in mean square" : ""));
  }
  if (!topology.doubly_stochastic()) {
    result.push_back(
        "only the columns sum to 1: for push-sum, or methods that make weights of "
        "their own from the graph");
  }
  if ((name == "grid" || name == "torus") && n > 3 && lattice(n).first == 1) {
    result.push_back(fmt::format("{} workers make no rectangle: this is a {}", n,
                                 name == "grid" ? "path" : "ring"));
  }
  if (name == "matching" && n % 2 == 1 && n > 1) {
    result.push_back("an odd number of workers: one rests in every step");
  }
  if (facts.lambda_min && !topology.directed() && n > 1) {
    const double smallest = *facts.lambda_min;
    result.push_back(
        smallest > -1.0 / 3 + kEigenRounding
            ? std::string("D2 needs lambda_min > -1/3, which holds")
            : fmt::format(
                  "D2 needs lambda_min > -1/3, which does not hold; that of (I + P) / 2 is {}",
                  short_number((1 + smallest) / 2)));
  }
  return result;
}

}  // namespace valley
