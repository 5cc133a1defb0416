/// How fast workers on a graph agree, without LibTorch: each takes the weighted mean of its
/// neighbours' values, step after step, and the distance to the mean of all shrinks.
///
///     graph [TOPOLOGY [WORKERS]]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "valley/topology/facts.h"
#include "valley/topology/topology.h"

int main(int argc, char** argv) try {
  const char* name = argc > 1 ? argv[1] : "ring";
  const int workers = argc > 2 ? std::atoi(argv[2]) : 8;
  const auto topology = valley::make_topology(name, {.workers = workers});
  const valley::TopologyFacts facts = valley::analyse(*topology);

  // Worker 0 begins at 1, the others at 0.
  std::vector<double> x(static_cast<size_t>(workers));
  x[0] = 1;
  for (int64_t step = 0; step < 20; ++step) {
    std::vector<double> mixed(x.size());
    for (int rank = 0; rank < workers; ++rank) {
      const auto [self, receive, send] = topology->neighbourhood(step, rank);
      double& value = mixed[static_cast<size_t>(rank)];
      value = self * x[static_cast<size_t>(rank)];
      for (const auto& from : receive) value += from.weight * x[static_cast<size_t>(from.rank)];
    }
    x = mixed;
  }
  double distance = 0;
  for (const double value : x) distance += (value - 1.0 / workers) * (value - 1.0 / workers);
  std::printf("%s of %d: spectral gap %.4f, %.2e from the mean after 20 steps\n", name, workers,
              facts.rate ? 1 - *facts.rate : 0, std::sqrt(distance));
} catch (const std::exception& error) {
  std::fprintf(stderr, "graph: %s\n", error.what());
  return 2;
}
