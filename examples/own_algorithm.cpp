/// A training algorithm of your own: what becomes of x when the workers have met. The clock that
/// says when, the meeting that brings the mean of all and their place in a checkpoint are parts
/// that are there. Every worker goes a share of the way to the average, and keeps the rest of what
/// it found by itself.
///
///     own_algorithm [SHARE]
#include <ATen/Parallel.h>
#include <torch/nn/functional/loss.h>

#include <cstdio>
#include <cstdlib>

#include "valley/algorithms/kernels.h"
#include "valley/algorithms/round_parts.h"
#include "valley/algorithms/rounds.h"
#include "valley/valley.h"

/// x_m <- x_m + share (x_A - x_m)
class PartOfTheWay : public valley::Rule {
 public:
  explicit PartOfTheWay(double share) : share_(share) {}

  valley::RoundReport move(const valley::StepInfo&, valley::PendingRound& met,
                           at::Tensor& x) override {
    const double distance = x.sub(met.sum, 1.0 / met.workers).norm().item<double>();
    valley::lerp_to_mean(x, met.sum, met.workers, share_);
    return {.distance = distance};
  }

 private:
  double share_;
};

int main(int argc, char** argv) {
  constexpr int64_t kSteps = 200;
  const double share = argc > 1 ? std::atof(argv[1]) : 0.5;
  const valley::DataSplits data = valley::load_data("blobs", {.train_samples = 2000});

  valley::run_threads(4, [&](valley::Communicator& comm) {
    at::set_num_threads(1);  // a worker's share of the cores
    const auto model = valley::make_model("mlp", {.input = {1, 28, 28}, .classes = 10, .seed = 1});
    const valley::FlatParameters parameters(model->parameters(), model->buffers());
    at::Tensor x = parameters.values(), g = parameters.gradients();
    valley::Sampler sampler(
        {.examples = data.train->size(), .rank = comm.rank(), .workers = comm.size()});
    valley::Loader loader(data.train, *data.train, {}, /*seed=*/1, comm.rank());

    valley::RoundsAlgorithm method(valley::parse_period("8"), {.total_steps = kSteps},
                                   std::make_unique<valley::MeanOfAll>(),
                                   std::make_unique<PartOfTheWay>(share));
    method.join(comm, x);
    for (int64_t step = 0; step < kSteps; ++step) {
      const valley::StepInfo info{.step = step, .total_steps = kSteps};
      const valley::Batch batch = loader.gather(sampler.batch(step), step);
      method.before_gradient(info, x);
      g.zero_();
      torch::nn::functional::cross_entropy(model->forward(batch.input), batch.target).backward();
      method.on_gradient(info, x, g);
      method.local_step(info, x, g, [&] { x.sub_(g, 0.05); });
      method.after_step(info, x);
    }
    if (comm.rank() == 0)
      std::printf("%lld rounds, in the last one %.3f from the average\n",
                  static_cast<long long>(method.rounds()), method.last_round()->distance);
  });
}
