#include "valley/algorithms/dsgtm_tv.h"

#include "valley/algorithms/tracking.h"

namespace valley {
namespace {

class DsgtmTv : public Tracking {
 public:
  DsgtmTv(const DsgtmTvOptions& options, const AlgorithmContext& context)
      : Tracking(MixingOrder::kAwc, options.tracking_momentum), graph_(options, context.seed) {}

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  MixingMatrix weights_of_x(int64_t t) override {
    return row_stochastic(graph_.topology().graph(t));
  }
  MixingMatrix weights_of_y(int64_t t) override {
    return column_stochastic(graph_.topology().graph(t));
  }

  GraphFor graph_;
};

}  // namespace

std::unique_ptr<Algorithm> make_dsgtm_tv(const DsgtmTvOptions& options,
                                         const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<DsgtmTv>(options, context);
}

}  // namespace valley
