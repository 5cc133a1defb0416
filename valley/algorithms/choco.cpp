#include "valley/algorithms/choco.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"
#include "valley/compression/compressor.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class Choco : public EveryStepAlgorithm {
 public:
  Choco(const ChocoOptions& options, const AlgorithmContext& context)
      : gamma_(options.consensus_step),
        from_zero_(options.replicas == Replicas::kZero),
        seed_(context.seed),
        graph_(options, context.seed),
        compressor_(make_compressor(options.compress)) {
    keep("replica", replica_);
    keep("mixed", mixed_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void begin(const at::Tensor& x) override {
    if (alone()) return;
    replica_ = from_zero_ ? at::zeros_like(x) : x.clone();
    mixed_ = replica_.clone();
    mine_ = neighbourhood(graph_.matrix(0), comm().rank());
    make_buffers(x);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    difference_.copy_(x).sub_(replica_);
    compressor_->compress(difference_, derive_seed(seed_, comm().rank(), "choco", info.step),
                          payload_);
    comm().exchange(sends_, receives_);
    compressor_->decompress(payload_, difference_);
    replica_.add_(difference_);
    mixed_.add_(difference_, mine_.self);
    for (size_t k = 0; k < receives_.size(); ++k) {
      compressor_->decompress(receives_[k].tensor, difference_);
      mixed_.add_(difference_, mine_.receive[k].weight);
    }
    x.add_(mixed_, gamma_).sub_(replica_, gamma_);
  }

  void make_buffers(const at::Tensor& x) {
    difference_ = at::empty_like(x);
    const int64_t bytes = compressor_->bytes(x.numel(), int64_t(x.element_size()));
    payload_ = at::empty({bytes}, at::kByte);
    sends_.clear();
    receives_.clear();
    for (const int peer : mine_.send) sends_.push_back({peer, payload_});
    for (const Neighbour& peer : mine_.receive) {
      receives_.push_back({peer.rank, at::empty({bytes}, at::kByte)});
    }
  }

  double gamma_;
  bool from_zero_;
  uint64_t seed_;
  GraphFor<ChocoOptions> graph_;
  Neighbourhood mine_;
  std::unique_ptr<Compressor> compressor_;
  at::Tensor replica_, mixed_;  // xh of this worker, s; [d]
  at::Tensor difference_;       // [d]
  at::Tensor payload_;          // uint8
  std::vector<Message> sends_, receives_;
};

}  // namespace

std::unique_ptr<Algorithm> make_choco(const ChocoOptions& options,
                                      const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<Choco>(options, context);
}

}  // namespace valley
