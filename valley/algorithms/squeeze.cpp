#include "valley/algorithms/squeeze.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "valley/core/random.h"

namespace valley {

Squeeze::Squeeze(const std::string& compress, uint64_t seed)
    : compressor_(make_compressor(compress)), seed_(seed) {}

void Squeeze::join(Communicator& comm, const at::Tensor& like) {
  comm_ = &comm;
  size_ = (like.numel() + comm.size() - 1) / comm.size();
  const int64_t bytes = compressor_->bytes(size_, int64_t(like.element_size()));
  coded_ = at::zeros({comm.size(), bytes}, like.options().dtype(at::kByte));
  received_ = at::empty_like(coded_);
  said_ = at::zeros({bytes}, coded_.options());
}

at::Tensor Squeeze::slice(const at::Tensor& x, int m) const {
  const int64_t begin = std::min(m * size_, x.numel());
  return x.narrow(0, begin, std::min(size_, x.numel() - begin));
}

void Squeeze::code(at::Tensor v, uint64_t draw, at::Tensor payload) const {
  if (v.numel() == 0) return;
  at::Tensor part = payload.narrow(0, 0, compressor_->bytes(v.numel(), int64_t(v.element_size())));
  compressor_->compress(v, draw, part);
  v.sub_(decoded(payload, v));
}

at::Tensor Squeeze::decoded(const at::Tensor& payload, const at::Tensor& like) const {
  at::Tensor out = at::empty_like(like);
  if (like.numel() == 0) return out;
  compressor_->decompress(
      payload.narrow(0, 0, compressor_->bytes(like.numel(), int64_t(like.element_size()))), out);
  return out;
}

at::Tensor Squeeze::to_owners(at::Tensor& v, int64_t step) {
  const int rank = comm_->rank();
  std::vector<Message> sends, receives;
  for (int m = 0; m < comm_->size(); ++m) {
    code(slice(v, m), derive_seed(seed_, rank * comm_->size() + m, "squeeze", step), coded_[m]);
    if (m == rank) continue;
    sends.push_back({m, coded_[m]});
    receives.push_back({m, received_[m]});
  }
  comm_->exchange(sends, receives);
  at::Tensor mean = decoded(rank == 0 ? coded_[0] : received_[0], own(v));
  for (int m = 1; m < comm_->size(); ++m) {
    mean.add_(decoded(m == rank ? coded_[m] : received_[m], mean));
  }
  return mean.div_(comm_->size());
}

void Squeeze::to_all(at::Tensor s, int64_t step, at::Tensor& out) {
  code(s, derive_seed(seed_, comm_->rank(), "squeeze said", step), said_);
  const at::Tensor said = comm_->all_gather(said_);
  for (int m = 0; m < comm_->size(); ++m) {
    at::Tensor part = slice(out, m);
    part.add_(decoded(said[m], part));
  }
}

}  // namespace valley
