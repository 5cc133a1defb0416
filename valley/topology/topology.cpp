#include "valley/topology/topology.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace valley {
namespace {

class RepeatedTopology : public Topology {
 public:
  explicit RepeatedTopology(std::vector<MixingMatrix> matrices)
      : Topology(matrices.front().size()), matrices_(std::move(matrices)) {
    for (const auto& p : matrices_) {
      directed_ |= !p.symmetric();
      for (int j = 0; j < p.size(); ++j) doubly_stochastic_ &= std::abs(p.row_sum(j) - 1) <= 1e-12;
    }
  }

  bool directed() const override { return directed_; }
  int64_t cycle() const override { return static_cast<int64_t>(matrices_.size()); }
  bool doubly_stochastic() const override { return doubly_stochastic_; }
  MixingMatrix matrix(int64_t t) const override {
    return matrices_[static_cast<size_t>(t % cycle())];
  }

 private:
  std::vector<MixingMatrix> matrices_;
  bool directed_ = false;
  bool doubly_stochastic_ = true;
};

}  // namespace

Neighbourhood neighbourhood(const MixingMatrix& p, int rank) {
  Neighbourhood result;
  result.self = p(rank, rank);
  for (int k = 0; k < p.size(); ++k) {
    if (k == rank) continue;
    if (p(rank, k) != 0) result.receive.push_back({k, p(rank, k)});
    if (p(k, rank) != 0) result.send.push_back(k);
  }
  return result;
}

std::unique_ptr<Topology> repeat(std::vector<MixingMatrix> matrices) {
  if (matrices.empty()) throw std::invalid_argument("repeat: no matrices");
  for (const auto& p : matrices) {
    if (p.size() != matrices.front().size()) throw std::invalid_argument("repeat: sizes differ");
  }
  return std::make_unique<RepeatedTopology>(std::move(matrices));
}

}  // namespace valley
