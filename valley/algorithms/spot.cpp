#include "valley/algorithms/spot.h"

#include <utility>

#include "valley/algorithms/kernels.h"

namespace valley {

void Spot::take(at::Tensor x) {
  const std::lock_guard lock(mutex_);
  x_ = std::move(x);
}

void Spot::read(at::Tensor& x) const {
  const std::lock_guard lock(mutex_);
  x.copy_(x_);
}

at::Tensor Spot::read() const {
  const std::lock_guard lock(mutex_);
  return x_.clone();
}

void Spot::go(at::Tensor& x, const at::Tensor& from) {
  const std::lock_guard lock(mutex_);
  x_.add_(x).sub_(from);
  x.copy_(x_);
}

void Spot::meet(Spot& first, Spot& second) {
  const std::lock_guard one(first.mutex_);
  const std::lock_guard other(second.mutex_);
  meet_in_the_middle(first.x_, second.x_);
}

std::shared_ptr<Spots> take_spots(Communicator& comm, at::Tensor x) {
  const auto workers = static_cast<size_t>(comm.size());
  auto spots = comm.share(comm.rank() == 0 ? std::make_shared<Spots>(workers) : nullptr);
  (*spots)[static_cast<size_t>(comm.rank())].take(std::move(x));
  comm.barrier();
  return spots;
}

}  // namespace valley
