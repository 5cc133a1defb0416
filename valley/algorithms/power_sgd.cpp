#include "valley/algorithms/power_sgd.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>

#include <tuple>

#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {

PowerSgd::PowerSgd(int64_t rank, const AlgorithmContext& context)
    : seed_(context.seed), f_{.rank = rank, .matrices = {}, .whole = {}, .left = {}, .right = {}} {
  require(!context.layers.empty(),
          "{} powersgd-{} needs a training loop that knows the layers (AlgorithmContext::layers)",
          Key{"wire"}, rank);
  for (const LayerRange& layer : context.layers) {
    if (!sent_as_factors(rank, layer.shape())) continue;
    f_.matrices.push_back({layer, lefts_, rights_});
    lefts_ += rank * layer.shape().rows;
    rights_ += rank * layer.shape().columns;
  }
  for (const LayerRange& layer : context.layers) {
    if (sent_as_factors(rank, layer.shape())) continue;
    f_.whole.push_back({layer, lefts_});
    lefts_ += layer.size;
  }
}

at::Tensor PowerSgd::Matrix::of(const at::Tensor& v) const {
  return v.narrow(0, layer.offset, layer.size).view({layer.rows, -1});
}

at::Tensor PowerSgd::Matrix::p(const at::Tensor& lefts, int64_t rank) const {
  return lefts.narrow(0, left, layer.rows * rank).view({layer.rows, rank});
}

at::Tensor PowerSgd::Matrix::q(const at::Tensor& rights, int64_t rank) const {
  const int64_t columns = layer.shape().columns;
  return rights.narrow(0, right, columns * rank).view({columns, rank});
}

void PowerSgd::begin(const at::Tensor& like) {
  if (!f_.left.defined() || f_.left.scalar_type() != like.scalar_type()) {
    f_.left = at::empty({lefts_}, like.options());
    f_.right = at::empty({rights_}, like.options());
  }
  if (basis_.defined()) return;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(derive_seed(seed_, 0, "powersgd"));
  basis_ = at::empty({rights_}, like.options().device(at::kCPU))
               .normal_(0, 1, generator)
               .to(like.device());
}

// Started, also for who waits at once: what follows the first all-reduce is done there. What that
// needs is its own, should this go meanwhile: a copy, which holds no work that it would wait for.
void PowerSgd::start(Communicator& comm, const at::Tensor& v, int64_t) {
  begin(v);
  workers_ = comm.size();
  for (const Matrix& m : f_.matrices) {
    at::Tensor p = m.p(f_.left, f_.rank);
    at::mm_out(p, m.of(v), m.q(basis_, f_.rank));
  }
  for (const Matrix& m : f_.whole) m.p(f_.left, m.layer.shape().columns).copy_(m.of(v));
  works_.push_back(comm.start_all_reduce_sum(f_.left, f_.left, [f = f_, v] { f.project(v); }));
  works_.push_back(comm.start_all_reduce_sum(f_.right, f_.right));
}

void PowerSgd::Factors::project(const at::Tensor& v) const {
  for (const Matrix& m : matrices) {
    at::Tensor p = m.p(left, rank), q = m.q(right, rank), rest = m.of(v);
    p.copy_(std::get<0>(at::linalg_qr(p)));
    at::mm_out(q, rest.t(), p);
    rest.addmm_(p, q.t(), 1, -1);
  }
  for (const Matrix& m : whole) m.of(v).zero_();
}

void PowerSgd::finish(at::Tensor& out) {
  for (const auto& work : works_) work->wait();
  works_.clear();
  basis_.copy_(f_.right).div_(workers_);
  for (const Matrix& m : f_.matrices)
    m.of(out).addmm_(m.p(f_.left, f_.rank), m.q(basis_, f_.rank).t());
  for (const Matrix& m : f_.whole) {
    m.of(out).add_(m.p(f_.left, m.layer.shape().columns).div_(workers_));
  }
}

}  // namespace valley
