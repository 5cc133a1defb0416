#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "valley/topology/facts.h"
#include "valley/topology/stragglers.h"

namespace valley::app {

struct TopologyFlags {
  std::string name;
  int64_t workers = 16;
  int64_t seed = 0;
  int64_t steps = 0;
  int64_t values = 1'000'000;
  double straggler = 1;
  double message = 0;
  std::string svg;
  bool json = false;
};

/// A number of a table.
std::string number(double value);

std::string facts_table(const Topology& topology, const TopologyFacts& facts,
                        const TopologyFlags& flags);
std::string stability_table(const Topology& topology, const TopologyFacts& facts);
std::string straggling_table(const Straggling& straggling, const TopologyFlags& flags);
std::string steps_table(const std::vector<StepFacts>& steps);

}  // namespace valley::app
