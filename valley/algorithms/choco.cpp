#include "valley/algorithms/choco.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"
#include "valley/compression/compressor.h"
#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class Choco : public EveryStepAlgorithm {
 public:
  Choco(const AlgorithmOptions& options, const AlgorithmContext& context)
      : gamma_(options.consensus_step),
        from_zero_(options.replicas == Replicas::kZero),
        seed_(context.seed),
        graph_(options, context.seed, "choco", Graph::Weights::kDoublyStochastic),
        compressor_(make_compressor(options.compress)) {
    require(0 < gamma_ && gamma_ <= 1, "--consensus-step must be in (0, 1], got {}", gamma_);
    keep("replica", replica_);
    keep("mixed", mixed_);
  }

  void prepare(int workers) override {
    graph_.prepare(workers);
    require(graph_.topology().cycle() == 1,
            "--topology {} changes over time; choco needs one that stays, because neighbours keep "
            "replicas",
            graph_.name());
  }

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
  Graph graph_;
  Neighbourhood mine_;
  std::unique_ptr<Compressor> compressor_;
  at::Tensor replica_, mixed_;  // xh of this worker, s; [d]
  at::Tensor difference_;       // [d]
  at::Tensor payload_;          // uint8
  std::vector<Message> sends_, receives_;
};

}  // namespace

std::unique_ptr<Algorithm> make_choco(const AlgorithmOptions& options,
                                      const AlgorithmContext& context) {
  return std::make_unique<Choco>(options, context);
}

int64_t choco_bytes(const RoundCost& cost, const AlgorithmOptions& options) {
  if (cost.workers == 1) return 0;
  Graph graph(options, cost.seed, "choco", Graph::Weights::kDoublyStochastic);
  graph.prepare(cost.workers);
  const auto messages = static_cast<int64_t>(neighbourhood(graph.matrix(0), cost.rank).send.size());
  return messages * make_compressor(options.compress)->bytes(cost.d, cost.element_size);
}

}  // namespace valley
