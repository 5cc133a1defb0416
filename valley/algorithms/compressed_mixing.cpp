#include "valley/algorithms/compressed_mixing.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

#include "valley/core/random.h"

namespace valley {

CompressedMixing::CompressedMixing(GraphFor graph, const std::string& compress, Start start,
                                   uint64_t seed)
    : NeighbourMeeting(std::move(graph)),
      compressor_(make_compressor(compress)),
      start_(start),
      seed_(seed) {
  keep("replica", replica_);
  keep("mixed", mixed_);
}

void CompressedMixing::prepare(int workers) {
  NeighbourMeeting::prepare(workers);
  workers_ = workers;
}

void CompressedMixing::begin(const at::Tensor& x) {
  mine_.reset();
  if (workers_ == 1) return;
  replica_ = start_ == Start::kZero ? at::zeros_like(x) : x.clone();
  mixed_ = replica_.clone();
  difference_ = at::empty_like(x);
  payload_ = at::empty({compressor_->bytes(x.numel(), int64_t(x.element_size()))},
                       x.options().dtype(at::kByte));
}

void CompressedMixing::find_neighbours(int rank) {
  mine_ = neighbourhood(matrix(0), rank);
  sends_.clear();
  receives_.clear();
  for (const int peer : mine_->send) sends_.push_back({peer, payload_});
  for (const Neighbour& peer : mine_->receive) {
    receives_.push_back({peer.rank, at::empty_like(payload_)});
  }
}

PendingRound CompressedMixing::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (workers_ == 1) return {.center = x.clone()};
  if (!mine_) find_neighbours(comm.rank());
  difference_.copy_(x).sub_(replica_);
  compressor_->compress(difference_, derive_seed(seed_, comm.rank(), "choco", round), payload_);
  comm.exchange(sends_, receives_);
  compressor_->decompress(payload_, difference_);
  replica_.add_(difference_);
  mixed_.add_(difference_, mine_->self);
  for (size_t k = 0; k < receives_.size(); ++k) {
    compressor_->decompress(receives_[k].tensor, difference_);
    mixed_.add_(difference_, mine_->receive[k].weight);
  }
  return {.center = mixed_, .sent = replica_, .workers = comm.size()};
}

}  // namespace valley
