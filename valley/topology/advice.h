#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/topology/facts.h"

/// What a person should know of a topology before training with it, a sentence each.
namespace valley {

/// What will not work, or only with small learning rates.
std::vector<std::string> topology_warnings(const Topology& topology, const TopologyFacts& facts);

/// What else is worth knowing. `name` as --topology takes it, `seed` that of the random ones.
std::vector<std::string> topology_notes(const Topology& topology, const TopologyFacts& facts,
                                        const std::string& name, int64_t seed);

}  // namespace valley
