#include "valley/algorithms/dsgtm_tv.h"

#include "valley/algorithms/tracking.h"

namespace valley {
namespace {

class DsgtmTv : public Tracking {
 public:
  DsgtmTv(const AlgorithmOptions& options, const AlgorithmContext& context)
      : Tracking(MixingOrder::kAwc, options.tracking_momentum, "dsgtm-tv"),
        graph_(options, context.seed, "dsgtm-tv", Graph::Weights::kAny) {}

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  MixingMatrix weights_of_x(int64_t t) override {
    return row_stochastic(graph_.topology().graph(t));
  }
  MixingMatrix weights_of_y(int64_t t) override {
    return column_stochastic(graph_.topology().graph(t));
  }

  Graph graph_;
};

}  // namespace

std::unique_ptr<Algorithm> make_dsgtm_tv(const AlgorithmOptions& options,
                                         const AlgorithmContext& context) {
  return std::make_unique<DsgtmTv>(options, context);
}

int64_t dsgtm_tv_bytes(const RoundCost& cost, const AlgorithmOptions& options) {
  Graph graph(options, cost.seed, "dsgtm-tv", Graph::Weights::kAny);
  graph.prepare(cost.workers);
  const int64_t one = Mixer::bytes(row_stochastic(graph.topology().graph(cost.round)), cost.rank,
                                   cost.d, cost.element_size);
  return (cost.round == 0 ? 1 : 2) * one;
}

}  // namespace valley
