#include "valley/algorithms/learners.h"

#include <utility>

#include "valley/core/random.h"

namespace valley {

void Learners::gather(Communicator& comm) {
  spots_.reset();
  comm_ = &comm;
  rank_ = comm.rank();
  group_ = size_ > 1 ? comm.split(rank_ / size_) : nullptr;
  partners_ = leads() ? partners(graph_.graph(), rank_ / size_) : std::vector<int>();
}

void Learners::place(at::Tensor x) { spots_ = take_spots(*comm_, std::move(x)); }

Spot* Learners::asked(int64_t step) const {
  if (partners_.empty()) return nullptr;
  Random random(derive_seed(seed_, rank_, "ad-psgd", step));
  return &spot(partners_[random.below(partners_.size())]);
}

void Learners::read(at::Tensor& x) const {
  if (leads()) mine().read(x);
  if (group_ != nullptr) group_->broadcast(x, 0);
}

void Learners::mean(at::Tensor& g) const {
  if (group_ != nullptr) group_->all_reduce_mean(g);
}

}  // namespace valley
