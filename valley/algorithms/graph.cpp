#include "valley/algorithms/graph.h"

#include <cmath>

#include "valley/core/error.h"

namespace valley {

Graph::Graph(const std::string& topology, bool lazy, int workers, uint64_t seed,
             const std::string& algorithm, Weights weights)
    : topology_(make_topology(topology, {.workers = workers, .seed = seed})), lazy_(lazy) {
  require(weights == Weights::kAny || topology_->doubly_stochastic(),
          "{} {} keeps no mean by itself, which {} needs: use sgp or dsgtm-tv", Key{"topology"},
          topology, algorithm);
}

const MixingMatrix& Graph::matrix(int64_t t) {
  const int64_t of = topology_->cycle() == 1 ? 0 : t;
  if (of != of_) {
    matrix_ = topology_->matrix(of);
    if (lazy_) matrix_ = scaled(add(MixingMatrix::identity(matrix_->size()), 1, *matrix_), 0.5);
    of_ = of;
  }
  return *matrix_;
}

bool is_average(const MixingMatrix& p) {
  const double share = 1.0 / p.size();
  for (int j = 0; j < p.size(); ++j) {
    for (int k = 0; k < p.size(); ++k) {
      if (std::abs(p(j, k) - share) > 1e-12) return false;
    }
  }
  return true;
}

int64_t mixing_bytes(const MixingMatrix& p, int rank, int64_t d, int64_t element_size) {
  if (p.size() == 1) return 0;
  const auto messages =
      is_average(p) ? 1 : static_cast<int64_t>(neighbourhood(p, rank).send.size());
  return messages * d * element_size;
}

}  // namespace valley
