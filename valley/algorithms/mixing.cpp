#include "valley/algorithms/mixing.h"

#include <ATen/ops/empty_like.h>

#include <cmath>
#include <utility>

#include "valley/algorithms/kernels.h"
#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {
namespace {

bool is_average(const MixingMatrix& p) {
  const double share = 1.0 / p.size();
  for (int j = 0; j < p.size(); ++j) {
    for (int k = 0; k < p.size(); ++k) {
      if (std::abs(p(j, k) - share) > 1e-12) return false;
    }
  }
  return true;
}

}  // namespace

void Mixer::start(Communicator& comm, const MixingMatrix& p, const at::Tensor& x) {
  if (!copy_.defined()) copy_ = at::empty_like(x);
  copy_.copy_(x);
  prepare(comm.rank(), p, copy_);
  work_ = all_ ? comm.start_all_reduce_sum(copy_, received_[0])
               : comm.start_exchange(sends_, receives_);
}

void Mixer::finish(at::Tensor& out) {
  std::exchange(work_, nullptr)->wait();
  apply(copy_, out);
}

void Mixer::mix(Communicator& comm, const MixingMatrix& p, at::Tensor& x) {
  prepare(comm.rank(), p, x);
  if (all_) {
    comm.all_reduce_sum(x, received_[0]);
  } else {
    comm.exchange(sends_, receives_);
  }
  apply(x, x);
}

void Mixer::apply(const at::Tensor& x, at::Tensor& out) {
  if (all_) {
    if (!out.is_same(x)) out.copy_(x);
    lerp_to_mean(out, received_[0], workers_, 1);
  } else {
    mix_into(out, x, own_, weights_, received_);
  }
}

void Mixer::prepare(int rank, const MixingMatrix& p, const at::Tensor& x) {
  const auto buffer = [&](size_t i) {
    if (received_.size() <= i) received_.resize(i + 1);
    if (!received_[i].defined()) received_[i] = at::empty_like(x);
    return received_[i];
  };
  sends_.clear();
  receives_.clear();
  weights_.clear();
  workers_ = p.size();
  all_ = is_average(p);
  if (all_) {
    buffer(0);
    return;
  }
  const Neighbourhood mine = neighbourhood(p, rank);
  for (const int peer : mine.send) sends_.push_back({peer, x});
  own_ = mine.self;
  for (const Neighbour& peer : mine.receive) {
    receives_.push_back({peer.rank, buffer(weights_.size())});
    weights_.push_back(peer.weight);
    own_ += peer.weight;
  }
  if (std::abs(own_ - 1) < 1e-9) own_ = 1;
}

int64_t Mixer::bytes(const MixingMatrix& p, int rank, int64_t d, int64_t element_size) {
  if (p.size() == 1) return 0;
  const auto messages =
      is_average(p) ? 1 : static_cast<int64_t>(neighbourhood(p, rank).send.size());
  return messages * d * element_size;
}

Graph::Graph(const AlgorithmOptions& options, uint64_t seed, std::string algorithm, Weights weights)
    : name_(options.topology),
      lazy_(options.lazy),
      seed_(seed),
      algorithm_(std::move(algorithm)),
      weights_(weights) {}

void Graph::prepare(int workers) {
  topology_ = make_topology(name_, {.workers = workers, .seed = seed_});
  of_ = -1;
  require(weights_ == Weights::kAny || topology_->doubly_stochastic(),
          "--topology {} keeps no mean by itself, which {} needs: use sgp or dsgtm-tv", name_,
          algorithm_);
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

MixingOrder parse_mixing_order(const std::string& name) {
  const MixingOrder orders[] = {MixingOrder::kAwc, MixingOrder::kAtc, MixingOrder::kCta};
  return orders[choose("mixing order", name, {"awc", "atc", "cta"})];
}

int64_t mixing_bytes(const RoundCost& cost, const AlgorithmOptions& options) {
  Graph graph(options, cost.seed, "", Graph::Weights::kAny);
  graph.prepare(cost.workers);
  return Mixer::bytes(graph.matrix(cost.round), cost.rank, cost.d, cost.element_size);
}

}  // namespace valley
