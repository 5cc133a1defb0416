#include "valley/algorithms/relaysgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/graph.h"

namespace valley {
namespace {

class RelaySgd : public EveryStepAlgorithm {
 public:
  RelaySgd(const RelaySgdOptions& options, uint64_t seed) : graph_(options, seed) {
    keep("came", came_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  void begin(const at::Tensor& x) override {
    if (alone()) return;
    peers_ = graph_.topology().graph(0).receivers(comm().rank());
    came_ = at::zeros({static_cast<int64_t>(peers_.size()), x.numel() + 1}, x.options());
    sent_ = at::empty_like(came_);
    mine_ = at::ones({x.numel() + 1}, x.options());
  }

  void do_after_step(const StepInfo&, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    const int64_t d = x.numel();
    mine_.narrow(0, 0, d).copy_(x);
    sent_.copy_((mine_ + came_.sum(0)).unsqueeze(0) - came_);
    std::vector<Message> sends, receives;
    for (size_t k = 0; k < peers_.size(); ++k) {
      sends.push_back({peers_[k], sent_[static_cast<int64_t>(k)]});
      receives.push_back({peers_[k], came_[static_cast<int64_t>(k)]});
    }
    comm().exchange(sends, receives);
    const at::Tensor all = mine_ + came_.sum(0);
    x.copy_(all.narrow(0, 0, d)).div_(all[d]);
  }

  GraphFor graph_;
  std::vector<int> peers_;
  at::Tensor came_, sent_;  // [peers, d + 1]: sums, and of how many
  at::Tensor mine_;         // [x, 1]
};

}  // namespace

std::unique_ptr<Algorithm> make_relaysgd(const RelaySgdOptions& options,
                                         const AlgorithmContext& context) {
  return std::make_unique<RelaySgd>(options, context.seed);
}

}  // namespace valley
